import { type Slab, StanzaQueue, type Tenure, type Ticket } from './stream/queue.ts'
import type { SlabPool } from './stream/slab-pool.ts'
import type { Head } from './xmpp/head.ts'

/** The place of a stanza that waits for any instance, not for the holder of one bucket. */
export const ANY_INSTANCE = -1

/** Where replies wait for the instance of that route, which nobody else may have. No instance's name begins so. */
export function placeOfAsker(route: string): Place {
  return `${ASKER}${route}`
}
const ASKER = ' asker '

/** Where a stanza waits: for the holder of a bucket, for `ANY_INSTANCE`, or behind a named instance that has yet to confirm. */
export type Place = number | string

/** Where what is held is written down, too, so that it outlives the node. */
export interface HoldKeeper {
  /** Whether what is held now will be written down. */
  readonly isUp: boolean
  /** Writes down the stanza in `head`; the ticket keeps it there. `since` and `deaths` as in `StanzaQueue.append`. */
  keep(head: Head, since: number, deaths: number): Ticket
}

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
  /** Undefined where what is held ends with the node. */
  keeper: HoldKeeper | undefined

  readonly #pool: SlabPool | undefined

  constructor(limit: number, pool?: SlabPool) {
    this.limit = limit
    this.#pool = pool
  }

  get bytes(): number {
    return this.#bytes
  }
  get stanzas(): number {
    return this.#stanzas
  }
  /** When the oldest came, in the clock's milliseconds; undefined when nothing waits. */
  get oldest(): number | undefined {
    let oldest: number | undefined
    for (const { first } of this.#queues.values()) {
      if (first !== undefined && (oldest === undefined || first.since < oldest)) oldest = first.since
    }
    return oldest
  }
  /** Whether what is held now is there still when the node has been started anew. */
  get outlives(): boolean {
    return this.keeper?.isUp === true
  }

  /**
   * Holds a copy of the stanza in `head`; false when there is no room. `now` and `deaths` as in `StanzaQueue.append`.
   * `ticket` is of one that is written down already. Unless it `isNew` it was within the bound once, here or at a node
   * that is dead: it is not refused when it comes back.
   */
  add(
    place: Place,
    head: Head,
    now: number,
    deaths = 0,
    ticket?: Ticket,
    isNew = ticket === undefined,
    tenure?: Tenure,
  ): boolean {
    const length = head.end - head.start
    if (isNew && this.#bytes + length > this.limit) return false
    let queue = this.#queues.get(place)
    if (queue === undefined) {
      queue = new StanzaQueue(this.#pool)
      this.#queues.set(place, queue)
    }
    const kept = ticket ?? this.keeper?.keep(head, now, deaths)
    queue.append(head.buffer, head.start, head.end, now, deaths, kept, tenure)
    kept?.held?.(length)
    this.#bytes += length
    this.#stanzas++
    return true
  }

  /** Stanzas that would be lost if the node died now. */
  get unsaved(): number {
    let stanzas = 0
    for (const queue of this.#queues.values()) {
      for (let slab = queue.first; slab !== undefined; slab = slab.next)
        if (!slab.ticket?.isStored) stanzas += slab.stanzas
    }
    return stanzas
  }

  /** What waits at a place. */
  at(place: Place): { readonly stanzas: number; readonly bytes: number } {
    const { stanzas = 0, bytes = 0 } = this.#queues.get(place) ?? {}
    return { stanzas, bytes }
  }

  /** The places where something waits, but for those of askers. */
  places(): readonly Place[] {
    return [...this.#queues.keys()].filter((place) => typeof place === 'number' || !place.startsWith(ASKER))
  }

  /** Takes all that waits at a place, in order. */
  take(place: Place): StanzaQueue | undefined {
    const queue = this.#queues.get(place)
    if (queue === undefined) return undefined
    this.#queues.delete(place)
    for (let slab = queue.first; slab !== undefined; slab = slab.next) slab.ticket?.held?.(-slab.end)
    this.#bytes -= queue.bytes
    this.#stanzas -= queue.stanzas
    return queue
  }

  /** Takes what waits at a place and was passed on by other nodes, as far as it `isOld`. */
  takePassedOn(place: Place, isOld: (slab: Slab) => boolean = () => true): StanzaQueue | undefined {
    const isTaken = (slab: Slab): boolean => slab.ticket?.hops !== undefined && isOld(slab)
    let first = this.#queues.get(place)?.first
    while (first !== undefined && !isTaken(first)) first = first.next
    const all = first === undefined ? undefined : this.take(place)
    if (all === undefined) return undefined
    const [old, rest] = [new StanzaQueue(), new StanzaQueue()]
    for (let slab = all.shift(); slab !== undefined; slab = all.shift()) {
      const queue = isTaken(slab) ? old : rest
      queue.push(slab)
    }
    this.#putBack(place, rest)
    return old
  }

  #putBack(place: Place, queue: StanzaQueue): void {
    if (queue.isEmpty) return
    this.#queues.set(place, queue)
    for (let slab = queue.first; slab !== undefined; slab = slab.next) slab.ticket?.held?.(slab.end)
    this.#bytes += queue.bytes
    this.#stanzas += queue.stanzas
  }

  /** Takes the next slab, of any place but those that `isExempt`, whose stanzas came before `time`. */
  takeOlderThan(time: number, isExempt?: (place: Place) => boolean): Slab | undefined {
    for (const [place, queue] of this.#queues) {
      const first = queue.first
      if (first === undefined || first.since >= time || isExempt?.(place)) continue
      const slab = queue.shift()
      if (queue.isEmpty) this.#queues.delete(place)
      if (slab === undefined) continue
      slab.ticket?.held?.(-slab.end)
      this.#bytes -= slab.end
      this.#stanzas -= slab.stanzas
      return slab
    }
    return undefined
  }

  /** Takes what ends with the node, in order; what outlives it stays. */
  takeUnsaved(): StanzaQueue {
    const unsaved = new StanzaQueue()
    for (const place of [...this.#queues.keys()]) {
      const queue = this.take(place)
      const saved = new StanzaQueue()
      for (let slab = queue?.shift(); slab !== undefined; slab = queue?.shift()) {
        if (slab.ticket?.isStored) saved.push(slab)
        else unsaved.push(slab)
      }
      this.#putBack(place, saved)
    }
    return unsaved
  }
}
