import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** How late what is due was, in seconds. */
export interface Delay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Between two looks at the event loop, in milliseconds. */
const RESOLUTION = 20
/** What is told is of the last whole span of so many milliseconds. */
const SPAN_MILLISECONDS = 5000

/** How late timers fire because the node is busy with something else: what every stanza waits that comes meanwhile. */
export class LoopDelay {
  readonly #now: () => number
  #monitor: IntervalHistogram | undefined
  #since = 0
  #last: Delay | undefined

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now
  }

  start(): void {
    this.#monitor = monitorEventLoopDelay({ resolution: RESOLUTION })
    this.#monitor.enable()
    this.#since = this.#now()
  }

  stop(): void {
    this.#monitor?.disable()
    this.#monitor = undefined
  }

  /** To be called now and then: begins a new span when it is time. */
  tick(): void {
    const monitor = this.#monitor
    if (monitor === undefined || this.#now() - this.#since < SPAN_MILLISECONDS) return
    this.#since = this.#now()
    // Without a sample it stood still for the whole span, or was not asked.
    this.#last = { p50: late(monitor.percentile(50)), p99: late(monitor.percentile(99)), max: late(monitor.max) }
    monitor.reset()
  }

  /** Undefined in the first span, and where it is not measured. */
  get last(): Delay | undefined {
    return this.#last
  }
}

/** The monitor counts from one look to the next, in nanoseconds. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1000)
}
