import type { StreamHeader } from '../xmpp/framer.ts'
import { matchingSecret } from '../xmpp/handshake.ts'
import { ns } from '../xmpp/namespaces.ts'
import { escapeText, type StreamCondition } from '../xmpp/stream-error.ts'

/** A secret, and the instance that it names when each instance has its own. */
export interface Credential {
  readonly secret: string
  readonly instance: string | undefined
}

/** What accepting needs to know about a domain. */
export interface AcceptedDomain {
  /** Normalised. */
  readonly name: string
  readonly credentials: readonly Credential[]
}

/** Finds a served domain by the name in a header, of any case; undefined when it is not served on that port. */
export type FindDomain = (name: string) => AcceptedDomain | undefined

export interface Refusal {
  readonly condition: StreamCondition
  readonly text: string
}

/** XEP-0114 §3, first step: the header of the component's stream names a domain that is served here. */
export function acceptHeader(header: StreamHeader, find: FindDomain): AcceptedDomain | Refusal {
  if (header.name !== 'stream' || header.namespace !== ns.streams) {
    return { condition: 'invalid-namespace', text: `the stream must be <stream> in ${ns.streams}` }
  }
  if (header.content !== ns.component) {
    return { condition: 'invalid-namespace', text: `the default namespace must be ${ns.component}` }
  }
  if (header.to === undefined || header.to === '') {
    return { condition: 'improper-addressing', text: "the stream header has no 'to'" }
  }
  return find(header.to) ?? { condition: 'host-unknown', text: 'this name is not served here' }
}

export function isRefusal(accepted: AcceptedDomain | Refusal): accepted is Refusal {
  return 'condition' in accepted
}

/** Our opening tag; `from` is the name that the component asked for, or nothing when that is not known. */
export function streamHeader(streamId: string, from?: string): string {
  const name = from === undefined ? '' : ` from='${escapeText(from)}'`
  return `<?xml version='1.0'?><stream:stream xmlns='${ns.component}' xmlns:stream='${ns.streams}'${name} id='${streamId}'>`
}

/** XEP-0114 §3, second step: the digest proves the secret. Returns the credential that it proves, or undefined. */
export function acceptHandshake(digest: string, streamId: string, domain: AcceptedDomain): Credential | undefined {
  const secrets = domain.credentials.map((credential) => credential.secret)
  return domain.credentials[matchingSecret(digest, streamId, secrets)]
}
