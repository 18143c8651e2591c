import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { type LogCode, type LogLevel, logCodes } from './log-codes.ts'

export type Log = Logger

/** Keys whose values never reach a log, however deep in the configuration they stand. */
const secretKeys = ['secret', 'secrets', 'token', 'password', 'handshake', 'authorization', 'redis']

/** As deep as a configuration nests its secrets: config.domains.<name>.instances.<name>.secret. */
const secretDepth = 5

const maxLogged = 200

/**
 * A log of JSON lines, each with `level` by name, `time` in ISO 8601 and the name of the node. It goes to standard
 * output, or to `destination`. Values under secret keys are replaced.
 */
export function createLog(
  options: { readonly level: LogLevel | 'trace' | 'silent'; readonly node: string },
  destination?: DestinationStream,
): Log {
  const settings = {
    level: options.level,
    base: { node: options.node },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretPaths(), censor: '[redacted]' },
  }
  return destination === undefined ? pino(settings) : pino(settings, destination)
}

/** Logs one event at the level of its code. `fields` hold no stanza bodies; what a peer chose goes through `escapeForLog`. */
export function logEvent(log: Log, code: LogCode, fields: Readonly<Record<string, unknown>> = {}): void {
  log[logCodes[code].level]({ ...fields, code }, code)
}

/**
 * Text that a peer chose, fit for a log: control, format and separator characters and lone surrogates as `\u{hex}`,
 * so that it can neither forge lines nor turn their direction, and at most 200 characters, then `…` where it was cut.
 */
export function escapeForLog(text: string): string {
  let escaped = ''
  for (const character of text) {
    const piece = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character)
      ? `\\u{${character.codePointAt(0)?.toString(16)}}`
      : character
    if (escaped.length + piece.length > maxLogged) return `${escaped}…`
    escaped += piece
  }
  return escaped
}

function secretPaths(): string[] {
  const paths: string[] = []
  for (let depth = 0; depth <= secretDepth; depth++) {
    for (const key of secretKeys) paths.push('*.'.repeat(depth) + key)
  }
  return paths
}
