import type { Outbox } from './stream/outbox.ts'

/** The way to a domain's server: a link, or the node that has one. */
export interface Upstream {
  readonly outbox: Outbox
}

/** Which link serves a source domain; it is opened if it was not. Undefined for a domain that has none. */
export interface Upstreams {
  linkFor(domain: string): Upstream | undefined
}
