/** Upper bounds in seconds for the time that routing one stanza takes: 1 µs to 1 s. */
export const routeBounds: readonly number[] = [
  1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
]

/** Upper bounds in seconds for the time that an iq waits for its answer: 1 ms to 300 s. */
export const iqBounds: readonly number[] = [
  1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
]

/** How many observations were at most each bound, as Prometheus wants its buckets: cumulative, the last bound is Infinity. */
export type CumulativeBucket = { readonly le: number; readonly count: number }

/** Counts durations in fixed buckets. `observe` is for the stanza path: it allocates nothing. */
export class Histogram {
  readonly #bounds: Float64Array
  /** One more than the bounds: the last one counts what is above them all. */
  readonly #counts: Float64Array
  #sum = 0

  /** `bounds` are upper bounds in seconds, each greater than the one before it. */
  constructor(bounds: readonly number[]) {
    for (const [i, bound] of bounds.entries()) {
      const previous = bounds[i - 1] ?? Number.NEGATIVE_INFINITY
      if (!Number.isFinite(bound) || bound <= previous) throw new RangeError(`bound ${bound} is not above ${previous}`)
    }
    this.#bounds = Float64Array.from(bounds)
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(seconds: number): void {
    // A NaN or an infinity would stay in the sum for ever; a clock that went back says nothing.
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) return
    const bounds = this.#bounds
    let i = 0
    while (i < bounds.length && seconds > (bounds[i] ?? 0)) i++
    this.#counts[i] = (this.#counts[i] ?? 0) + 1
    this.#sum += seconds
  }

  /** The sum of all that was observed, in seconds. */
  get sum(): number {
    return this.#sum
  }

  get count(): number {
    let total = 0
    for (const count of this.#counts) total += count
    return total
  }

  /** A copy: how many observations were in each bucket, the last one above all bounds. */
  counts(): Float64Array {
    return this.#counts.slice()
  }

  get bounds(): Readonly<Float64Array> {
    return this.#bounds
  }

  *buckets(): IterableIterator<CumulativeBucket> {
    let count = 0
    for (const [i, own] of this.#counts.entries()) {
      count += own
      yield { le: this.#bounds[i] ?? Number.POSITIVE_INFINITY, count }
    }
  }
}

/** How long things took: seconds that half, 95 and 99 of 100 of `count` observations were within. */
export interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/**
 * What a histogram has observed since it had `before` (its `counts`), as Prometheus' histogram_quantile tells it: evenly
 * within each bucket, and the last bound for what is above it. Undefined when that is nothing.
 */
export function quantilesOf(histogram: Histogram, before?: Float64Array): Quantiles | undefined {
  const counts = histogram.counts()
  if (before !== undefined) for (const [i, count] of before.entries()) counts[i] = (counts[i] ?? 0) - count
  const count = counts.reduce((sum, own) => sum + own, 0)
  if (count <= 0) return undefined
  const within = (share: number): number => {
    let left = share * count
    for (const [i, own] of counts.entries()) {
      const low = histogram.bounds[i - 1] ?? 0
      const high = histogram.bounds[i] ?? low
      if (own >= left) return own === 0 ? low : low + (high - low) * (left / own)
      left -= own
    }
    return histogram.bounds.at(-1) ?? 0
  }
  return { count, p50: within(0.5), p95: within(0.95), p99: within(0.99) }
}
