import type { Clock } from './clock.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Home } from './instance.ts'
import type { Keeper, Past } from './past.ts'
import type { Source } from './stream/outbox.ts'
import type { StanzaQueue, Ticket } from './stream/queue.ts'
import type { Reframer } from './stream/reframe.ts'
import { type Head, Type } from './xmpp/head.ts'

export interface JournalingParts {
  /** Undefined where nothing outlives the node. */
  readonly keeper: () => Keeper | undefined
  readonly clock: Clock
  readonly reframer: Reframer
  readonly domains: () => Iterable<DomainRoutes>
  /** Routes what has been written down, in order. */
  readonly route: (domain: DomainRoutes, head: Head, past: Past) => void
  readonly bounce: (domain: DomainRoutes, head: Head, past: Past) => void
}

/**
 * While too much is written down, whoever sends more is read once in so many milliseconds: what it has confirmed, and
 * what it answers, is behind what it sends, and may be all that it takes to have less.
 */
const RELIEF_MILLISECONDS = 1000
/** Above so many times the bound nothing more is taken: who cannot be paused, or is read now and then, goes on. */
const OVERFLOW = 2

/** `delivery: journal`: a stanza counts as read, and goes on, once it is written down where it outlives the node. */
export class Journaling {
  readonly #parts: JournalingParts
  #hasKept = false
  /** Who sends too much. */
  readonly #slowed = new Set<Source>()
  #slowedAt = 0
  /** It has been too much, and half of it has not ended yet. */
  #wasFull = false
  /** Bytes that wait in holds, as of that time. */
  #held = 0
  #heldAt = Number.NaN

  constructor(parts: JournalingParts) {
    this.#parts = parts
  }

  /** Writes a stanza down; it goes on when that is done. False where nothing outlives the node. */
  write(domain: DomainRoutes, head: Head, source: Source | undefined, past: Past | undefined): boolean {
    const keeper = this.#parts.keeper()
    if (keeper === undefined || this.#isTooMuch(keeper, head)) return false
    this.#hasKept = true
    const since = past?.since ?? this.#parts.clock.now
    domain.unwritten.append(head, since, keeper.keep(domain.name, false, head, since), source)
    if (!domain.unwritten.isAsked) this.#whenWritten(domain, keeper)
    this.#slow(keeper, source)
    return true
  }

  /** Whether there is no room for a stanza of that domain. A reply has its own: that of the request. */
  isFullFor(domain: Home, head: Head): boolean {
    if (domain.config.delivery !== 'journal' || head.type === Type.result || head.type === Type.error) return false
    const keeper = this.#parts.keeper()
    return keeper !== undefined && this.#load(keeper) > OVERFLOW
  }

  /** Writes down what is for a domain's server, if the domain wants that. */
  keepForServer(domain: Home, head: Head, since: number, source: Source | undefined): Ticket | undefined {
    const keeper = domain.config.delivery === 'journal' ? this.#parts.keeper() : undefined
    if (keeper === undefined || this.#isTooMuch(keeper, head)) return undefined
    this.#hasKept = true
    const ticket = keeper.keep(domain.name, true, head, since)
    this.#slow(keeper, source)
    return ticket
  }

  /**
   * Calls `then` when all that came before is written down, of whatever domain, as a source writes to several; at once
   * where nothing ever was. What a life of the node in its cluster had not written when it ended, the next one writes:
   * `then` waits for that, too.
   */
  whenKept(then: () => void): void {
    const keeper = this.#hasKept ? this.#parts.keeper() : undefined
    if (keeper === undefined) return then()
    keeper.whenKept(() => (this.#parts.keeper() === keeper ? then() : this.whenKept(then)))
  }

  /** Called with every tick: whoever was paused is read again when there is room, and now and then when there is not. */
  tick(): void {
    const keeper = this.#parts.keeper()
    const hasRoom = keeper === undefined || this.#load(keeper) <= 1 / 2
    if (hasRoom) this.#wasFull = false
    if (this.#slowed.size === 0) return
    if (!hasRoom && this.#parts.clock.now - this.#slowedAt < RELIEF_MILLISECONDS) return
    const sources = [...this.#slowed]
    this.#slowed.clear()
    for (const source of sources) source.resume()
  }

  #slow(keeper: Keeper, source: Source | undefined): void {
    if (this.#load(keeper) <= 1) return
    if (!this.#wasFull) {
      this.#wasFull = true
      keeper.noteFull()
    }
    if (source === undefined || this.#slowed.has(source)) return
    if (this.#slowed.size === 0) this.#slowedAt = this.#parts.clock.now
    this.#slowed.add(source)
    source.pause()
  }

  /** An error says that something was not delivered, our own bounces among them: those must not fill what is full. */
  #isTooMuch(keeper: Keeper, head: Head): boolean {
    return head.type === Type.error && this.#load(keeper) > OVERFLOW
  }

  /** How much is written down and on its way, in parts of what may be. What waits in holds is bounded there. */
  #load({ bytes, limit }: Keeper): number {
    return (bytes > limit / 2 ? bytes - this.#heldBytes() : bytes) / limit
  }

  #heldBytes(): number {
    const { clock, domains } = this.#parts
    if (this.#heldAt === clock.now) return this.#held
    this.#heldAt = clock.now
    this.#held = 0
    for (const { isJournaled, hold, members } of domains()) {
      if (isJournaled || hold.keeper !== undefined) this.#held += hold.bytes
      if (!isJournaled) continue
      // What is for one that reads nothing has the bound of the hold, too.
      for (const { state, stream } of members.values()) if (state === 'stalled') this.#held += stream.outbox.bytes
    }
    return this.#held
  }

  #whenWritten(domain: DomainRoutes, keeper: Keeper): void {
    domain.unwritten.ask()
    keeper.whenKept(() => {
      this.#written(domain, domain.unwritten.take())
      const next = this.#parts.keeper()
      if (domain.unwritten.stanzas > 0 && next !== undefined && !domain.unwritten.isAsked)
        this.#whenWritten(domain, next)
    })
  }

  /**
   * Unless the life of the node is over in which they were to be. Then the next one writes them down, and what came since;
   * but where another node may have the domain's one link, and have passed on what came later, they are bounced.
   */
  #written(domain: DomainRoutes, queue: StanzaQueue): void {
    const { reframer, route, bounce, keeper } = this.#parts
    const isLeased = domain.config.upstream?.links === 'one'
    let next: Keeper | undefined
    let newer: StanzaQueue | undefined
    // Of all stanzas of a slab: they are many.
    let [from, anew] = [undefined as Past | undefined, undefined as Past | undefined]
    const goOn = (head: Head, past: Past): void => {
      const { since, deaths, ticket, tenure } = past
      const isLost = ticket?.isVoid === true && !ticket.isStored
      if (isLost && isLeased) return bounce(domain, head, past)
      if (isLost && newer === undefined) {
        newer = domain.unwritten.takeNewer()
        next = keeper()
      }
      if (next === undefined || (ticket?.isVoid === true && !isLost)) {
        if (anew === undefined || past !== from) anew = { since, deaths, ticket, tenure, isNew: true }
        from = past
        return route(domain, head, anew)
      }
      domain.unwritten.append(head, since, next.keep(domain.name, false, head, since), undefined)
    }
    reframer.queue(queue, goOn)
    if (newer !== undefined) reframer.queue(newer, goOn)
  }
}
