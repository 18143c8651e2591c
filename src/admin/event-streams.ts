import { Readable } from 'node:stream'

/** Something that happened, as the admin port tells it. */
export interface ToldEvent {
  readonly id: number
  readonly name: string
  readonly time: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Readers at once, and what may wait for one of them, in bytes. */
const mostReaders = 16
const mostBytes = 64 * 1024

export interface EventStreamsParts {
  /** A reader has missed an event. */
  dropped(): void
  /** A reader has been told that it missed so many. */
  told(missed: number): void
}

interface Reader {
  readonly stream: Readable
  /** Events that it missed and has not been told of. */
  missed: number
}

/** Server-sent events (HTML, section 9.2) for several readers. One that is slow misses events, and is told how many. */
export class EventStreams {
  readonly #readers = new Set<Reader>()
  readonly #parts: EventStreamsParts

  constructor(parts: EventStreamsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#readers.size
  }

  /** A stream for another reader; undefined when there are as many as may be. */
  open(): Readable | undefined {
    if (this.#readers.size >= mostReaders) return undefined
    const stream = new Readable({ read: () => {}, highWaterMark: mostBytes })
    const reader: Reader = { stream, missed: 0 }
    this.#readers.add(reader)
    stream.once('close', () => this.#readers.delete(reader))
    // It opens with something, so that the head of the answer goes out; `retry` is in milliseconds.
    stream.push('retry: 3000\n\n')
    return stream
  }

  send(event: ToldEvent): void {
    if (this.#readers.size === 0) return
    const { id, name, time, fields } = event
    const text = messageOf(name, { time, ...fields }, id)
    for (const reader of this.#readers) {
      if (this.#catchUp(reader) && this.#push(reader, text)) continue
      reader.missed++
      this.#parts.dropped()
    }
  }

  /** Tells what the next of its kind replaces: whoever has not read the last one misses nothing by missing this. */
  sendLatest(name: string, data: Readonly<Record<string, unknown>>): void {
    const text = messageOf(name, data)
    for (const reader of this.#readers) if (reader.stream.readableLength < mostBytes / 4) this.#push(reader, text)
  }

  /** Says to all readers that the connection lives. */
  beat(): void {
    for (const reader of this.#readers) if (this.#catchUp(reader)) this.#push(reader, ':\n\n')
  }

  /** Ends all streams in order. */
  close(): void {
    for (const { stream } of this.#readers) stream.push(null)
    this.#readers.clear()
  }

  /** Tells a reader what it has missed; false until it has read half of what waits, so that one gap is told once. */
  #catchUp(reader: Reader): boolean {
    if (reader.missed === 0) return true
    if (reader.stream.readableLength > mostBytes / 2) return false
    this.#push(reader, messageOf('dropped', { count: reader.missed }))
    this.#parts.told(reader.missed)
    reader.missed = 0
    return true
  }

  #push({ stream }: Reader, text: string): boolean {
    if (stream.readableLength + Buffer.byteLength(text) > mostBytes) return false
    stream.push(text)
    return true
  }
}

function messageOf(name: string, data: Readonly<Record<string, unknown>>, id?: number): string {
  // JSON has no line breaks, which would end the field.
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
