import type { SlabPool } from './slab-pool.ts'

/** Slabs grow to this size, in bytes, with what passes; a larger stanza gets a slab of its own. */
export const SLAB_BYTES = 64 * 1024
const SMALLEST_SLAB = 2 * 1024
/** Several stanzas that are appended at once get one of about their size: there are few sizes, and little of it is unused. */
const STEP_BYTES = 1024
/** Unused bytes of a slab that are worth a copy of its used ones: so many, and an eighth of those. */
const WORTH_SEALING = 512

/** Goes with stanzas that are kept elsewhere, too, and is told how many slabs carry it: with none, they have ended. */
export interface Ticket {
  retain(): void
  release(): void
  /** Whether what they are kept in outlives the node. */
  readonly isStored?: boolean
  /** They are another node's to see to by now. */
  readonly isVoid?: boolean
  /** How many times they have gone from one node to another. */
  readonly hops?: number
  /** So many bytes of them wait in a hold from now on, which has a bound of its own; where negative, fewer do. */
  held?(bytes: number): void
  /** A request among them waits for an answer: they stay in the store until as many have been `answered`, or `unasked`. */
  asked?(): void
  /** A request among them waits no more where it was, and is on its way again. */
  unasked?(): void
  /** A request among them has been answered or given up; the node that it came from is told so. */
  answered?(key: string): void
}

/** By what a node had the one link that stanzas came by (`links: one`). */
export interface Tenure {
  /** Another has it by now, and has passed on what came later: what came by this one must not follow that. */
  readonly isLost: boolean
}

/** Bytes of whole stanzas, one after the other, in one buffer. */
export class Slab {
  buffer: Buffer
  /** How many bytes of `buffer` are in use. */
  end = 0
  /** How many stanzas those bytes are. */
  stanzas = 0
  /** When they were appended, in the queue's clock. */
  readonly since: number
  /** How many instances have died with these stanzas unconfirmed. */
  readonly deaths: number
  /** Carried from the beginning, until `release`. */
  readonly ticket: Ticket | undefined
  /** Of what came by a link that another node may take over. */
  readonly tenure: Tenure | undefined
  /** Once handed to a socket: the barrier whose answer confirms them. */
  barrier = 0
  /** A socket may still be writing it: its buffer must not be used again. */
  isHanded = false
  /** The slab behind it in its queue. */
  next: Slab | undefined = undefined
  #pool: SlabPool | undefined

  /** @param pool where its buffer comes from, and goes back to */
  constructor(bytes: number, since: number, deaths = 0, ticket?: Ticket, tenure?: Tenure, pool?: SlabPool) {
    this.buffer = pool === undefined ? Buffer.allocUnsafe(bytes) : pool.take(bytes)
    this.#pool = pool
    this.since = since
    this.deaths = deaths
    this.ticket = ticket
    this.tenure = tenure
    ticket?.retain()
  }

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.end)
  }

  /** Nothing more is written into it: gives up the room that is left, where there is much. */
  seal(): void {
    const { buffer, end } = this
    if (this.isHanded || buffer.length - end < Math.max(WORTH_SEALING, end >>> 3)) return
    this.buffer = Buffer.allocUnsafeSlow(end)
    buffer.copy(this.buffer, 0, 0, end)
    this.#pool?.give(buffer)
    this.#pool = undefined
  }

  /** Whoever ends its stanzas, or has passed them on, says so once: nobody may read it afterwards. */
  release(): void {
    this.ticket?.release()
    if (!this.isHanded) this.#pool?.give(this.buffer)
  }
}

/**
 * Stanzas that wait, in order, as their own bytes: no object per stanza, so a queue costs what its stanzas weigh.
 * Whoever needs the stanzas again frames the slabs anew (`reframe.ts`).
 */
export class StanzaQueue {
  /** The oldest slab; the others hang on it. A slab is in one queue at a time, so a queue needs nothing of its own for it. */
  #first: Slab | undefined = undefined
  #last: Slab | undefined = undefined
  #bytes = 0
  #stanzas = 0
  /** The size of the next slab: follows the load, so an idle queue stays small and a busy one writes few, large slabs. */
  #slabBytes = SMALLEST_SLAB
  readonly #pool: SlabPool | undefined

  /** @param pool for its slabs; without it each has a buffer of its own */
  constructor(pool?: SlabPool) {
    this.#pool = pool
  }

  get bytes(): number {
    return this.#bytes
  }
  get stanzas(): number {
    return this.#stanzas
  }
  get isEmpty(): boolean {
    return this.#bytes === 0
  }
  /** The oldest is one that instances died of. */
  get isSuspect(): boolean {
    const { first } = this
    return first !== undefined && first.deaths >= SUSPECT_DEATHS
  }
  /** The oldest slab; undefined when empty. */
  get first(): Slab | undefined {
    return this.#first
  }
  /** The newest slab; undefined when empty. */
  get last(): Slab | undefined {
    return this.#last
  }

