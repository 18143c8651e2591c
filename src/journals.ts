import type { Backoff } from './backoff.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { type HoldStore, Journal } from './journal.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import type { Slab, StanzaQueue } from './stream/queue.ts'

export interface JournalsParts {
  readonly store: HoldStore
  readonly log: Log
  /** What the clock must be added to for milliseconds since 1970. */
  readonly epoch: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Between one try and the next while the store cannot be reached. */
  readonly backoff: Backoff
  /** Gives what an earlier life of the node held to whom it is for now, or holds it again. Throws for what cannot be read. */
  readonly restore: (domain: DomainRoutes, slab: Slab) => void
  /** Gives what was held to whom it is for now, or holds it again. */
  readonly reroute: (domain: DomainRoutes, queue: StanzaQueue) => void
}

/** As often the store is asked whether it is still there, and still knows what it was told. */
const CHECK_MILLISECONDS = 1000

interface Kept {
  readonly domain: DomainRoutes
  readonly journal: Journal
}

/**
 * The journals of all domains whose holds outlive the node, and the only one that talks to their store: one thing after
 * the other, and never so that a stanza waits for it. While the store cannot be reached, what it should know stays here.
 */
export class Journals {
  readonly #parts: JournalsParts
  readonly #kept = new Map<string, Kept>()
  /** Those that somebody else writes, too, which is told once. */
  readonly #shared = new Set<Journal>()
  /** What the store remembers by. */
  #memory: string | undefined
  #isUp: boolean | undefined
  #isClosed = false
  #isWorking = false
  #checkedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  /** Called when a round of work has ended. */
  #onRound: (() => void)[] = []

  constructor(parts: JournalsParts) {
    this.#parts = parts
  }

  /** Whether the store could be reached the last time; null where there is nothing for it to keep. */
  get isUp(): boolean | null {
    return this.#kept.size === 0 ? null : this.#isUp === true
  }

  /** Stanzas held for a domain that the store does not know of; undefined where it is not to know of any. */
  unsaved(domain: string): number | undefined {
    return this.#kept.get(domain)?.journal.unsaved
  }

  /** Keeps the journals of these domains from now on, and of no other. What was held before becomes part of it. */
  configure(domains: Iterable<DomainRoutes>): void {
    const wanted = new Map([...domains].map((domain) => [domain.name, domain]))
    for (const [name, { domain, journal }] of this.#kept) {
      if (wanted.get(name) === domain) continue
      domain.hold.journal = undefined
      // What it still knows of ends as everything does, and is removed from the store then.
      if (journal.isEmpty) this.#kept.delete(name)
    }
    for (const domain of wanted.values()) this.#keep(domain)
    this.#wake()
  }

