import type { Home, Instance } from './instance.ts'
import { isRequest } from './replies.ts'
import { Form, type Head } from './xmpp/head.ts'
import { isValidIq } from './xmpp/iq.ts'
import { isJid } from './xmpp/jid.ts'
import { envelopeOf, stanzaError, undeliverable } from './xmpp/stanza-error.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

/** A request of an instance with a longer id is refused. */
const MOST_ID_BYTES = 1024

export type Fault = 'no_to' | 'streams' | 'invalid'

/** What is wrong with a stanza of an instance, if anything is. */
export function faultOf(head: Head): Fault | undefined {
  if (head.toStart < 0) return 'no_to'
  if (head.streams) return 'streams'
  if (head.toForm !== Form.full && !isJid(head.buffer, head.toStart, head.toEnd)) return 'invalid'
  // Its id is to be carried in a token, which may be twice as long, and remembered.
  if (isRequest(head) && head.idEnd - head.idStart > MOST_ID_BYTES) return 'invalid'
  return isValidIq(head) ? undefined : 'invalid'
}

/** Who reads bytes that have been stanzas before. */
export interface Rereader {
  stanzas(bytes: Buffer, each: (head: Head) => void): void
}

/** What a domain's server is to it. */
interface Linked {
  readonly config: { readonly upstream?: { readonly service: string } | undefined }
}

/**
 * Whether the server that has a domain's link may reach another domain by it: one that has its own there, too, as a server
 * may send what is for either by any of its links (ejabberd's `global_routes`).
 */
export function isReachedBy(linked: Linked, target: Linked): boolean {
  const service = target.config.upstream?.service
  return service !== undefined && service === linked.config.upstream?.service
}

/**
 * Reads a stanza once more whose `from` spells the instance's domain otherwise than in its normal form, with that in its
 * place: a server may compare it byte by byte, and end the link of all (Prosody 0.12 for capitals, ejabberd 23.01 for a dot at its end).
 */
export function respelled(
  { domain }: Pick<Instance, 'domain'>,
  { buffer, start, end, fromDomain, fromBare }: Head,
  reframer: Rereader,
  then: (head: Head) => StreamCondition | undefined,
): StreamCondition | undefined {
  const [before, behind] = [buffer.subarray(start, fromDomain), buffer.subarray(fromBare, end)]
  let condition: StreamCondition | undefined
  reframer.stanzas(Buffer.concat([before, Buffer.from(domain.name), behind]), (head) => {
    condition = then(head)
  })
  return condition
}

/** Who gives an instance a stanza of our own making. */
export interface Teller {
  tell(instance: Instance, bytes: Buffer): void
}

/** What an instance may not send: it is told, and closed the next time it nests a stream in a stanza. */
export function refuse(
  teller: Teller,
  domain: Home,
  instance: Instance,
  head: Head,
  fault: Fault,
): StreamCondition | undefined {
  const again = fault === 'streams' && instance.warned
  if (fault === 'streams') instance.warned = true
  const outcome = undeliverable(head)
  if (outcome !== 'bounce') domain.counters.dropped(outcome)
  else {
    domain.counters.bounced('bad-request', fault === 'no_to' ? 'no_to' : 'invalid')
    teller.tell(instance, Buffer.from(stanzaError(envelopeOf(head), 'bad-request')))
  }
  return again ? 'policy-violation' : undefined
}
