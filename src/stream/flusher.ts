import { SlabPool } from './slab-pool.ts'

/** What writes when a tick has ended, and asks for a confirmation when it has waited long enough for more to write. */
export interface Flushable {
  flush(): void
  askToConfirm(): void
}

/** What reads a socket. */
export interface Reader {
  pause(): void
  resume(): void
}

/** A confirmation is asked for after so many milliseconds at the latest. */
const CONFIRM_MILLISECONDS = 20

/**
 * So many bytes are read of one socket in one turn of the event loop. libuv goes on reading one that has more, up to 32
 * chunks of 64 KiB: thousands of stanzas, and tens of milliseconds in which nobody else is read.
 */
const TURN_BYTES = 256 * 1024

/**
 * What all outboxes of a node share. Calls everything that was written to, once, after the input of this turn of the
 * event loop has been read: what many stanzas wrote leaves in one system call per socket. And it sees to it that a turn
 * ends: who sends very much at once is read on in the next.
 */
export class Flusher {
  readonly slabs = new SlabPool()
  /** Lists that are used again and again: with a stanza or two per turn, new ones would be most of its garbage. */
  #dirty = new Round<Flushable>()
  #flushing = new Round<Flushable>()
  #unasked: Flushable[] = []
  #resting: Reader[] = []
  /** Who is being read, and how much of it in this turn: a socket's chunks come one after the other. */
  #reader: Reader | undefined
  #read = 0
  #scheduled = false
  #timer: NodeJS.Timeout | undefined
  readonly #run = (): void => {
    const dirty = this.#dirty
    this.#dirty = this.#flushing
    this.#flushing = dirty
    this.#scheduled = false
    this.#reader = undefined
    for (let i = 0; i < dirty.count; i++) dirty.items[i]?.flush()
    dirty.clear()
    if (this.#resting.length > 0) this.#wake()
  }
  readonly #ask = (): void => {
    const unasked = this.#unasked
    this.#unasked = []
    this.#timer = undefined
    for (let i = 0; i < unasked.length; i++) unasked[i]?.askToConfirm()
  }

  add(outbox: Flushable): void {
    this.#dirty.add(outbox)
    this.#schedule()
  }

  /** Calls `askToConfirm` in a while. One timer for all, and none when nothing waits. */
  askLater(outbox: Flushable): void {
    this.#unasked.push(outbox)
    this.#timer ??= setTimeout(this.#ask, CONFIRM_MILLISECONDS)
  }

  /** `reader` has read so many bytes, and dealt with them. After `TURN_BYTES` it is paused, until the others had their turn. */
  took(reader: Reader, bytes: number): void {
    if (reader !== this.#reader) {
      this.#reader = reader
      this.#read = 0
    }
    this.#read += bytes
    if (this.#read < TURN_BYTES) return
    this.#reader = undefined
    reader.pause()
    this.#resting.push(reader)
    this.#schedule()
  }

  #wake(): void {
    const resting = this.#resting
    this.#resting = []
    for (const reader of resting) reader.resume()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#run)
  }
}

/** A list that keeps its room when it is cleared. */
class Round<T> {
  readonly items: (T | undefined)[] = []
  count = 0

  add(item: T): void {
    this.items[this.count++] = item
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.items[i] = undefined
    this.count = 0
  }
}
