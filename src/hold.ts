import { type Slab, StanzaQueue } from './stream/queue.ts'
import type { Head } from './xmpp/head.ts'

/** The place of a stanza that waits for any instance, not for the holder of one bucket. */
export const ANY_INSTANCE = -1

/** Where a stanza waits: for the holder of a bucket, for `ANY_INSTANCE`, or behind a named instance that is draining. */
export type Place = number | string

/**
 * What waits, for one domain, for an instance to come: a queue per place (a bucket, or `ANY_INSTANCE`), in order, all
 * together bounded in bytes; their time is bounded by whoever calls `takeOlderThan`.
 */
export class Hold {
  readonly #queues = new Map<Place, StanzaQueue>()
  #bytes = 0
  #stanzas = 0
  /** The bound, in bytes of stanzas. */
  limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  get bytes(): number {
    return this.#bytes
  }
  get stanzas(): number {
    return this.#stanzas
  }

  /** Holds a copy of the stanza in `head`; false when there is no room. `now` and `deaths` as in `StanzaQueue.append`. */
  add(place: Place, head: Head, now: number, deaths: number): boolean {
    const length = head.end - head.start
    if (this.#bytes + length > this.limit) return false
    let queue = this.#queues.get(place)
    if (queue === undefined) {
      queue = new StanzaQueue()
      this.#queues.set(place, queue)
    }
    queue.append(head.buffer, head.start, head.end, now, deaths)
    this.#bytes += length
    this.#stanzas++
    return true
  }

  /** The places where something waits. */
  places(): readonly Place[] {
    return [...this.#queues.keys()]
  }

  /** Takes all that waits at a place, in order. */
  take(place: Place): StanzaQueue | undefined {
    const queue = this.#queues.get(place)
    if (queue === undefined) return undefined
    this.#queues.delete(place)
    this.#bytes -= queue.bytes
    this.#stanzas -= queue.stanzas
    return queue
  }

  /** Takes the next slab, of any place, whose stanzas came before `time`. */
  takeOlderThan(time: number): Slab | undefined {
    for (const [place, queue] of this.#queues) {
      const first = queue.first
      if (first === undefined || first.since >= time) continue
      const slab = queue.shift()
      if (queue.isEmpty) this.#queues.delete(place)
      if (slab === undefined) continue
      this.#bytes -= slab.end
      this.#stanzas -= slab.stanzas
      return slab
    }
    return undefined
  }
}
