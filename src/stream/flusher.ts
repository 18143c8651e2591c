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

/** To so many at once, to write costs more than what came did. */
const MANY = 64
/** What one write takes, in milliseconds: what many have to be written may wait for more for as long as it would take. */
const WRITE_MILLISECONDS = 0.008
/** But no longer than this. */
const MOST_GATHERING_MILLISECONDS = 8

/**
 * For so many milliseconds one socket is read in one turn of the event loop. libuv goes on reading one that has more, up
 * to 32 times: thousands of stanzas, and tens of milliseconds in which nobody else is read. But the more is read at once,
 * the fewer are the writes that it makes and the times that somebody must be woken.
 */
const TURN_MILLISECONDS = 2

/**
 * What all outboxes of a node share. Calls everything that was written to, once, after the input of this turn of the
 * event loop has been read: what many stanzas wrote leaves in one system call per socket. And it sees to it that a turn
 * ends: who sends very much at once is read on in the next.
 *
 * Where turns are long, confirmations are asked for by the flush that comes when it is time for them: a barrier leaves
 * with the stanzas before it, in one system call, and not in one of its own.
 */
export class Flusher {
  readonly slabs = new SlabPool()
  readonly #now: () => number
  /** Lists that are used again and again: with a stanza or two per turn, new ones would be most of its garbage. */
  #dirty = new Round<Flushable>()
  #flushing = new Round<Flushable>()
  #unasked: Flushable[] = []
  #resting: Reader[] = []
  /** Who is being read, and since when in this turn: a socket's chunks come one after the other. */
  #reader: Reader | undefined
  #readingSince = 0
  #scheduled = false
  #isFlushing = false
  /** How many there were at the end of the turn before, where they wait for more. */
  #gathered = 0
  #gatheringSince = 0
  /** It is time to ask for confirmations, with what is being flushed. */
  #isAsking = false
  #timer: NodeJS.Timeout | undefined
  /** When the timer is to fire; it may be late, behind a long turn. In the past once it has. */
  #due = Number.POSITIVE_INFINITY
  /** Called before a chunk is dealt with, and before what it made is written: time may have passed since anything else was. */
  onInput: (() => void) | undefined
  readonly #run = (): void => {
    const dirty = this.#dirty
    this.#reader = undefined
    this.onInput?.()
    if (dirty.count >= MANY && this.#isGathering(dirty.count)) {
      setImmediate(this.#run)
      return this.#wake()
    }
    this.#gathered = 0
    this.#dirty = this.#flushing
    this.#flushing = dirty
    this.#scheduled = false
    this.#isAsking = this.#timer !== undefined && this.#now() >= this.#due
    this.#isFlushing = true
    for (let i = 0; i < dirty.count; i++) dirty.items[i]?.flush()
    dirty.clear()
    this.#isFlushing = false
    if (this.#isAsking) this.#ask()
    // Not before all are flushed: with many, the timer would be due by then, and each barrier a write of its own.
    if (this.#unasked.length > 0) this.#arm()
    this.#wake()
  }
  /** Not at once: what comes in this turn may take the barriers with it. */
  readonly #ring = (): void => {
    this.#due = Number.NEGATIVE_INFINITY
    this.#schedule()
  }

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** What is being flushed is to ask for a confirmation with it. */
  get isAsking(): boolean {
    return this.#isAsking
  }

  add(outbox: Flushable): void {
    this.#dirty.add(outbox)
    this.#schedule()
  }

  /** Calls `askToConfirm` in a while, or at once if it is time. One timer for all, and none when nothing waits. */
  askLater(outbox: Flushable): void {
    if (this.#isAsking) return outbox.askToConfirm()
    this.#unasked.push(outbox)
    if (!this.#isFlushing) this.#arm()
  }

  /** `reader` has read a chunk, and dealt with it. When it is at it for too long it is paused, until the others had their turn. */
  took(reader: Reader): void {
    const now = this.#now()
    if (reader !== this.#reader) {
      this.#reader = reader
      this.#readingSince = now
      // The turn ends, whether or not anything is written.
      this.#schedule()
    }
    if (now - this.#readingSince < TURN_MILLISECONDS) return
    this.#reader = undefined
    reader.pause()
    this.#resting.push(reader)
    this.#schedule()
  }

  #wake(): void {
    if (this.#resting.length === 0) return
    const resting = this.#resting
    this.#resting = []
    for (const reader of resting) reader.resume()
  }

  /**
   * Whether another turn is worth it before so many are written to: as long as each brings further ones, which says that
   * input keeps coming, and for no longer than the writing itself would take. What a few are to be written never waits.
   */
  #isGathering(count: number): boolean {
    if (this.#gathered === 0) this.#gatheringSince = this.#now()
    else if (count === this.#gathered) return false
    this.#gathered = count
    return this.#now() - this.#gatheringSince < Math.min(count * WRITE_MILLISECONDS, MOST_GATHERING_MILLISECONDS)
  }

  /** Asks on behalf of those that nothing took with it. */
  #ask(): void {
    const unasked = this.#unasked
    this.#unasked = []
    this.#isAsking = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (let i = 0; i < unasked.length; i++) unasked[i]?.askToConfirm()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#run)
  }

  #arm(): void {
    if (this.#timer !== undefined) return
    this.#due = this.#now() + CONFIRM_MILLISECONDS
    this.#timer = setTimeout(this.#ring, CONFIRM_MILLISECONDS)
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
