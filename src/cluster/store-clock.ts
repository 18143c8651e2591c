import type { ClusterStore } from './cluster-store.ts'

/** How nodes tell each other when something was: whatever a node's own clock says. */
export interface SharedTime {
  /** What this node's monotonic clock must be added to for milliseconds since 1970. */
  readonly epoch: number
}

export interface StoreClockParts {
  readonly store: Pick<ClusterStore, 'time'>
  /** This node's monotonic clock, in milliseconds. */
  readonly now: () => number
  /** By this node's own clock: until the store has been asked. */
  readonly epoch: number
}

/** So often the store is asked, in milliseconds: a node's clock may run a little faster than the store's. */
const EVERY = 10_000

/** The store's clock, by which all nodes of a cluster tell each other when something was. */
export class StoreClock implements SharedTime {
  readonly #parts: StoreClockParts
  #epoch: number
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(parts: StoreClockParts) {
    this.#parts = parts
    this.#epoch = parts.epoch
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#epoch + this.#parts.now()
  }

  /** Asks the store if that is due. When it does not answer, what was known before stays so. */
  async look(): Promise<void> {
    const { store, now } = this.#parts
    const sent = now()
    if (sent - this.#askedAt < EVERY) return
    this.#askedAt = sent
    try {
      const time = await store.time()
      this.#epoch = time - (sent + now()) / 2
    } catch {
      // Whoever needs the store for more than this says so.
      this.#askedAt = Number.NEGATIVE_INFINITY
    }
  }
}
