/** A small generator of numbers in [0, 1) (mulberry32): the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

interface Due {
  readonly time: number
  readonly order: number
  readonly callback: () => void
  readonly isNeeded: (() => boolean) | undefined
}

/** Time that passes only when everything that was to happen before has happened. */
export class Scheduler {
  readonly random: () => number
  now = 0
  events = 0
  #order = 0
  /** A heap: the next one is first. */
  readonly #due: Due[] = []

  constructor(seed: number) {
    this.random = randomOf(seed)
  }

  between(least: number, most: number): number {
    return least + this.random() * (most - least)
  }
  chance(part: number): boolean {
    return this.random() < part
  }
  pick<Value>(values: readonly Value[]): Value | undefined {
    return values[Math.floor(this.random() * values.length)]
  }

  /** @param isNeeded asked when the time has come: an event that is not needed is none */
  after(milliseconds: number, callback: () => void, isNeeded?: () => boolean): void {
    const due = this.#due
    due.push({ time: this.now + Math.max(0, milliseconds), order: this.#order++, callback, isNeeded })
    for (let child = due.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1
      if (!isBefore(due[child]!, due[parent]!)) break
      ;[due[child], due[parent]] = [due[parent]!, due[child]!]
      child = parent
    }
  }

  /** Lets time pass until then; `check` is called after every event and all that follows from it. */
  async runUntil(time: number, check: () => void): Promise<void> {
    await settle()
    while (this.#due.length > 0 && this.#due[0]!.time <= time) {
      const { time: then, callback, isNeeded } = this.#take()
      if (isNeeded?.() === false) continue
      this.now = then
      this.events++
      callback()
      await settle()
      check()
    }
    this.now = time
  }

  #take(): Due {
    const due = this.#due
    const first = due[0]!
    const last = due.pop()!
    if (due.length === 0) return first
    due[0] = last
    for (let parent = 0; ; ) {
      let next = parent
      for (const child of [parent * 2 + 1, parent * 2 + 2]) {
        if (child < due.length && isBefore(due[child]!, due[next]!)) next = child
      }
      if (next === parent) return first
      ;[due[next], due[parent]] = [due[parent]!, due[next]!]
      parent = next
    }
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order)
}

/** Resolves when every promise that can go on has gone on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
