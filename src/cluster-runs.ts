import type { Incarnation } from './cluster/cluster-store.ts'
import type { Run } from './cluster/entry.ts'
import type { SharedTime } from './cluster/store-clock.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import { deliveryOfAll } from './passed-on.ts'
import type { Past } from './past.ts'
import type { Redelivery } from './redelivery.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { Ticket } from './stream/queue.ts'
import type { Reframer } from './stream/reframe.ts'

export interface ClusterRunsParts {
  readonly routes: Routes
  /** Switchyard's own address: counts what is for no domain of this node. */
  readonly self: Pick<DomainRoutes, 'counters'>
  readonly router: Router
  readonly redelivery: Redelivery
  readonly reframer: Reframer
  readonly time: SharedTime
  readonly log: Log
  /** Sees whether this node may act; called before anything is routed. */
  readonly look: () => void
  /** The name of a node that is alive; undefined for another. */
  readonly nameOf: (node: Incarnation) => string | undefined
}

/** Stanzas that come out of inboxes, on their way to the router. */
export class ClusterRuns {
  readonly #parts: ClusterRunsParts

  constructor(parts: ClusterRunsParts) {
    this.#parts = parts
  }

  /** From another node. */
  arrived(run: Run, ticket: Ticket): void {
    const { router, reframer } = this.#parts
    const { instance } = run.to
    this.#route(run, ticket, (domain, past) => {
      const all = deliveryOfAll(domain, instance, past)
      reframer.stanzas(run.bytes, (head) => router.fromNode(domain, instance, head, past), all)
    })
  }

  /** What a dead node had read, or been given. */
  inherited(run: Run, ticket: Ticket): void {
    const { router, redelivery, reframer } = this.#parts
    this.#route(run, ticket, (domain, past) => {
      if (run.to.instance !== undefined) redelivery.restore(domain, run.bytes, past)
      else reframer.stanzas(run.bytes, (head) => router.fromNode(domain, undefined, head, past))
    })
  }

  /** What another node has sent cannot be read. */
  unreadable(sender: Incarnation | undefined, id: string, reason: string): void {
    const name = sender && (this.#parts.nameOf(sender) ?? sender)
    logEvent(this.#parts.log, 'inbox-unreadable', { name, id, reason: escapeForLog(reason) })
  }

  #route({ to, since, deaths, stanzas }: Run, ticket: Ticket, route: (domain: DomainRoutes, past: Past) => void): void {
    this.#parts.look()
    const { routes, self, time, log } = this.#parts
    const domain = routes.domains.get(to.domain)
    if (domain === undefined) {
      // Nothing of the domain's name could be sent to a server from here: nobody can be answered.
      self.counters.receivedFromNodes += stanzas
      self.counters.dropped('unserved', stanzas)
      return logEvent(log, 'inbox-unserved', { domain: to.domain, stanzas })
    }
    try {
      route(domain, { since: since - time.epoch, deaths, ticket })
    } catch (error) {
      this.unreadable(undefined, '', error instanceof Error ? error.message : String(error))
    }
  }
}
