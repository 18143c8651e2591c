/** Milliseconds. */
export interface Timing {
  /** A node says so often that it is alive. */
  readonly heartbeat: number
  /** It is given up when it has not said so for so long, by the store's clock. */
  readonly lease: number
  /** So long before that it stops to act, by its own. */
  readonly margin: number
  /**
   * A store that is empty has nothing but nodes written into it for so long: it may have forgotten what nodes act on that
   * have not reached it yet. With less than `lease`, one that is cut off just then may be robbed.
   */
  readonly grace: number
}

export const usualTiming: Timing = { heartbeat: 1000, lease: 5000, margin: 1000, grace: 5000 }

/** Two renewals that make a node sure of the store are that part of a heartbeat apart, at least. */
const APART = 0.9
/** A refusal proves, for that part of a heartbeat, that nobody has been sure of the store since. */
const REFUSAL = 0.75
/** A node that has not renewed its lease for so many heartbeats is not sure of the store. */
const RECENT = 2.5

/** How long this node may act, by its own clock, and how sure it is of the store. Times are of that clock. */
export class Lease {
  readonly #timing: Timing
  #until = Number.NEGATIVE_INFINITY
  #othersFrom = Number.NEGATIVE_INFINITY
  /** The first renewal, and the last one, since there was trouble. */
  #first: number | undefined
  #last = Number.NEGATIVE_INFINITY
  #hasTrouble = false
  #quietUntil = Number.NEGATIVE_INFINITY

  constructor(timing: Timing) {
    this.#timing = timing
  }

  /** Nobody acts for this node before then. */
  get until(): number {
    return this.#until
  }
  isHeld(now: number): boolean {
    return now < this.#until
  }

  /** Whether others may act for this node by now; from when it is not held any more until then, nobody does. */
  isForfeit(now: number): boolean {
    return now >= this.#othersFrom
  }

  /** The store has made the lease last. Counted from when it was asked: it may have done so then. */
  renewed(sent: number): void {
    this.#until = Math.max(this.#until, sent + this.#timing.lease - this.#timing.margin)
    this.#othersFrom = Math.max(this.#othersFrom, sent + this.#timing.lease)
  }

  /** The store has answered a call that was made then. */
  answered(sent: number): void {
    // Of what was in between, when it was paused, it knows nothing.
    if (sent - this.#last > this.#timing.heartbeat * RECENT) this.trouble()
    this.#first ??= sent
    this.#last = sent
    if (sent - this.#first >= this.#timing.heartbeat * APART) this.#hasTrouble = false
  }

  /** The store has not answered, or it may have forgotten something. */
  trouble(): void {
    this.#first = undefined
    this.#hasTrouble = true
  }

  /**
   * The store has refused a call that was made then: it serves nobody, so nobody can give this node up, nor soon after
   * it serves again (`isSure`). What has run out stays so.
   */
  refused(sent: number, now: number): void {
    this.trouble()
    if (!this.isHeld(now)) return
    this.#until = Math.max(this.#until, sent + this.#timing.heartbeat * REFUSAL)
    this.#othersFrom = Math.max(this.#othersFrom, sent + this.#timing.heartbeat * APART)
  }

  /** Whether the store may be asked to change something: everybody could be heard since it was away. */
  isSettled(now: number): boolean {
    return !this.#hasTrouble && now >= this.#quietUntil
  }

  /** Whether others may be given up: they could have renewed their leases if they live. */
  isSure(now: number): boolean {
    const { heartbeat } = this.#timing
    if (this.#first === undefined || this.#last - this.#first < heartbeat * APART) return false
    return this.isSettled(now) && this.isHeld(now) && now - this.#last <= heartbeat * RECENT
  }

  /**
   * The store had forgotten, and somebody has put back what he knew. Who knew more may act on that until his lease runs
   * out, so nothing is changed before then.
   */
  quiet(now: number, milliseconds: number): void {
    this.#quietUntil = Math.max(this.#quietUntil, now + milliseconds)
  }
  /** Somebody else has waited for long enough. */
  endQuiet(): void {
    this.#quietUntil = Number.NEGATIVE_INFINITY
  }
  isQuiet(now: number): boolean {
    return now < this.#quietUntil
  }
}
