import { ns } from './namespaces.ts'

/** The stream error conditions of RFC 6120 §4.9.3 that Switchyard sends or understands. */
export const streamConditions = [
  'bad-format',
  'bad-namespace-prefix',
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'internal-server-error',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'restricted-xml',
  'see-other-host',
  'system-shutdown',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  'unsupported-version',
] as const

export type StreamCondition = (typeof streamConditions)[number]

/** A stream error as text, without the closing tag of the stream; `text` is for people and is escaped here. */
export function streamError(condition: StreamCondition, text?: string): string {
  const detail = text === undefined ? '' : `<text xmlns='${ns.streamErrors}' xml:lang='en'>${escapeText(text)}</text>`
  return `<stream:error><${condition} xmlns='${ns.streamErrors}'/>${detail}</stream:error>`
}

/**
 * Escapes character data, and what stands between quotes, where a tab or a line end as itself would be read as a space
 * (XML 1.0 §3.3.3); everything that XML 1.0 forbids becomes U+FFFD, so that no text can break a stream.
 */
export function escapeText(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>'"\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`)
}
