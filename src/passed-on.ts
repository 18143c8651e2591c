import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import type { Past } from './past.ts'
import { SUSPECT_DEATHS } from './stream/queue.ts'
import type { Head } from './xmpp/head.ts'

/** A stanza that has gone from node to node so often goes round in a circle. */
export const MOST_HOPS = 10

/** The instance of this node that another node means by a name, if it is one that takes what is passed on. */
export function presentTaker(domain: DomainRoutes, name: string): Instance | undefined {
  // The sender may know already that it has its place here. What waits for it until others have confirmed is newer, and
  // they may be waiting for this.
  const instance = domain.members.get(name) ?? domain.joining.get(name)
  return instance !== undefined && instance.node === undefined && instance.state !== 'draining' ? instance : undefined
}

/**
 * Delivers messages and presence that another node passes on, so many at once as `head` begins and ends with, without any of
 * them being looked at. Undefined where each has to find its own way, or something older may have to go before it
 * (`Router.fromNode`).
 */
export function deliveryOfAll(
  domain: DomainRoutes,
  name: string | undefined,
  { since, deaths, ticket }: Past,
): ((head: Head, stanzas: number) => void) | undefined {
  const isStraight =
    domain.hold.stanzas === 0 && deaths < SUSPECT_DEATHS && ticket?.hops !== undefined && ticket.hops <= MOST_HOPS
  const taker = isStraight && name !== undefined ? presentTaker(domain, name) : undefined
  if (taker === undefined) return undefined
  const { outbox } = taker.stream
  return ({ buffer, start, end }, stanzas) => {
    domain.counters.receivedFromNodes += stanzas
    outbox.append(buffer, start, end, since, deaths, ticket, undefined, stanzas)
  }
}
