import type { Timing } from '../../src/cluster/timing.ts'

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
}

/** Time that passes only when everything has been done: what is due next is then due at once. */
export class VirtualTime implements Timing {
  /** Sorted, the next one last. */
  readonly #events: Event[] = []
  #now = 0
  #order = 0

  now(): number {
    return this.#now
  }
  soon(run: () => void): void {
    this.#add(run, 0)
  }
  later(run: () => void, milliseconds: number): () => void {
    const event = this.#add(run, milliseconds)
    return () => {
      event.isCancelled = true
    }
  }

  /** Lets time pass until nothing is left to do before `milliseconds` from now, or `isOver`. Says whether it is over. */
  async pass(milliseconds: number, isOver: () => boolean = () => false): Promise<boolean> {
    const end = this.#now + milliseconds
    for (;;) {
      // All promises that can settle do.
      await new Promise((resolve) => setImmediate(resolve))
      if (isOver()) return true
      const next = this.#events.at(-1)
      if (next === undefined || next.at > end) break
      this.#events.pop()
      if (next.isCancelled) continue
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = end
    return false
  }

  /** Time goes on, and nobody does anything: as for a process that is stopped. What was due meanwhile is due then. */
  standStill(milliseconds: number): void {
    this.#now += milliseconds
  }

  #add(run: () => void, milliseconds: number): Event {
    const event: Event = { at: this.#now + milliseconds, order: this.#order++, run, isCancelled: false }
    let index = this.#events.length
    while (index > 0 && isBefore(this.#events[index - 1] as Event, event)) index--
    this.#events.splice(index, 0, event)
    return event
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
