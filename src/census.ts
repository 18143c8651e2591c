import type { DomainRoutes } from './domain-routes.ts'
import { type Instance, type InstanceState, instanceStates } from './instance.ts'
import type { Instances } from './instances.ts'
import type { Link } from './link.ts'
import type { Links } from './links.ts'
import type { Routes } from './routes.ts'

/** One domain as it is now: who is connected for it, those that are leaving too, and what waits. */
export interface Count {
  readonly domain: DomainRoutes
  readonly instances: readonly Instance[]
  /** How many instances are in each state. */
  readonly states: Readonly<Record<InstanceState, number>>
  readonly link: Link | undefined
  /** Stanzas that have been received and have not ended yet: held, on their way to an instance, or to the server. */
  readonly waiting: number
  readonly waitingBytes: number
  /** Of that, what waits for the server. */
  readonly linkWaiting: { readonly stanzas: number; readonly bytes: number }
}

/** Counts the domains of the routing table, our own address among them. */
export function census(routes: Routes, instances: Instances, links: Links): readonly Count[] {
  const byDomain = new Map<DomainRoutes, Instance[]>()
  for (const [instance, domain] of instances.all) {
    const known = byDomain.get(domain)
    if (known === undefined) byDomain.set(domain, [instance])
    else known.push(instance)
  }
  return [...routes.domains.values()].map((domain) => count(domain, byDomain.get(domain) ?? [], links))
}

function count(domain: DomainRoutes, instances: readonly Instance[], links: Links): Count {
  const states = Object.fromEntries(instanceStates.map((state) => [state, 0])) as Record<InstanceState, number>
  let waiting = domain.hold.stanzas + domain.unwritten.stanzas
  let waitingBytes = domain.hold.bytes + domain.unwritten.bytes
  const linkWaiting = { stanzas: 0, bytes: 0 }
  for (const outbox of links.outboxes(domain.name)) {
    linkWaiting.stanzas += outbox.stanzas
    linkWaiting.bytes += outbox.bytes
  }
  waiting += linkWaiting.stanzas
  waitingBytes += linkWaiting.bytes
  // What is on its way to other nodes has not ended here.
  for (const { node, stream } of [...domain.members.values(), ...domain.departing]) {
    if (node === undefined) continue
    waiting += stream.outbox.stanzas
    waitingBytes += stream.outbox.bytes
  }
  for (const { state, stream } of instances) {
    states[state]++
    waiting += stream.outbox.stanzas
    waitingBytes += stream.outbox.bytes
  }
  return { domain, instances, states, link: links.peek(domain.name), waiting, waitingBytes, linkWaiting }
}
