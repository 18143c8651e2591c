/**
 * V8 collects garbage with up to four threads beside the main one. Where all of them share one core they do not help: the
 * scheduler has them and the main thread take turns of some milliseconds, so that with every collection of the old
 * generation all stanzas wait for ten milliseconds and more. Alone, the main thread does the same work in hundreds of
 * small steps, each within a fraction of a millisecond.
 */
const ALONE: readonly string[] = ['--no-concurrent-marking', '--no-parallel-scavenge']

/**
 * New objects have two halves of 4 MiB, which is what they have grown to once the commands are loaded, and not the 16 MiB each
 * that a load of any kind would make them grow to, and that are never given back. Nothing is slower for it: little of
 * what a stanza leaves behind lives for longer than a turn. V8 reads this when it would let them grow.
 */
const SMALL = '--semi-space-growth-factor=1'

/** The flags that V8's collector needs where the process may use so many cores. They are set while it runs. */
export function collectorFlags(cores: number): readonly string[] {
  return cores > 1 ? [SMALL] : [...ALONE, SMALL]
}

/** What V8 keeps, and how it is made to look through it. */
export interface Heap {
  /** Bytes, with what nobody needs any more and has not been collected. */
  used(): number
  /** Collects all of it, at once: some milliseconds for each ten megabytes that are in use. */
  collect(): void
  /** The share of the time since it was asked last that the thread was busy, 0 to 1. */
  busy(): number
}

const MiB = 1024 * 1024
/** Between two looks, in milliseconds. */
const LOOK_MILLISECONDS = 10_000
/** What may lie about, beside half of what was in use at the last collection. */
const SPARE_BYTES = 16 * MiB
/** A heap that changes by less than this between two looks is calm. */
const CALM_BYTES = 8 * MiB
/** Who is busier than this makes garbage enough for V8 to collect it by itself, in small steps, for which nothing has to wait. */
const IDLE = 0.25

/**
 * Collects what a peak has left behind once it is over. V8 does so when more is made, and after a flood little is: its garbage,
 * hundreds of megabytes, would stay resident for hours.
 */
export class Tidying {
  readonly #heap: Heap
  readonly #timer: NodeJS.Timeout
  /** In use after the last collection, or less; before the first, nothing is known to be. */
  #least = 0
  #last: number

  constructor(heap: Heap) {
    this.#heap = heap
    this.#last = heap.used()
    this.#timer = setInterval(() => this.look(), LOOK_MILLISECONDS).unref()
  }

  look(): void {
    const used = this.#heap.used()
    const isCalm = this.#heap.busy() < IDLE && Math.abs(used - this.#last) < CALM_BYTES
    this.#last = used
    this.#least = Math.min(this.#least, used)
    if (!isCalm || used < 1.5 * this.#least + SPARE_BYTES) return
    this.#heap.collect()
    // More may be in use by now, and is no garbage then.
    this.#least = this.#last = this.#heap.used()
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
