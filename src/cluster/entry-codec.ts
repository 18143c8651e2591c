import type { Incarnation } from './cluster-store.ts'
import type { Destination, Entry, Heading, Item } from './entry.ts'
import { EntryBuffers } from './entry-buffers.ts'

/** The form of the items; another one is of another release. */
const FORM = 1

/** An entry takes no more once it has so much: what was confirmed in part may come again whole. */
export const ENTRY_STANZAS = 512
const ENTRY_BYTES = 256 * 1024
/** A writer's buffer at first, and above which it is not kept for the next entry. */
const SMALLEST_BUFFER = 4 * 1024
const LARGEST_BUFFER = 1024 * 1024

const NOTE = 1
const ASKING = 2
const MISSING = 4

/** Form, flags, number, taken, and the length of the sender. */
const NUMBER_AT = 2
const TAKEN_AT = 8
const SENDER_AT = 14
const NUMBER_BYTES = 6

const RUN = 1
const BARRIER = 2
const CONFIRM = 3
const ANSWERED = 4
const NEWS = 5
/** In place of a destination: that of the item before. */
const SAME = 0x40

/** Of a run, after its destination: since, deaths, hops, stanzas, length. */
const RUN_BYTES = 8 + 2 + 1 + 4 + 4

/** Bytes that are no entry. */
export class EntryError extends Error {
  override name = 'EntryError'
}

/** An entry in the making: what is added is copied at once. `seal` makes the entry, and begins the next. */
export class EntryWriter {
  readonly #sender: Incarnation
  readonly #buffers: EntryBuffers
  readonly #start: number
  #buffer: Buffer
  #end: number
  #stanzas = 0
  #to: Destination | undefined
  /** Where the counts of the last item are if it is a run, which may grow; otherwise 0. */
  #runAt = 0
  #since = 0
  #deaths = 0
  #hops = 0

  /** @param buffers where its entries' buffers come from, and may be given back to */
  constructor(sender: Incarnation, buffers = new EntryBuffers()) {
    if (sender.length === 0 || sender.length > 255) throw new RangeError(`not the name of an incarnation: '${sender}'`)
    this.#sender = sender
    this.#buffers = buffers
    this.#start = SENDER_AT + 1 + sender.length
    this.#end = this.#start
    this.#buffer = this.#begun(SMALLEST_BUFFER)
  }

  /** Bytes so far, but for the heading. */
  get size(): number {
    return this.#end - this.#start
  }
  get isEmpty(): boolean {
    return this.#end === this.#start
  }
  get isFull(): boolean {
    return this.#stanzas >= ENTRY_STANZAS || this.size >= ENTRY_BYTES
  }

  /** Stanzas, one after the other; they join the run before if it is like theirs. */
  run(
    to: Destination,
    since: number,
    deaths: number,
    hops: number,
    stanzas: number,
    bytes: Buffer,
    start = 0,
    end = bytes.length,
  ): void {
    const length = end - start
    this.#stanzas += stanzas
    if (this.#runAt > 0 && since === this.#since && deaths === this.#deaths && hops === this.#hops && this.#isTo(to)) {
      this.#room(length)
      this.#buffer.writeUInt32BE(this.#buffer.readUInt32BE(this.#runAt) + stanzas, this.#runAt)
      this.#buffer.writeUInt32BE(this.#buffer.readUInt32BE(this.#runAt + 4) + length, this.#runAt + 4)
    } else {
      this.#begin(RUN, to)
      this.#room(RUN_BYTES + length)
      this.#end = this.#buffer.writeDoubleBE(since, this.#end)
      this.#end = this.#buffer.writeUInt16BE(Math.min(deaths, 0xffff), this.#end)
      this.#end = this.#buffer.writeUInt8(Math.min(hops, 0xff), this.#end)
      this.#runAt = this.#end
      this.#end = this.#buffer.writeUInt32BE(stanzas, this.#end)
      this.#end = this.#buffer.writeUInt32BE(length, this.#end)
      this.#since = since
      this.#deaths = deaths
      this.#hops = hops
    }
    this.#end += bytes.copy(this.#buffer, this.#end, start, end)
  }