  /** Resolves when the store has been read, or could not be: then it is tried again, and what it has comes later. */
  async open(): Promise<void> {
    if (this.#kept.size > 0) await this.#round()
  }

  /** Resolves when the store knows all that is held, when it cannot be reached, or after so many milliseconds. */
  async flushed(milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds
    while (this.#isDirty && this.#isUp === true && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - performance.now())
        this.#onRound.push(() => {
          clearTimeout(timer)
          resolve()
        })
        this.#wake()
      })
    }
  }

  /** Nothing more is saved; what is held from now on is not meant to outlive the node. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    for (const { journal } of this.#kept.values()) journal.isSaving = false
    this.#parts.store.close()
  }

  get #isDirty(): boolean {
    for (const { journal } of this.#kept.values()) if (journal.isDirty) return true
    return false
  }

  #keep(domain: DomainRoutes): void {
    const known = this.#kept.get(domain.name)
    const journal =
      known?.domain === domain
        ? known.journal
        : new Journal(domain.name, this.#parts.store, this.#parts.epoch, () => this.#wake())
    this.#kept.set(domain.name, { domain, journal })
    journal.isSaving = this.#isUp === true
    if (domain.hold.journal === journal) return
    domain.hold.journal = journal
    this.#ahead(domain, () => {})
  }

  /** Saves after the input of this turn of the event loop has been read, unless that waits for the store to come back. */
  #wake(): void {
    if (this.#isWorking || this.#isClosed || this.#isUp === false || this.#immediate !== undefined) return
    if (this.#kept.size === 0) return
    this.#immediate = setImmediate(() => void this.#round())
  }

  /** Does what there is to do, then waits: for more to do, for the next check, or for another try. */
  async #round(): Promise<void> {
    if (this.#isWorking || this.#isClosed) return
    this.#isWorking = true
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#immediate = undefined
    try {
      await this.#work()
      this.#up()
      this.#later(CHECK_MILLISECONDS)
    } catch (error) {
      this.#down(messageOf(error))
      this.#later(this.#parts.backoff.next())
    }
    this.#isWorking = false
    for (const resolve of this.#onRound.splice(0)) resolve()
    if (this.#isDirty) this.#wake()
  }

  #later(milliseconds: number): void {
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#round(), milliseconds)
  }

  async #work(): Promise<void> {
    const elapsed = performance.now() - this.#checkedAt
    if (this.#isUp !== true || elapsed >= CHECK_MILLISECONDS) await this.#check()
    for (const kept of this.#kept.values()) if (!kept.journal.isRead) await this.#read(kept)
    while (this.#isDirty && !this.#isClosed) {
      for (const { journal } of this.#kept.values()) if (journal.isDirty) await this.#save(journal)
    }
  }

  async #check(): Promise<void> {
    const memory = await this.#parts.store.memory()
    this.#checkedAt = performance.now()
    if (memory === this.#memory) return
    if (this.#memory !== undefined) {
      for (const { journal } of this.#kept.values()) journal.rewrite(this.#parts.now())
    }
    this.#memory = memory
  }

  /** What is in the store came before anything that is held by now. */
  async #read({ domain, journal }: Kept): Promise<void> {
    const { entries, unreadable } = await journal.read(this.#parts.now())
    for (const id of unreadable) this.#unreadable(domain, id, 'not of a form that this release writes')
    if (entries.length === 0) return
    const before = domain.counters.receivedFromStore
    this.#ahead(domain, () => {
      for (const entry of entries) {
        try {
          this.#parts.restore(domain, journal.adopt(entry))
        } catch (error) {
          this.#unreadable(domain, entry.id, messageOf(error))
        }
      }
    })
    const stanzas = domain.counters.receivedFromStore - before
    logEvent(this.#parts.log, 'hold-restored', { domain: domain.name, stanzas })
  }

  /** Does something ahead of all that is held, which is then held anew, with tickets that say so. */
  #ahead(domain: DomainRoutes, act: () => void): void {
    const held = domain.hold.places().flatMap((place) => domain.hold.take(place) ?? [])
    act()
    for (const queue of held) this.#parts.reroute(domain, queue)
  }

  async #save(journal: Journal): Promise<void> {
    if ((await journal.save(this.#parts.now())) || this.#shared.has(journal)) return
    this.#shared.add(journal)
    logEvent(this.#parts.log, 'hold-store-shared', { domain: journal.domain })
  }

  #unreadable(domain: DomainRoutes, id: string, reason: string): void {
    const fields = { domain: domain.name, id: escapeForLog(id), reason: escapeForLog(reason) }
    logEvent(this.#parts.log, 'hold-entry-unreadable', fields)
  }

  #up(): void {
    this.#parts.backoff.reset()
    if (this.#isUp === false) logEvent(this.#parts.log, 'hold-store-up')
    this.#turn(true)
  }

  #down(reason: string): void {
    if (this.#isUp !== false) logEvent(this.#parts.log, 'hold-store-down', { reason: escapeForLog(reason) })
    this.#turn(false)
  }

  #turn(isUp: boolean): void {
    this.#isUp = isUp
    for (const { journal } of this.#kept.values()) journal.isSaving = isUp && !this.#isClosed
  }
}

/** Only its text: an error of Redis carries the command that it is about, password and all. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
