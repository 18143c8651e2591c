import { Backoff } from '../backoff.ts'
import type { ClusterStore, Incarnation } from './cluster-store.ts'
import type { Timing } from './timing.ts'

/** What one append writes at most. */
const APPEND_BYTES = 1024 * 1024
const APPEND_ENTRIES = 256

/** Appends begin so many milliseconds apart, so that what comes in small pieces leaves in few. */
const APART = 1

/** After an append that failed, the next one waits for so many milliseconds; for up to so many when that fails, too. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 1000

/** What a backlog asks of the store. */
export type Appends = Pick<ClusterStore, 'append'>

/** An entry that may have to be written again. */
export interface Kept {
  readonly number: number
  /** Undefined when it is wanted no more, and only its number is known. */
  bytes: Buffer | undefined
  /** Told once, when it has been written for the first time. */
  written: (() => void) | undefined
  /** How often it was handed to the store, and how often the store said that it has it. */
  appends: number
  appended: number
}

/** Whether nobody reads or writes the bytes of an entry that is not wanted any more: the store has it, and has it once. */
export function isSpent({ appends, appended }: Kept): boolean {
  return appends === 1 && appended === 1
}

/** Whose entries a backlog writes. */
export interface Author {
  /** Makes entries of what has been handed over, by `Backlog.add`. */
  seal(): void
  /** How many entries `seal` would make of what has been handed over. */
  unsealed(): number
  /** Something that is written once and not kept, behind all others, when there is nothing else to write. */
  note(): Buffer | undefined
  /** Nobody knows what has become of what was written: it is written again, but for a note. */
  failed(): void
  /** The inbox does not exist: all that is kept is written again when it does. */
  absent(): void
  /** The store does what is asked again, after it had failed. */
  recovered(): void
}

/**
 * Entries for one inbox, numbered, in order, kept until their author drops them: what may not have been written is
 * written again, with the same number. One append at a time: what comes meanwhile leaves with the next one, so that they
 * grow with the load.
 */
export class Backlog {
  readonly #store: Appends
  readonly #of: Incarnation
  readonly #author: Author
  readonly #timing: Timing
  readonly #backoff: Backoff
  /** By number, in order. */
  readonly #kept = new Map<number, Kept>()
  #last = 0
  /** The next one to be written; what is below has been. */
  #next = 1
  #isScheduled = false
  #isAppending = false
  /** What is being written is to be written again, even if it succeeds. */
  #isAgain = false
  #isTroubled = false
  #isClosed = false
  #appending: Promise<void> = Promise.resolve()
  #cancelWait: (() => void) | undefined
  /** When the last append began. */
  #began = Number.NEGATIVE_INFINITY
  #waiting: { readonly through: number; readonly resolve: () => void }[] = []
  readonly #flush = (): void => {
    this.#isScheduled = false
    this.#write()
  }

  constructor(store: Appends, of: Incarnation, author: Author, timing: Timing, random: () => number) {
    this.#store = store
    this.#of = of
    this.#author = author
    this.#timing = timing
    this.#backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT, random)
  }

  /** The number of the last entry. */
  get last(): number {
    return this.#last
  }
  /** The number of the last entry of which it is known that it has been written. */
  get writtenThrough(): number {
    return this.#next - 1
  }
  get isEmpty(): boolean {
    return this.#kept.size === 0
  }
  /** Whether all that was handed over is in the store. */
  get isWritten(): boolean {
    return this.#next > this.#last && this.#author.unsealed() === 0
  }
  /** The store failed, and has not been seen to work since. */
  get isTroubled(): boolean {
    return this.#isTroubled
  }

  /** Resolves when all that was handed over is in the store, or the backlog is closed. */
  written(): Promise<void> {
    if (this.isWritten || this.#isClosed) return Promise.resolve()
    const through = this.#last + this.#author.unsealed()
    return new Promise((resolve) => this.#waiting.push({ through, resolve }))
  }

  /** The number of the entry that is added next. */
  get nextNumber(): number {
    return this.#last + 1
  }
  add(entry: Kept): void {
    this.#last = entry.number
    this.#kept.set(entry.number, entry)
  }
  get(number: number): Kept | undefined {
    return this.#kept.get(number)
  }
  drop(number: number): void {
    this.#kept.delete(number)
  }
  entries(): Iterable<Kept> {
    return this.#kept.values()
  }

  /** All that is kept is written again. */
  writeAgain(): void {
    const [first] = this.#kept.keys()
    this.#isAgain = this.#isAppending
    if (first === undefined || first >= this.#next) return
    this.#next = first
    this.schedule()
  }

  /** Writes when this turn of the event loop has ended. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    if (this.#timing.now() - this.#began >= APART) this.#timing.soon(this.#flush)
    else this.#timing.later(this.#flush, APART)
  }

  /** Resolves when nothing is being written. */
  settled(): Promise<void> {
    return this.#appending
  }

  /** Nothing more is written. */
  close(): void {
    this.#isClosed = true
    this.#cancelWait?.()
    this.#kept.clear()
    for (const { resolve } of this.#waiting) resolve()
    this.#waiting = []
  }

  #write(): void {
    if (this.#isAppending || this.#isClosed || this.#cancelWait !== undefined) return
    this.#author.seal()
    const entries: Kept[] = []
    const buffers: Buffer[] = []
    let bytes = 0
    let next = this.#next
    for (; next <= this.#last && bytes < APPEND_BYTES && buffers.length < APPEND_ENTRIES; next++) {
      const entry = this.#kept.get(next)
      if (entry?.bytes === undefined) continue
      entry.appends++
      entries.push(entry)
      buffers.push(entry.bytes)
      bytes += entry.bytes.length
    }
    if (buffers.length === 0) {
      this.#wrote(next)
      const note = this.#author.note()
      if (note === undefined) return
      buffers.push(note)
    }
    this.#isAppending = true
    this.#isAgain = false
    this.#began = this.#timing.now()
    this.#appending = this.#append(entries, buffers, next)
  }

  async #append(entries: readonly Kept[], buffers: readonly Buffer[], next: number): Promise<void> {
    const outcome = await this.#store.append(this.#of, buffers).catch(() => undefined)
    this.#isAppending = false
    if (this.#isClosed) return
    if (outcome !== true) return this.#failed(outcome === false)
    this.#backoff.reset()
    if (!this.#isAgain) this.#wrote(next)
    for (const entry of entries) {
      entry.appended++
      entry.written?.()
      entry.written = undefined
    }
    if (this.#isTroubled) {
      this.#isTroubled = false
      this.#author.recovered()
    }
    this.schedule()
  }

  /** Nobody knows what has become of it, or there is no such inbox. */
  #failed(isAbsent: boolean): void {
    this.#isTroubled = true
    if (isAbsent) this.writeAgain()
    if (isAbsent) this.#author.absent()
    else this.#author.failed()
    this.#cancelWait = this.#timing.later(() => {
      this.#cancelWait = undefined
      this.schedule()
    }, this.#backoff.next())
  }

  #wrote(next: number): void {
    this.#next = next
    while (this.#waiting.length > 0 && (this.#waiting[0]?.through ?? 0) < next) this.#waiting.shift()?.resolve()
  }
}
