import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { Shares } from './shares.ts'

export interface DeparturesParts {
  readonly routes: Routes
  readonly shares: Shares
  readonly router: Pick<Router, 'reroute'>
  /** Whether the node that has it is gone. */
  readonly isDead: (instance: Instance) => boolean
  /** Nothing more is to come of it. */
  readonly forget: (instance: Instance) => void
}

/** Instances of other nodes that have left: they get nothing new, and are remembered until they have confirmed what they got. */
export class Departures {
  readonly #parts: DeparturesParts

  constructor(parts: DeparturesParts) {
    this.#parts = parts
  }

  /** Nothing new goes there, and what has gone there is that node's to pass on. */
  depart(domain: DomainRoutes, instance: Instance): void {
    this.#parts.routes.unregister(instance)
    instance.stream.close()
    domain.departing.add(instance)
  }

  /** Those that have confirmed all are forgotten. */
  tick(domain: DomainRoutes): void {
    this.#buryDead(domain)
    for (const instance of domain.departing) {
      if (instance.stream.outbox.stanzas > 0 || instance.requests.size > 0) continue
      domain.departing.delete(instance)
      this.#parts.forget(instance)
    }
  }

  /** Those that had left, and whose node is gone before it has confirmed all: what they were sent comes before what waits. */
  #buryDead(domain: DomainRoutes): void {
    const dead = [...domain.departing].filter((instance) => this.#parts.isDead(instance))
    if (dead.length === 0) return
    const { shares, router, forget } = this.#parts
    // What came since they lost their shares waits for what they had.
    const held = shares.takeMoving(domain)
    for (const instance of dead) {
      domain.departing.delete(instance)
      forget(instance)
      shares.takeBack(domain, instance)
    }
    for (const queue of held) router.reroute(domain, queue)
  }
}
