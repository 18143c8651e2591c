import type { ClusterStore, Incarnation } from './cluster/cluster-store.ts'
import { Estate } from './cluster/estate.ts'
import type { Membership } from './cluster/membership.ts'
import { MergedRuns } from './cluster/merged-runs.ts'
import { closeEstate, noteEstateRead } from './cluster/node-wishes.ts'
import type { Table } from './cluster/table.ts'
import type { Timing } from './cluster/timing.ts'
import type { ClusterRuns } from './cluster-runs.ts'
import { type Log, logEvent } from './log.ts'

export interface ClusterEstatesParts {
  readonly me: Incarnation
  readonly store: ClusterStore
  readonly membership: () => Pick<Membership, 'table' | 'propose'>
  readonly runs: Pick<ClusterRuns, 'inherited' | 'unreadable'>
  readonly timing: Timing
  readonly log: Log
  /** What the dead had read may have gone on. */
  readonly handedOut: () => void
}

/** What is read here waits for what a dead node had read until nothing more of that has come for so many milliseconds. */
const PATIENCE_MILLISECONDS = 30_000

/** The inboxes of dead nodes that this one is the heir of. */
export class ClusterEstates {
  readonly #parts: ClusterEstatesParts
  /** As long as the table names this node as their heir, also when nothing is left in them. */
  readonly #estates = new Map<Incarnation, Estate>()
  readonly #merged: MergedRuns
  /** Whether another is the heir of a former life of this node, and has not handed out what that had read. */
  #isOwnLeft = false
  /** When something was first to be waited for, this node became somebody's heir last, or something came of what they left. */
  #movedAt: number | undefined
  #isPaused = false

  constructor(parts: ClusterEstatesParts) {
    this.#parts = parts
    this.#merged = new MergedRuns({
      handOut: (run, ticket) => parts.runs.inherited(run, ticket),
      isReading: () => this.#isAnyUnread,
      idle: () => this.#handedOut(),
      timing: parts.timing,
    })
  }

  /** Begins to see to what the table says is this node's. */
  follow(table: Table): void {
    for (const [dead, estate] of this.#estates) {
      if (table.estates.get(dead)?.heir === this.#parts.me) continue
      estate.close()
      this.#estates.delete(dead)
    }
    for (const [dead, { name, heir }] of table.estates) {
      if (heir === this.#parts.me && !this.#estates.has(dead)) this.#claim(dead, name)
    }
    this.#merged.proceed()
    const name = table.nodes.get(this.#parts.me)?.name
    const former = [...table.estates.values()].filter((estate) => estate.name === name)
    this.#isOwnLeft = former.some(({ heir, isRead }) => heir !== this.#parts.me && isRead !== true)
    if (this.#isOwnLeft) this.#movedAt ??= this.#parts.timing.now()
  }

  /** Whether something that the dead have left has not been handed out yet: what is newer is not to be read before it. */
  get isReading(): boolean {
    return this.#isAnyUnread || !this.#merged.isIdle
  }
  /** Whether what is read here is to wait for that, or for what a former life of this node had read. */
  get isAwaited(): boolean {
    if (this.#movedAt === undefined || !(this.isReading || this.#isOwnLeft)) return false
    return this.#parts.timing.now() - this.#movedAt < PATIENCE_MILLISECONDS
  }
  get #isAnyUnread(): boolean {
    for (const estate of this.#estates.values()) if (!estate.isRead) return true
    return false
  }

  /** A node is gone: what it had left in these inboxes is to be seen to, too. */
  look(): void {
    for (const estate of this.#estates.values()) estate.look()
  }

  /** This node may not act, for now. */
  pause(): void {
    this.#isPaused = true
    this.#merged.pause()
    for (const estate of this.#estates.values()) estate.pause()
  }
  resume(): void {
    this.#isPaused = false
    for (const estate of this.#estates.values()) estate.resume()
    this.#merged.resume()
  }

  /** Nothing more is read. With `isLeft` what has been handed out and has not ended is another heir's to see to. */
  close(isLeft = false): void {
    this.#merged.close()
    for (const estate of this.#estates.values()) {
      if (isLeft) estate.void()
      estate.close()
    }
  }

  #handedOut(): void {
    const { me, membership, handedOut } = this.#parts
    handedOut()
    const member = membership()
    for (const [dead, estate] of this.#estates) {
      if (!estate.isRead || member.table.estates.get(dead)?.isRead === true) continue
      member.propose((draft) => noteEstateRead(draft, dead, me)).catch(() => {})
    }
  }

  #claim(dead: Incarnation, name: string): void {
    const { me, store, membership, runs, timing, log } = this.#parts
    logEvent(log, 'estate-claimed', { name, incarnation: dead })
    this.#movedAt = timing.now()
    const estate = new Estate({
      ...{ store, dead, timing, random: Math.random },
      isAlive: (node) => membership().table.nodes.has(node),
      handler: {
        run: (sender, run, ticket) => {
          this.#movedAt = timing.now()
          this.#merged.add(run, ticket, { inbox: dead, sender })
        },
        read: () => this.#merged.proceed(),
        unreadable: (sender, id, reason) => runs.unreadable(sender, id, reason),
        emptied: (isMissing) => {
          this.#merged.proceed()
          logEvent(log, isMissing ? 'estate-missing' : 'estate-settled', { name, incarnation: dead })
          membership()
            .propose((draft) => closeEstate(draft, dead, me))
            .catch(() => {})
        },
      },
    })
    this.#estates.set(dead, estate)
    if (this.#isPaused) estate.pause()
    estate.start()
  }
}
