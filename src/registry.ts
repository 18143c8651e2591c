import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import type { Router } from './router.ts'
import type { Shares } from './shares.ts'
import { succeed } from './succession.ts'

/** Who decides which instance has which share: this node alone, or all nodes of a cluster together. */
export interface Registry {
  /** An instance is there. `seated` is told once it has its place in the routing table. */
  join(domain: DomainRoutes, instance: Instance): void
  /** An instance gets nothing more: its share goes to whoever is next. */
  leave(domain: DomainRoutes, instance: Instance): void
  /** A suspect spare inherits nothing, … */
  sideline(domain: DomainRoutes, instance: Instance): void
  /** … until it answers again. */
  reinstate(domain: DomainRoutes, instance: Instance): void
}

export interface LocalRegistryParts {
  readonly shares: Shares
  readonly router: Pick<Router, 'reroute'>
  readonly log: Log
  readonly seated: (domain: DomainRoutes, instance: Instance) => void
}

/** One node alone: every change is complete before the next stanza is read. */
export class LocalRegistry implements Registry {
  readonly #parts: LocalRegistryParts

  constructor(parts: LocalRegistryParts) {
    this.#parts = parts
  }

  join(domain: DomainRoutes, instance: Instance): void {
    const old = domain.members.get(instance.name)
    if (old === undefined) this.#parts.shares.take(domain, [instance], domain.join(instance))
    else if (old.isLeaving) succeed(domain, instance, old, this.#parts.shares)
    else this.#replace(domain, instance, old)
    this.#parts.seated(domain, instance)
  }

  leave(domain: DomainRoutes, instance: Instance): void {
    for (const { bucket, from, to } of domain.leave(instance)) {
      const code = to === undefined ? 'bucket-unassigned' : 'bucket-moved'
      logEvent(this.#parts.log, code, { domain: domain.name, bucket, from, to })
    }
  }

  sideline(domain: DomainRoutes, instance: Instance): void {
    domain.sideline(instance)
  }

  reinstate(domain: DomainRoutes, instance: Instance): void {
    this.#parts.shares.take(domain, [instance], domain.reinstate(instance))
    this.#parts.shares.release(domain)
  }

  /** A second stream under a name: the new one has the bucket, then what the old one had not been handed, then the rest. */
  #replace(domain: DomainRoutes, instance: Instance, old: Instance): void {
    const place = domain.placeHeldBy(old)
    const held = place !== undefined && domain.isMoving(place) ? domain.hold.take(place) : undefined
    domain.replace(instance)
    expel(old, instance.name)
    if (held !== undefined) this.#parts.router.reroute(domain, held)
  }
}

/** Ends an instance whose name another one has now. */
export function expel(old: Instance, name: string): void {
  old.isLeaving = true
  old.stream.close('conflict', `another stream is now ${escapeForLog(name)}`)
}
