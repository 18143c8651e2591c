import type { ClusterStore, Incarnation } from './cluster/cluster-store.ts'
import { Estate } from './cluster/estate.ts'
import type { Membership } from './cluster/membership.ts'
import { closeEstate } from './cluster/node-wishes.ts'
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
}

/** The inboxes of dead nodes that this one is the heir of. */
export class ClusterEstates {
  readonly #parts: ClusterEstatesParts
  /** As long as the table names this node as their heir, also when nothing is left in them. */
  readonly #estates = new Map<Incarnation, Estate>()
  #isPaused = false

  constructor(parts: ClusterEstatesParts) {
    this.#parts = parts
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
  }

  /** Whether something that the dead have left has not been handed out yet: what is newer is not to be read before it. */
  get isReading(): boolean {
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
    for (const estate of this.#estates.values()) estate.pause()
  }
  resume(): void {
    this.#isPaused = false
    for (const estate of this.#estates.values()) estate.resume()
  }

  /** Nothing more is read. With `isLeft` what has been handed out and has not ended is another heir's to see to. */
  close(isLeft = false): void {
    for (const estate of this.#estates.values()) {
      if (isLeft) estate.void()
      estate.close()
    }
  }

  #claim(dead: Incarnation, name: string): void {
    const { me, store, membership, runs, timing, log } = this.#parts
    logEvent(log, 'estate-claimed', { name, incarnation: dead })
    const estate = new Estate({
      ...{ store, dead, timing, random: Math.random },
      isAlive: (node) => membership().table.nodes.has(node),
      handler: {
        run: (_sender, run, ticket) => runs.inherited(run, ticket),
        unreadable: (sender, id, reason) => runs.unreadable(sender, id, reason),
        emptied: (isMissing) => {
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
