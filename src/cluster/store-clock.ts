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

/** By so much a node's clock may drift from the store's, in milliseconds a millisecond: what is known is less sure with time. */
const DRIFT = 0.001

/** The store's clock, by which all nodes of a cluster tell each other when something was. */
export class StoreClock implements SharedTime {
  readonly #parts: StoreClockParts
  #epoch: number
  #askedAt = Number.NEGATIVE_INFINITY
  /** How far off the time may be that the store last said, when it did, in milliseconds. */
  #error = Number.POSITIVE_INFINITY
  #knownAt = 0

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

  /**
   * Asks the store if that is due. When it does not answer, or takes so long that what was known before is surer, that
   * stays so: a pause of the store would move all later times against those before.
   */
  async look(): Promise<void> {
    const { store, now } = this.#parts
    const sent = now()
    if (sent - this.#askedAt < EVERY) return
    this.#askedAt = sent
    try {
      const time = await store.time()
      const answered = now()
      const error = (answered - sent) / 2
      if (error > this.#error + (answered - this.#knownAt) * DRIFT) {
        this.#askedAt = Number.NEGATIVE_INFINITY
        return
      }
      this.#epoch = time - (sent + answered) / 2
      this.#error = error
      this.#knownAt = answered
    } catch {
      // Whoever needs the store for more than this says so.
      this.#askedAt = Number.NEGATIVE_INFINITY
    }
  }
}
