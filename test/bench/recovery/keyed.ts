import type { Socket } from 'node:net'
import { bucketOf } from '../../../balancing/buckets.ts'
import { murmur3 } from '../../../balancing/hash.ts'
import { arrivals } from '../load/arrivals.ts'
import { message } from '../load/blocks.ts'

const SIZE = 317
const LOOK_MS = 1

/** One stanza that somebody received. */
interface Arrival {
  readonly item: number
  readonly by: string
  readonly time: number
}

/** A user of `domain` whose bare JID falls into `bucket` of so many. */
export function userIn(domain: string, bucket: number, buckets: number): string {
  for (let number = 0; ; number++) {
    const jid = Buffer.from(`user${number}@${domain}`)
    if (bucketOf(murmur3(jid, 0, jid.length), buckets) === bucket) return `${jid}/resource`
  }
}

/** Numbered messages of one sender at a steady pace, and who received which of them when. */
export class Keyed {
  readonly #sender: Socket
  readonly #from: string
  readonly #to: string
  readonly #arrivals: Arrival[] = []
  readonly #received = new Set<number>()
  #timer: NodeJS.Timeout | undefined
  #next = 0

  constructor(sender: Socket, from: string, to: string) {
    this.#sender = sender
    this.#from = from
    this.#to = to
  }

  /** The number of the next message: so many have been sent. */
  get next(): number {
    return this.#next
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => {
      this.#sender.write(message(this.#from, this.#to, SIZE, `n${this.#next++}`))
    }, everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** What arrives at this instance is noted under this name, and barriers are confirmed. */
  receivedBy(by: string, socket: Socket, domain: string): void {
    arrivals(socket, domain, (item) => {
      this.#received.add(item)
      this.#arrivals.push({ item, by, time: performance.now() })
    })
  }

  /** When `by` received the first of those that arrived after `since`; rejects when none did within so many milliseconds. */
  async firstAt(by: string, since: number, withinMs: number): Promise<number> {
    const found = () => this.#arrivals.find((arrival) => arrival.by === by && arrival.time > since)?.time
    return waitFor(`a stanza at ${by}`, found, withinMs)
  }

  /** When the last of those with a number below `end` has arrived. */
  async allAt(end: number, withinMs: number): Promise<number> {
    let item = 0
    const found = () => {
      while (item < end && this.#received.has(item)) item++
      return item >= end ? performance.now() : undefined
    }
    return waitFor(`end of what was sent (${end} stanzas)`, found, withinMs)
  }

  /** The longest time between two arrivals from `since` to `until`, in milliseconds. */
  longestGap(since: number, until: number): number {
    const times = [since, ...this.#arrivals.map(({ time }) => time).filter((t) => t > since && t < until), until]
    return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)))
  }
}

/** Looks again and again, as often as timers run, until there is something. */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  withinMs: number,
): Promise<T> {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; ) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  throw new Error(`no ${what} within ${withinMs / 1000} s`)
}
