import type { Flusher } from './flusher.ts'
import { Slab, StanzaQueue } from './queue.ts'

/** What an outbox needs of a socket; `net.Socket` and `tls.TLSSocket` have it. */
export interface Sink {
  readonly writableLength: number
  write(bytes: Uint8Array, written: (error?: Error | null) => void): boolean
  cork(): void
  uncork(): void
}

/** What feeds an outbox and can stop reading for a while: a stream or a link. */
export interface Source {
  pause(): void
  resume(): void
}

/** Bytes handed to a socket and not yet taken by the kernel: enough to keep it busy, little to lose when it dies. */
const HANDED_BYTES = 256 * 1024

/**
 * The only writer to a socket. Copies stanzas into slabs, writes them once per tick, hands the socket no more than it
 * can soon take, and keeps the rest, so that it can still go elsewhere. Without a socket it is a queue.
 *
 * Above `softMark` bytes whoever feeds it is paused (`waitForRoom`), until half of that is left.
 */
export class Outbox {
  readonly #flusher: Flusher
  readonly #softMark: number
  #queue = new StanzaQueue()
  /** Slabs in the socket's hands, in order; the callbacks of writes come in order too. */
  #handed = new StanzaQueue()
  #sink: Sink | undefined
  #dirty = false
  #sources = new Set<Source>()
  #delivered = 0
  #progress = 0
  /** Called when nothing is left to write, or nothing to write to. */
  #onEmpty: (() => void)[] = []
  /** Bytes that may be here at most; asked by the router (`hasRoom`), not enforced by `append`. */
  limit: number
  /** When false, a full outbox pauses nobody: its instance is stalled, and what comes is held here, within `limit`. */
  pausesSources = true
  /** Told how many stanzas the kernel has just taken. */
  onDelivered: ((stanzas: number) => void) | undefined

  /**
   * @param softMark bytes above which sources are paused
   * @param limit bytes above which nothing more is taken: for sources that cannot be paused, or were not
   */
  constructor(flusher: Flusher, softMark: number, limit: number) {
    this.#flusher = flusher
    this.#softMark = softMark
    this.limit = limit
  }

  /** Bytes that have not left: queued, and handed to the socket but not taken by the kernel. */
  get bytes(): number {
    return this.#queue.bytes + this.#handed.bytes
  }
  /** Stanzas that have not left. */
  get stanzas(): number {
    return this.#queue.stanzas + this.#handed.stanzas
  }
  /** Stanzas that the kernel has taken. */
  get delivered(): number {
    return this.#delivered
  }
  /** Grows with every byte that the kernel takes: stands still when the peer reads nothing. */
  get progress(): number {
    return this.#progress
  }
  get isFull(): boolean {
    return this.#queue.bytes + this.#handed.bytes > this.#softMark
  }

  /** Whether a source waits for room. */
  get isPausing(): boolean {
    return this.#sources.size > 0
  }

  /** Whether a stanza of so many bytes may be appended. The first always may. */
  hasRoom(bytes: number): boolean {
    return this.bytes === 0 || this.bytes + bytes <= this.limit
  }

  /** Copies one stanza: `buffer[start, end)`. `now` dates it, for queues whose stanzas expire. */
  append(buffer: Buffer, start: number, end: number, now = 0): void {
    this.#queue.append(buffer, start, end, now)
    if (!this.#dirty) this.#schedule()
  }

  /** Writes what is no stanza (header, handshake, error, ping of the stream itself): not counted, not re-routed. */
  appendControl(text: string): void {
    const slab = new Slab(Buffer.byteLength(text), 0)
    slab.end = slab.buffer.write(text, 'utf8')
    this.#queue.push(slab)
    if (!this.#dirty) this.#schedule()
  }

  /** Pauses `source` if there is no room, until there is. */
  waitForRoom(source: Source): void {
    if (!this.isFull || !this.pausesSources || this.#sources.has(source)) return
    this.#sources.add(source)
    source.pause()
  }

  /** Lets all paused sources go on, room or not. */
  releaseSources(): void {
    const sources = this.#sources
    if (sources.size === 0) return
    this.#sources = new Set()
    for (const source of sources) source.resume()
  }

  attach(sink: Sink): void {
    this.#sink = sink
    this.#schedule()
  }

  /**
   * Parts from the socket. What it had been handed and the kernel had not taken is returned: it may have left in part,
   * and the caller says what becomes of it. What was only queued stays.
   */
  detach(): StanzaQueue {
    this.#sink = undefined
    const handed = this.#handed
    this.#handed = new StanzaQueue()
    this.#ended()
    return handed
  }

  /** Puts back what `detach` returned, before all else, to be written to the next socket. */
  requeue(handed: StanzaQueue): void {
    this.#queue.prepend(handed)
  }

  /** Takes all stanzas that were not handed to a socket, in order; its sources go on. What is no stanza stays. */
  take(): StanzaQueue {
    const stanzas = this.#queue.takeStanzas()
    this.releaseSources()
    return stanzas
  }

  /** Takes what `take` has left: what the peer must be told before its stream can end. */
  takeControl(): Buffer {
    const slabs: Uint8Array[] = []
    for (let slab = this.#queue.shift(); slab !== undefined; slab = this.#queue.shift()) slabs.push(slab.bytes)
    return Buffer.concat(slabs)
  }

  /** Takes the oldest queued slab if its stanzas came before `time`. */
  takeOlderThan(time: number): Slab | undefined {
    const since = this.#queue.since
    return since !== undefined && since < time ? this.#queue.shift() : undefined
  }

  /** Resolves when all has left, when the outbox parts from its socket, or after so many milliseconds. */
  drained(milliseconds: number): Promise<void> {
    if (this.bytes === 0 || milliseconds <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, milliseconds)
      this.#onEmpty.push(() => {
        clearTimeout(deadline)
        resolve()
      })
    })
  }

  /** Hands queued slabs to the socket; called by the flusher, and as the socket takes them. */
  flush(): void {
    this.#dirty = false
    const sink = this.#sink
    if (sink === undefined || this.#queue.isEmpty || this.#handed.bytes >= HANDED_BYTES) return
    sink.cork()
    while (this.#handed.bytes < HANDED_BYTES) {
      const slab = this.#queue.shift()
      if (slab === undefined) break
      this.#handed.push(slab)
      sink.write(slab.bytes, this.#written(sink))
    }
    sink.uncork()
  }

  /** The callback of one write. It must not touch the slabs of a later socket: it asks whose it is. */
  #written(sink: Sink): (error?: Error | null) => void {
    return (error) => {
      if (error || this.#sink !== sink) return
      const slab = this.#handed.shift()
      if (slab === undefined) return
      this.#delivered += slab.stanzas
      this.onDelivered?.(slab.stanzas)
      this.#progress += slab.end
      this.flush()
      this.#wake()
    }
  }

  #wake(): void {
    if (this.#sources.size > 0 && this.bytes <= this.#softMark >>> 1) this.releaseSources()
    if (this.bytes === 0) this.#ended()
  }

  #ended(): void {
    const waiting = this.#onEmpty
    this.#onEmpty = []
    for (const resolve of waiting) resolve()
  }

  #schedule(): void {
    this.#dirty = true
    this.#flusher.add(this)
  }
}
