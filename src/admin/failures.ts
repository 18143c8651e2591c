/** So many wrong tokens from one address in so long a time, in milliseconds, and it has to wait for the rest of it. */
export const MOST_FAILURES = 10
const WINDOW = 60_000
/** Addresses that are remembered; of more, the one that has been known longest is forgotten. */
const MOST_ADDRESSES = 1000

interface Failing {
  count: number
  /** When its window began. */
  readonly since: number
}

/** Who has sent wrong tokens, by address: whoever guesses has to wait, and all that is remembered is bounded. */
export class Failures {
  readonly #byAddress = new Map<string, Failing>()
  readonly #now: () => number

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#byAddress.size
  }

  /** How many seconds an address has to wait; 0 when it need not. */
  waitOf(address: string): number {
    const failing = this.#current(keyOf(address))
    if (failing === undefined || failing.count < MOST_FAILURES) return 0
    return Math.max(1, Math.ceil((failing.since + WINDOW - this.#now()) / 1000))
  }

  /** A wrong token came. Returns how many came from there in this window. */
  failed(address: string): number {
    const key = keyOf(address)
    const failing = this.#current(key) ?? { count: 0, since: this.#now() }
    failing.count++
    this.#byAddress.set(key, failing)
    if (this.#byAddress.size > MOST_ADDRESSES) {
      // In order of their windows, so the first is the oldest.
      for (const oldest of this.#byAddress.keys()) {
        this.#byAddress.delete(oldest)
        break
      }
    }
    return failing.count
  }

  #current(key: string): Failing | undefined {
    const failing = this.#byAddress.get(key)
    if (failing === undefined || this.#now() - failing.since < WINDOW) return failing
    this.#byAddress.delete(key)
    return undefined
  }
}

/** Whoever has an IPv6 address has 2^64 of them. */
function keyOf(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const filled =
    tail === undefined ? front : [...front, ...Array(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back]
  return filled.slice(0, 4).join(':')
}
