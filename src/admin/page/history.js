// What the curves are drawn from: the last samples of the domains that were looked at. Pure.

/** Samples per domain, and domains: ten minutes at one in two seconds. */
const MOST_SAMPLES = 300
const MOST_DOMAINS = 8
/** Instances of one domain that have curves of their own. */
const MOST_INSTANCES = 64

/**
 * @typedef {object} Sample what one domain has counted, at a moment
 * @property {number} time seconds since 1970
 * @property {number} received
 * @property {number} delivered
 * @property {number} failed bounced and dropped
 * @property {number} waiting
 * @property {readonly {name: string, since: string, delivered: number, seconds: number | null}[]} instances
 */

/** The curves of one domain: columns of equal length, null where nothing is known. */
export class Curves {
  /** @type {number[]} */ times = []
  /** @type {(number | null)[]} */ received = []
  /** @type {(number | null)[]} */ delivered = []
  /** @type {(number | null)[]} */ failed = []
  /** @type {(number | null)[]} */ waiting = []
  /** @type {Map<string, {rates: (number | null)[], seconds: (number | null)[], rate: number | undefined}>} */
  instances = new Map()
  /** @type {Sample | undefined} */ #last
  #isPaused = false

  /** Per second, as of the last two samples. */
  get now() {
    const at = this.times.length - 1
    return {
      received: this.received[at] ?? undefined,
      delivered: this.delivered[at] ?? undefined,
      failed: this.failed[at] ?? undefined,
    }
  }

  /** @param {Sample} sample */
  add(sample) {
    const last = this.#last
    const passed = last === undefined ? 0 : sample.time - last.time
    // Two looks at the same moment tell no rate.
    if (last !== undefined && passed < 0.2) return
    // Nobody looked meanwhile: a line across would say what is not known.
    if (last !== undefined && this.#isPaused) this.#gap(last.time + passed / 2)
    this.#last = sample
    this.times.push(sample.time)
    for (const key of /** @type {const} */ (['received', 'delivered', 'failed'])) {
      this[key].push(last === undefined || this.#isPaused ? null : perSecond(sample[key] - last[key], passed))
    }
    this.waiting.push(sample.waiting)
    this.#addInstances(sample, last, passed)
    for (const column of this.#columns()) column.splice(0, column.length - MOST_SAMPLES)
    this.#forget()
    this.#isPaused = false
  }

  /** Nobody looks until the next sample. */
  pause() {
    this.#isPaused = true
  }

  /** @param {number} time */
  #gap(time) {
    for (const column of this.#columns()) column.push(/** @type {any} */ (column === this.times ? time : null))
  }

  /** @param {Sample} sample @param {Sample | undefined} last @param {number} passed */
  #addInstances(sample, last, passed) {
    const before = new Map(last?.instances.map((instance) => [instance.name, instance]))
    const length = this.times.length
    for (const instance of sample.instances) {
      const known = this.instances.get(instance.name)
      if (known === undefined && this.instances.size >= MOST_INSTANCES) continue
      const curve = known ?? {
        rates: Array(length - 1).fill(null),
        seconds: Array(length - 1).fill(null),
        rate: undefined,
      }
      const old = before.get(instance.name)
      // One that has come back counts from nothing.
      const isKnown = old?.since === instance.since && !this.#isPaused
      const rate = isKnown ? perSecond(instance.delivered - old.delivered, passed) : null
      curve.rate = rate ?? undefined
      curve.rates.push(rate)
      curve.seconds.push(instance.seconds)
      this.instances.set(instance.name, curve)
    }
    for (const curve of this.instances.values()) {
      if (curve.rates.length === length) continue
      curve.rate = undefined
      curve.rates.push(null)
      curve.seconds.push(null)
    }
  }

  /** Those of whom nothing is left to be drawn. */
  #forget() {
    for (const [name, { rates, seconds }] of this.instances) {
      if (rates.every((value) => value === null) && seconds.every((value) => value === null))
        this.instances.delete(name)
    }
  }

  *#columns() {
    yield* [this.times, this.received, this.delivered, this.failed, this.waiting]
    for (const { rates, seconds } of this.instances.values()) yield* [rates, seconds]
  }
}

/** The curves of the domains that were looked at last. */
export class History {
  /** @type {Map<string, Curves>} */ #byDomain = new Map()

  /** @param {string} domain */
  of(domain) {
    const curves = this.#byDomain.get(domain) ?? new Curves()
    this.#byDomain.delete(domain)
    this.#byDomain.set(domain, curves)
    const [oldest] = this.#byDomain.keys()
    if (this.#byDomain.size > MOST_DOMAINS && oldest !== undefined) this.#byDomain.delete(oldest)
    return curves
  }

  /** The node counts anew. */
  clear() {
    this.#byDomain.clear()
  }
}

/** Counts only rise, unless the node was restarted in between. @param {number} more @param {number} seconds */
function perSecond(more, seconds) {
  return more < 0 || seconds <= 0 ? null : more / seconds
}
