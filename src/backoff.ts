/**
 * How long to wait before the next try: doubles from `first` to `most`, and of that a random part between a half and
 * all, so that many nodes that lost the same server do not all come back at once. Times are in milliseconds.
 */
export class Backoff {
  readonly #first: number
  readonly #most: number
  readonly #random: () => number
  #next: number

  /** `random` gives numbers in [0, 1). */
  constructor(first: number, most: number, random: () => number) {
    this.#first = first
    this.#most = most
    this.#random = random
    this.#next = first
  }

  next(): number {
    const delay = this.#next
    this.#next = Math.min(delay * 2, this.#most)
    return Math.round(delay * (0.5 + 0.5 * this.#random()))
  }

  /** The trouble is over: the next wait is a short one again. */
  reset(): void {
    this.#next = this.#first
  }
}
