/** How many a bucket lets through in a second, and how many at once after a quiet time. */
export interface TokenRate {
  readonly rate: number
  readonly burst: number
}

/** A token bucket: what is let through in a while is bounded, and short bursts are not held up. It is full at first. */
export class TokenBucket {
  readonly #now: () => number
  /** Below 0: so many were taken that were not there. */
  #level = Number.POSITIVE_INFINITY
  #at = 0

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes one token; false, and nothing is taken, where there is none. */
  tryTake(rate: TokenRate): boolean {
    this.#fill(rate)
    if (this.#level < 1) return false
    this.#level--
    return true
  }

  /** Takes so many, there or not, as they have been used. Returns after how many milliseconds none is missing. */
  take(count: number, rate: TokenRate): number {
    this.#fill(rate)
    this.#level -= count
    return this.#level >= 0 ? 0 : (-this.#level * 1000) / rate.rate
  }

  #fill({ rate, burst }: TokenRate): void {
    const now = this.#now()
    this.#level = Math.min(burst, this.#level + ((now - this.#at) * rate) / 1000)
    this.#at = now
  }
}
