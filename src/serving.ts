import { clearTextUpstreams } from '../config/clear-text.ts'
import type { Config, Domain } from '../config/config.ts'
import type { Clock } from './clock.ts'
import { DomainRoutes } from './domain-routes.ts'
import { type Log, logEvent } from './log.ts'
import type { Routes } from './routes.ts'
import { selfConfig } from './self-config.ts'
import type { Shares } from './shares.ts'
import type { SlabPool } from './stream/slab-pool.ts'

export interface ServingParts {
  readonly routes: Routes
  /** Switchyard's own address. */
  readonly self: DomainRoutes
  readonly shares: Pick<Shares, 'redistribute'>
  /** For what is held. */
  readonly slabs: SlabPool
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** A domain is served no more. */
  readonly ended: (domain: DomainRoutes) => void
  /** These are served from now on. */
  readonly served: (domains: readonly DomainRoutes[]) => void
}

/** Which domains the node serves: what a config says of them comes into force here, the first time and anew. */
export class Serving {
  readonly #parts: ServingParts

  constructor(parts: ServingParts) {
    this.#parts = parts
  }

  /** Makes the routing table serve the config's domains: those that it had stay, changed; those that it lost are ended. */
  serve(config: Config): void {
    const { routes, self, ended } = this.#parts
    const before = new Map(routes.domains)
    const served = [...config.domains.values()].map((domain) => this.#configure(before.get(domain.name), domain))
    if (!config.domains.has(config.address)) served.push(this.#configure(self, selfConfig(config)))
    const names = new Set(served.map(({ name }) => name))
    for (const domain of before.values()) if (!names.has(domain.name)) ended(domain)
    routes.serve(served)
    this.#parts.served(served)
    for (const { domain, service } of clearTextUpstreams(config)) {
      logEvent(this.#parts.log, 'clear-text', { domain, service })
    }
  }

  #configure(existing: DomainRoutes | undefined, config: Domain): DomainRoutes {
    const { self, shares, slabs, clock, random } = this.#parts
    const domain = existing ?? (config.name === self.name ? self : undefined)
    if (domain === undefined) return new DomainRoutes(config, random, slabs, clock)
    const before = domain.mapping
    const buckets = domain.holders.length
    if (domain.configure(config)) shares.redistribute(domain, before)
    this.#tellUnassigned(domain, buckets)
    return domain
  }

  /** Of the buckets that are new, those that no spare was there for. */
  #tellUnassigned(domain: DomainRoutes, first: number): void {
    for (const [bucket, holder] of domain.holders.entries()) {
      if (bucket >= first && holder === undefined)
        logEvent(this.#parts.log, 'bucket-unassigned', { domain: domain.name, bucket })
    }
  }
}
