import { parse } from 'ltx'
import { type Head, Kind, Type } from './head.ts'
import { ns } from './namespaces.ts'
import { escapeText } from './stream-error.ts'

/** The error types of RFC 6120 §8.3.2. */
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** The stanza error conditions of RFC 6120 §8.3.3 that Switchyard sends, each with the type that it has here. */
export const stanzaErrors = {
  'bad-request': 'modify',
  forbidden: 'auth',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'not-allowed': 'cancel',
  'recipient-unavailable': 'wait',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
} as const satisfies { readonly [condition: string]: StanzaErrorType }

export type StanzaCondition = keyof typeof stanzaErrors

/** Names and addresses of a stanza, as the attributes stand between their quotes. */
export interface Envelope {
  readonly name: 'iq' | 'message' | 'presence'
  readonly from: string | undefined
  readonly to: string | undefined
  readonly id: string | undefined
}

const names = { [Kind.iq]: 'iq', [Kind.message]: 'message', [Kind.presence]: 'presence' } as const

/** The envelope of the stanza in `head`. */
export function envelopeOf(head: Head): Envelope {
  return {
    name: head.kind === Kind.other ? 'message' : names[head.kind],
    from: head.text(head.fromStart, head.fromEnd),
    to: head.text(head.toStart, head.toEnd),
    id: head.text(head.idStart, head.idEnd),
  }
}

/** What an error that answers an ad-hoc command says besides. */
export interface CommandError {
  /** A condition of XEP-0050 §4.4. */
  readonly specific?: string | undefined
  /** The command that it answers, as XML of ours: libraries tell by its session what an error is about. */
  readonly command: string
}

/**
 * The error that answers a stanza: addresses swapped, the same id, no payload echoed (RFC 6120 §8.3.1 lets us leave it
 * out, and what was refused must not travel on). `text` is for people and is escaped here.
 */
export function stanzaError(stanza: Envelope, condition: StanzaCondition, text?: string, of?: CommandError): string {
  const addresses = attribute('from', stanza.to) + attribute('to', stanza.from) + attribute('id', stanza.id)
  const detail = text === undefined ? '' : `<text xmlns='${ns.stanzaErrors}' xml:lang='en'>${escapeText(text)}</text>`
  const more = of?.specific === undefined ? '' : `<${of.specific} xmlns='${ns.commands}'/>`
  const error = `<error type='${stanzaErrors[condition]}'><${condition} xmlns='${ns.stanzaErrors}'/>${detail}${more}</error>`
  return `<${stanza.name} type='error'${addresses}>${of?.command ?? ''}${error}</${stanza.name}>`
}

/** One attribute from its raw value. The value may have stood between other quotes than ours. */
function attribute(name: string, raw: string | undefined): string {
  return raw === undefined ? '' : ` ${name}='${raw.replaceAll("'", '&apos;')}'`
}

/** What may be done with a stanza that reaches nobody: bounce it, or drop it for this reason. */
export type Undeliverable = 'bounce' | 'error_bounce' | 'result_bounce' | 'presence_bounce' | 'headline_bounce'

/**
 * RFC 6120 §8.3.1, RFC 6121 §8.5 and XEP-0045 §7.2: requests and messages are answered, errors and results never,
 * presence only when it joins a room (somebody waits for the answer), headlines never.
 */
export function undeliverable(head: Head): Undeliverable {
  if (head.type === Type.error) return 'error_bounce'
  switch (head.kind) {
    case Kind.iq:
      return head.type === Type.result ? 'result_bounce' : 'bounce'
    case Kind.message:
      return head.type === Type.headline ? 'headline_bounce' : 'bounce'
    default:
      return joinsRoom(head) ? 'bounce' : 'presence_bounce'
  }
}

function joinsRoom(head: Head): boolean {
  if (head.kind !== Kind.presence || head.type !== Type.none) return false
  return parse(head.bytes.toString('utf8')).getChild('x', ns.muc) !== undefined
}