  /**
   * Copies one stanza's bytes to the end, or those of several. A slab takes only stanzas of the same `now`, `deaths`,
   * `ticket` and `tenure`, so that its age and its past are theirs.
   */
  append(
    buffer: Buffer,
    start: number,
    end: number,
    now = 0,
    deaths = 0,
    ticket?: Ticket,
    tenure?: Tenure,
    stanzas = 1,
  ): void {
    const length = end - start
    const slab = this.#roomFor(length, now, deaths, ticket, tenure, stanzas > 1 ? STEP_BYTES : SLAB_BYTES)
    slab.end += buffer.copy(slab.buffer, slab.end, start, end)
    slab.stanzas += stanzas
    this.#bytes += length
    this.#stanzas += stanzas
  }

  /** When the latest stanza came; `-Infinity` when there is none. */
  get newest(): number {
    let newest = Number.NEGATIVE_INFINITY
    for (let slab = this.#first; slab !== undefined; slab = slab.next) {
      if (slab.stanzas > 0 && slab.since > newest) newest = slab.since
    }
    return newest
  }

  /** Takes the oldest slab out. */
  shift(): Slab | undefined {
    const slab = this.#first
    if (slab === undefined) return undefined
    this.#first = slab.next
    if (slab.next === undefined) this.#last = undefined
    slab.next = undefined
    this.#bytes -= slab.end
    this.#stanzas -= slab.stanzas
    return slab
  }

  /** Puts another queue's stanzas before this one's, and leaves the other empty. */
  prepend(other: StanzaQueue): void {
    if (other.#last === undefined) return
    other.#last.next = this.#first
    this.#first = other.#first
    this.#last ??= other.#last
    this.#bytes += other.#bytes
    this.#stanzas += other.#stanzas
    other.#first = undefined
    other.#last = undefined
    other.#bytes = 0
    other.#stanzas = 0
  }

  /** Takes all stanzas out, in order; what is no stanza stays. */
  takeStanzas(): StanzaQueue {
    const stanzas = new StanzaQueue()
    const rest = new StanzaQueue()
    for (let slab = this.shift(); slab !== undefined; slab = this.shift()) {
      const queue = slab.stanzas > 0 ? stanzas : rest
      queue.push(slab)
    }
    this.prepend(rest)
    return stanzas
  }

  /** Takes out, in order, the stanzas that came from other nodes. */
  takeOthers(): StanzaQueue {
    const others = new StanzaQueue()
    const own = new StanzaQueue()
    for (let slab = this.shift(); slab !== undefined; slab = this.shift()) {
      const queue = slab.ticket?.hops === undefined ? own : others
      queue.push(slab)
    }
    this.prepend(own)
    return others
  }

  /** Appends a slab as it is, without copying: nothing more is written into it. */
  push(slab: Slab): void {
    this.#link(slab)
    this.#bytes += slab.end
    this.#stanzas += slab.stanzas
  }

  /** Forgets all stanzas, which have ended. Returns how many there were. */
  drop(): number {
    const stanzas = this.#stanzas
    for (let slab = this.shift(); slab !== undefined; slab = this.shift()) slab.release()
    return stanzas
  }

  /** @param step a slab that is for these stanzas alone is so large, or so many times as large */
  #roomFor(
    length: number,
    now: number,
    deaths: number,
    ticket: Ticket | undefined,
    tenure: Tenure | undefined,
    step: number,
  ): Slab {
    const last = this.#last
    // Alone in its slab, a stanza that instances died of is confirmed alone.
    const isLike = last !== undefined && deaths < SUSPECT_DEATHS && isOf(last, now, deaths, ticket, tenure)
    if (isLike && last.buffer.length - last.end >= length) return last
    if (isLike) this.#slabBytes = Math.min(SLAB_BYTES, this.#slabBytes << 1)
    else this.#slabBytes = Math.max(SMALLEST_SLAB, this.#slabBytes >>> 1)
    // What leaves within the turn is not worth the copy, and a buffer of its own.
    if (!isLike && this.#bytes > SLAB_BYTES) last?.seal()
    const bytes = deaths < SUSPECT_DEATHS ? Math.max(this.#slabBytes, whole(length, step)) : length
    // One of an odd size would only lie in the pool.
    const isUsual = bytes === this.#slabBytes || bytes % step === 0
    const slab = new Slab(bytes, now, deaths, ticket, tenure, isUsual ? this.#pool : undefined)
    this.#link(slab)
    return slab
  }

  #link(slab: Slab): void {
    if (this.#last === undefined) this.#first = slab
    else this.#last.next = slab
    this.#last = slab
  }
}

/** A stanza that so many instances died with is handed out alone, to see whether it is what they died of. */
export const SUSPECT_DEATHS = 2

/** What is larger than a step gets a slab of several, so that its buffer, which is V8's to free, is used again. */
function whole(length: number, step: number): number {
  return length <= step ? length : Math.ceil(length / step) * step
}

function isOf(slab: Slab, since: number, deaths: number, ticket?: Ticket, tenure?: Tenure): boolean {
  return slab.since === since && slab.deaths === deaths && slab.ticket === ticket && slab.tenure === tenure
}

/** What is no stanza: the stream's own header, handshake, errors and pings. */
export function controlSlab(text: string): Slab {
  const slab = new Slab(Buffer.byteLength(text), 0)
  slab.end = slab.buffer.write(text, 'utf8')
  return slab
}