  barrier(to: Destination, number: number): void {
    this.#begin(BARRIER, to)
    this.#number(number)
  }
  confirm(to: Destination, number: number): void {
    this.#begin(CONFIRM, to)
    this.#number(number)
  }
  answered(to: Destination, key: string): void {
    this.#begin(ANSWERED, to)
    this.#text(key, 4)
  }
  news(topic: string, text: string): void {
    this.#room(1)
    this.#runAt = 0
    this.#end = this.#buffer.writeUInt8(NEWS, this.#end)
    this.#text(topic, 2)
    this.#text(text, 4)
  }

  seal({ number, taken, isNote, isAsking, isMissing }: Omit<Heading, 'sender'>): Buffer {
    const flags = (isNote ? NOTE : 0) | (isAsking ? ASKING : 0) | (isMissing ? MISSING : 0)
    this.#buffer[1] = flags
    this.#buffer.writeUIntBE(number, NUMBER_AT, NUMBER_BYTES)
    this.#buffer.writeUIntBE(taken, TAKEN_AT, NUMBER_BYTES)
    const entry = this.#taken()
    this.#end = this.#start
    this.#stanzas = 0
    this.#to = undefined
    this.#runAt = 0
    return entry
  }

  /** What has been written, for good. */
  #taken(): Buffer {
    const whole = this.#buffer
    if (this.#buffers.fits(this.#end, whole.length)) {
      this.#buffer = this.#begun(whole.length > LARGEST_BUFFER ? SMALLEST_BUFFER : whole.length)
      return whole.subarray(0, this.#end)
    }
    const entry = Buffer.allocUnsafeSlow(this.#end)
    whole.copy(entry, 0, 0, this.#end)
    if (whole.length > LARGEST_BUFFER) this.#buffer = this.#begun(SMALLEST_BUFFER)
    return entry
  }

  #begin(kind: number, to: Destination): void {
    const isSame = this.#isTo(to)
    this.#runAt = 0
    this.#room(1)
    this.#end = this.#buffer.writeUInt8(isSame ? kind | SAME : kind, this.#end)
    if (isSame) return
    this.#to = to
    this.#text(to.domain, 2)
    this.#room(1)
    this.#end = this.#buffer.writeUInt8(to.instance === undefined ? 0 : 1, this.#end)
    if (to.instance !== undefined) this.#text(to.instance, 2)
  }

  #isTo({ domain, instance }: Destination): boolean {
    return this.#to !== undefined && this.#to.domain === domain && this.#to.instance === instance
  }

  #number(number: number): void {
    this.#room(NUMBER_BYTES)
    this.#end = this.#buffer.writeUIntBE(number, this.#end, NUMBER_BYTES)
  }

  #text(text: string, lengthBytes: 2 | 4): void {
    const length = Buffer.byteLength(text)
    this.#room(lengthBytes + length)
    this.#end = this.#buffer.writeUIntBE(length, this.#end, lengthBytes)
    this.#end += this.#buffer.write(text, this.#end, 'utf8')
  }

  #room(bytes: number): void {
    const wanted = this.#end + bytes
    if (wanted <= this.#buffer.length) return
    const smaller = this.#buffer
    const larger = this.#buffers.take(sizeFor(Math.max(wanted, smaller.length * 2)))
    smaller.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
    this.#buffers.give(smaller)
  }

  #begun(bytes: number): Buffer {
    const buffer = this.#buffers.take(bytes)
    buffer[0] = FORM
    buffer[SENDER_AT] = this.#sender.length
    buffer.write(this.#sender, SENDER_AT + 1, 'latin1')
    return buffer
  }
}

/** Buffers have sizes that are used again. */
function sizeFor(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes))
}

/** What `decode` reads; undefined when that throws an `EntryError`, of which `unreadable` is told. */
export function readable<T>(decode: () => T, unreadable: (reason: string) => void = () => {}): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof EntryError)) throw error
    unreadable(error.message)
    return undefined
  }
}

