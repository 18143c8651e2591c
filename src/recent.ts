import type { Count } from './census.ts'
import { type Histogram, type Quantiles, quantilesOf } from './histogram.ts'
import type { Instance } from './instance.ts'

/** How often a new span begins, in milliseconds: what is told is of the last one and the one that has begun. */
const SPAN_MILLISECONDS = 5000
/** What is told of less than this, in seconds, would jump about. */
const LEAST_SECONDS = 0.5

/** What a domain had counted: stanzas since the node started. */
export interface Totals {
  readonly received: number
  readonly delivered: number
  readonly forwarded: number
  readonly bounced: number
  readonly dropped: number
}

interface Mark {
  /** Milliseconds, monotonic. */
  readonly at: number
  readonly domains: ReadonlyMap<string, Totals>
  readonly delivered: ReadonlyMap<Instance, number>
  /** Only of histograms that have observed anything. */
  readonly counts: ReadonlyMap<Histogram, Float64Array>
  readonly loop: LoopUse
}

/** As `performance.eventLoopUtilization`: milliseconds since the start. */
export interface LoopUse {
  readonly idle: number
  readonly active: number
}

export interface RecentParts {
  readonly census: () => readonly Count[]
  readonly routeSeconds: Histogram
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  readonly loop: () => LoopUse
}

/** What the last 5 to 10 seconds were like: rates, latencies and how busy the node was. Counters alone say it only of all time. */
export class Recent {
  readonly #parts: RecentParts
  #older: Mark
  #newer: Mark

  constructor(parts: RecentParts) {
    this.#parts = parts
    this.#newer = { at: parts.now(), domains: new Map(), delivered: new Map(), counts: new Map(), loop: parts.loop() }
    this.#older = this.#newer
  }

  /** To be called now and then: begins a new span when it is time. */
  tick(): void {
    if (this.#parts.now() - this.#newer.at >= SPAN_MILLISECONDS) this.#turn()
  }

  #turn(): void {
    const { census, routeSeconds, now, loop } = this.#parts
    const domains = new Map<string, Totals>()
    const delivered = new Map<Instance, number>()
    const counts = new Map([[routeSeconds, routeSeconds.counts()]])
    for (const count of census()) {
      domains.set(count.domain.name, totalsOf(count))
      counts.set(count.domain.counters.answerSeconds, count.domain.counters.answerSeconds.counts())
      for (const instance of count.instances) {
        delivered.set(instance, instance.stream.outbox.delivered)
        const { answerSeconds } = instance
        if (answerSeconds !== undefined) counts.set(answerSeconds, answerSeconds.counts())
      }
    }
    this.#older = this.#newer
    this.#newer = { at: now(), domains, delivered, counts, loop: loop() }
  }

  /** Stanzas per second; null of a domain that has only just begun to be served. */
  rates(count: Count): Totals | null {
    const before = this.#older.domains.get(count.domain.name)
    const seconds = this.#seconds
    if (before === undefined || seconds < LEAST_SECONDS) return null
    const now = totalsOf(count)
    const rate = (key: keyof Totals): number => Math.max(0, (now[key] - before[key]) / seconds)
    return {
      received: rate('received'),
      delivered: rate('delivered'),
      forwarded: rate('forwarded'),
      bounced: rate('bounced'),
      dropped: rate('dropped'),
    }
  }

  /** Stanzas delivered to an instance per second; null of one that has only just come, or is another node's. */
  deliveredPerSecond(instance: Instance): number | null {
    const before = this.#older.delivered.get(instance)
    const seconds = this.#seconds
    if (before === undefined || seconds < LEAST_SECONDS) return null
    return Math.max(0, (instance.stream.outbox.delivered - before) / seconds)
  }

  /** Null when nothing was observed. */
  quantiles(histogram: Histogram | undefined): Quantiles | null {
    if (histogram === undefined) return null
    return quantilesOf(histogram, this.#older.counts.get(histogram)) ?? null
  }

  /** Of routing a stanza. */
  get routing(): Quantiles | null {
    return this.quantiles(this.#parts.routeSeconds)
  }

  /** The share of the time that the node's thread was busy, 0 to 1. */
  get load(): number {
    const now = this.#parts.loop()
    const active = now.active - this.#older.loop.active
    const all = active + now.idle - this.#older.loop.idle
    return all > 0 ? Math.min(1, Math.max(0, active / all)) : 0
  }

  get #seconds(): number {
    return (this.#parts.now() - this.#older.at) / 1000
  }
}

/** What a domain has counted so far, all instances together. */
export function totalsOf({ domain: { counters }, instances }: Count): Totals {
  const live = instances.reduce((sum, { stream }) => sum + stream.outbox.delivered, 0)
  return {
    received: counters.receivedTotal,
    delivered: counters.deliveredElsewhere + live,
    forwarded: counters.forwarded,
    bounced: counters.bouncedTotal,
    dropped: counters.droppedTotal,
  }
}
