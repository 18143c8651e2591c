import type { Clock } from './clock.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Home } from './instance.ts'
import type { Keeper, Past } from './past.ts'
import type { Source } from './stream/outbox.ts'
import type { StanzaQueue, Ticket } from './stream/queue.ts'
import type { Head } from './xmpp/head.ts'

export interface JournalingParts {
  /** Undefined where nothing outlives the node. */
  readonly keeper: () => Keeper | undefined
  readonly clock: Clock
  /** Routes what has been written down, in order. */
  readonly written: (domain: DomainRoutes, queue: StanzaQueue) => void
}

/** `delivery: journal`: a stanza counts as read, and goes on, once it is written down where it outlives the node. */
export class Journaling {
  readonly #parts: JournalingParts
  #hasKept = false

  constructor(parts: JournalingParts) {
    this.#parts = parts
  }

  /** Writes a stanza down; it goes on when that is done. False where nothing outlives the node. */
  write(domain: DomainRoutes, head: Head, source: Source | undefined, past: Past | undefined): boolean {
    const keeper = this.#parts.keeper()
    if (keeper === undefined) return false
    this.#hasKept = true
    const since = past?.since ?? this.#parts.clock.now
    domain.unwritten.append(head, since, keeper.keep(domain.name, false, head, since), source)
    if (!domain.unwritten.isAsked) this.#whenWritten(domain, keeper)
    return true
  }

  /** Writes down what is for a domain's server, if the domain wants that. */
  keepForServer(domain: Home, head: Head, since: number): Ticket | undefined {
    const keeper = domain.config.delivery === 'journal' ? this.#parts.keeper() : undefined
    if (keeper !== undefined) this.#hasKept = true
    return keeper?.keep(domain.name, true, head, since)
  }

  /**
   * Calls `then` when all that came before is written down, of whatever domain, as a source writes to several; at once
   * where nothing ever was.
   */
  whenKept(then: () => void): void {
    const keeper = this.#hasKept ? this.#parts.keeper() : undefined
    if (keeper === undefined) then()
    else keeper.whenKept(then)
  }

  #whenWritten(domain: DomainRoutes, keeper: Keeper): void {
    domain.unwritten.ask()
    keeper.whenKept(() => {
      this.#parts.written(domain, domain.unwritten.take())
      const next = this.#parts.keeper()
      if (domain.unwritten.stanzas > 0 && next !== undefined && !domain.unwritten.isAsked)
        this.#whenWritten(domain, next)
    })
  }
}