/** What stands before the items of an entry of any form; throws an `EntryError` when it cannot be read. */
export function decodeHeading(bytes: Buffer): Heading {
  return headingOf(new Cursor(bytes))
}

/** Throws an `EntryError` when it cannot be read. Stanzas are parts of `bytes`, not copies. */
export function decodeEntry(bytes: Buffer): Entry {
  const cursor = new Cursor(bytes)
  const heading = headingOf(cursor)
  if (bytes[0] !== FORM) throw new EntryError(`the entry is of form ${bytes[0]}: this release reads form ${FORM}`)
  const items: Item[] = []
  let to: Destination | undefined
  while (!cursor.isAtEnd) {
    const kind = cursor.integer(1)
    if (kind === NEWS) {
      items.push({ kind: 'news', topic: cursor.text(2), text: cursor.text(4) })
      continue
    }
    if ((kind & SAME) === 0) to = destinationOf(cursor)
    if (to === undefined) throw new EntryError('the first item of an entry has no destination')
    items.push(itemOf(kind & ~SAME, to, cursor))
  }
  return { ...heading, items }
}

function headingOf(cursor: Cursor): Heading {
  cursor.integer(1)
  const flags = cursor.integer(1)
  const number = cursor.integer(NUMBER_BYTES)
  const taken = cursor.integer(NUMBER_BYTES)
  const sender = cursor.bytes(cursor.integer(1)).toString('latin1')
  if (sender === '') throw new EntryError('the entry has no sender')
  const isNote = (flags & NOTE) !== 0
  if (!isNote && number === 0) throw new EntryError(`the entry has no number; it is of ${sender}`)
  return { sender, number, taken, isNote, isAsking: (flags & ASKING) !== 0, isMissing: (flags & MISSING) !== 0 }
}

function destinationOf(cursor: Cursor): Destination {
  const domain = cursor.text(2)
  return { domain, instance: cursor.integer(1) === 0 ? undefined : cursor.text(2) }
}

function itemOf(kind: number, to: Destination, cursor: Cursor): Item {
  switch (kind) {
    case RUN: {
      const since = cursor.double()
      const deaths = cursor.integer(2)
      const hops = cursor.integer(1)
      const stanzas = cursor.integer(4)
      const bytes = cursor.bytes(cursor.integer(4))
      const isSound = Number.isFinite(since) && stanzas > 0 && bytes.length >= stanzas
      if (!isSound) throw new EntryError(`${stanzas} stanzas of ${since} cannot be ${bytes.length} bytes`)
      return { kind: 'run', to, since, deaths, hops, stanzas, bytes }
    }
    case BARRIER:
      return { kind: 'barrier', to, number: cursor.integer(NUMBER_BYTES) }
    case CONFIRM:
      return { kind: 'confirm', to, number: cursor.integer(NUMBER_BYTES) }
    case ANSWERED:
      return { kind: 'answered', to, key: cursor.text(4) }
    default:
      throw new EntryError(`an item is of kind ${kind}`)
  }
}

/** Reads what is there, and nothing beyond. */
class Cursor {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  get isAtEnd(): boolean {
    return this.#at === this.#buffer.length
  }

  integer(length: number): number {
    return this.#buffer.readUIntBE(this.#skip(length), length)
  }
  double(): number {
    return this.#buffer.readDoubleBE(this.#skip(8))
  }
  bytes(length: number): Buffer {
    const start = this.#skip(length)
    return this.#buffer.subarray(start, start + length)
  }
  text(lengthBytes: 2 | 4): string {
    const length = this.integer(lengthBytes)
    const start = this.#skip(length)
    return this.#buffer.toString('utf8', start, start + length)
  }

  #skip(length: number): number {
    const start = this.#at
    if (start + length > this.#buffer.length) {
      throw new EntryError(`the entry ends at ${this.#buffer.length}, in the middle of ${length} bytes at ${start}`)
    }
    this.#at = start + length
    return start
  }
}
