import type { StreamHeader } from '../xmpp/framer.ts'
import { matchingSecret, newStreamId } from '../xmpp/handshake.ts'
import { ns } from '../xmpp/namespaces.ts'
import { escapeText, type StreamCondition } from '../xmpp/stream-error.ts'
import type { TokenRate } from './token-bucket.ts'

/** What proves who connects, and the instance that it names when each instance has its own. */
export interface Credential {
  /** Undefined where a certificate has proved it. */
  readonly secret: string | undefined
  readonly instance: string | undefined
}

/** A certificate that a peer has shown, and whose chain has been verified. */
export interface ShownCertificate {
  /** `sha256:` and 64 lower-case digits, of the whole certificate. */
  readonly fingerprint: string
  /** Whether it has this DNS name among its alternative names, letter by letter. */
  isFor(name: string): boolean
}

/** What accepting needs to know about a domain. */
export interface AcceptedDomain {
  /** Normalised. */
  readonly name: string
  readonly credentials: readonly (Credential & { readonly secret: string })[]
  /** What the peer's certificate has proved: no digest is asked then, though a handshake is (XEP-0114 §3). */
  readonly proved?: Credential
  /** How fast an instance is read that came this way, unless its domain says. */
  readonly shaper?: TokenRate
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

/**
 * Stands for a domain that is not served: whoever sends a handshake with its header is answered after as long for an unknown
 * name as for a wrong secret. Its own secret is nobody's.
 */
export const decoy: AcceptedDomain = { name: '', credentials: [{ secret: newStreamId(), instance: undefined }] }

export function isRefusal(accepted: AcceptedDomain | Refusal): accepted is Refusal {
  return 'condition' in accepted
}

/** Our opening tag; `from` is the name that the component asked for, or nothing when that is not known. */
export function streamHeader(streamId: string, from?: string): string {
  const name = from === undefined ? '' : ` from='${escapeText(from)}'`
  return `<?xml version='1.0'?><stream:stream xmlns='${ns.component}' xmlns:stream='${ns.streams}'${name} id='${streamId}'>`
}

/**
 * XEP-0114 §3, second step: the digest proves the secret, unless a certificate has proved more. Returns the credential that is
 * proved, or undefined.
 */
export function acceptHandshake(digest: string, streamId: string, domain: AcceptedDomain): Credential | undefined {
  const secrets = domain.credentials.map((credential) => credential.secret)
  const match = domain.credentials[matchingSecret(digest, streamId, secrets)]
  return domain.proved ?? match
}
