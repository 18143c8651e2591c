import type { Barriers as PingBarriers } from './barriers.ts'
import type { Flushable, Flusher } from './flusher.ts'
import { Milestones } from './milestones.ts'
import { controlSlab, type Slab, StanzaQueue, SUSPECT_DEATHS, type Tenure, type Ticket } from './queue.ts'
import type { Sink } from './sink.ts'

/** What asks a peer to confirm, and notes what it has confirmed. */
export type Barriers = Pick<PingBarriers, keyof PingBarriers>

/** What feeds an outbox and can stop reading for a while: a stream or a link, with `tenure` where another node may take it over. */
export interface Source {
  readonly tenure?: Tenure | undefined
  pause(): void
  resume(): void
}

/** Bytes handed to a socket and not yet taken by the kernel: enough to keep it busy, little to lose when it dies. */
const HANDED_BYTES = 256 * 1024

/** After so many stanzas a confirmation is asked for; after 20 ms if there are fewer (`flusher.ts`). */
const STANZAS_PER_BARRIER = 64
/** And so often at least while the window fills, whatever their number: large ones need not wait for the 20 ms. */
const BARRIERS_PER_WINDOW = 4

/**
 * The only writer to a socket. Copies stanzas into slabs, writes them once per tick, hands the socket no more than it
 * can soon take, and keeps the rest, so that it can still go elsewhere. Without a socket it is a queue.
 * A stanza is in one of three places, in this order: queued; handed to the socket; and, where the peer confirms
 * (`confirmBy`), in the window of what the kernel took and the peer did not confirm. Out of that it counts as delivered.
 * Above `softMark` bytes whoever feeds it is paused (`waitForRoom`), until half of that is left.
 */
export class Outbox implements Flushable {
  readonly flusher: Flusher
  readonly #softMark: number
  #queue: StanzaQueue
  /** Slabs in the socket's hands, in order; the callbacks of writes come in order too. */
  #handed = new StanzaQueue()
  #window = new StanzaQueue()
  #barriers: Barriers | undefined
  /** Those of a peer that has not answered any yet. */
  #suspended: Barriers | undefined
  #sink: Sink | undefined
  #dirty = false
  #isEnding = false
  /** Stanzas handed since the last barrier; they wait for the next one. */
  #unasked = 0
  #unaskedBytes = 0
  #sources: Set<Source> | undefined
  #delivered = 0
  #progress = 0
  /** Who waits for what was here to be delivered: until `delivered` is so high, or nothing is left here. */
  #milestones: Milestones | undefined
  /** Bytes that may be here at most; asked by the router (`hasRoom`), not enforced by `append`. */
  limit: number
  /** When false, a full outbox pauses nobody: its instance is stalled, and what comes is held here, within `limit`. */
  pausesSources = true
  /** Told how many stanzas have just been delivered. */
  onDelivered: ((stanzas: number) => void) | undefined

  /**
   * @param softMark bytes above which sources are paused; the window's bound, too
   * @param limit bytes above which nothing more is taken: for sources that cannot be paused, or were not
   */
  constructor(flusher: Flusher, softMark: number, limit: number) {
    this.flusher = flusher
    this.#queue = new StanzaQueue(flusher.slabs)
    this.#softMark = softMark
    this.limit = limit
  }

  /** Bytes that have not left: queued, and handed to the socket but not taken by the kernel. */
  get bytes(): number {
    return this.#queue.bytes + this.#handed.bytes
  }
  /** What has left and is not confirmed. */
  get window(): Pick<StanzaQueue, 'stanzas' | 'bytes'> {
    return this.#window
  }
  /** Stanzas that are not delivered yet. */
  get stanzas(): number {
    return this.#queue.stanzas + this.#handed.stanzas + this.#window.stanzas
  }
  /** When the latest came of what has been handed over and is not delivered; `-Infinity` where there is none. */
  get newestHanded(): number {
    return Math.max(this.#handed.newest, this.#window.newest)
  }
  /** Stanzas that the peer has confirmed or, where it does not confirm, the kernel has taken. */
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
  /** Since when the peer owes a confirmation, in the barriers' clock; undefined when it owes none. */
  get owingSince(): number | undefined {
    return this.#barriers?.owingSince
  }
  /** When a barrier was last written, in the barriers' clock. */
  get askedAt(): number {
    return this.#barriers?.writtenAt ?? 0
  }

  get isConfirming(): boolean {
    return this.#barriers !== undefined
  }
  /** From now on nothing is delivered until the peer has answered a barrier that was written after it. */
  confirmBy(barriers: Barriers): void {
    this.#barriers = barriers
  }

  /** The peer does not confirm: what the kernel has taken counts as delivered, unless it answers a barrier after all. */
  stopConfirming(): void {
    this.#suspended = this.#barriers
    this.#barriers = undefined
    for (let slab = this.#window.shift(); slab !== undefined; slab = this.#window.shift()) this.#deliver(slab)
    if (!this.#dirty) this.#schedule()
  }

  /** Whether a source waits for room. */
  get isPausing(): boolean {
    return this.#sources !== undefined
  }

  /** Whether a stanza of so many bytes may be appended. The first always may. */
  hasRoom(bytes: number): boolean {
    return this.bytes === 0 || this.bytes + bytes <= this.limit
  }

  /** Copies `buffer[start, end)`, `n` stanzas. `now` dates it; `deaths` is how many instances have died with it. */
  append(buffer: Buffer, start: number, end: number, now = 0, deaths = 0, ticket?: Ticket, tenure?: Tenure, n = 1) {
    this.#queue.append(buffer, start, end, now, deaths, ticket, tenure, n)
    if (!this.#dirty) this.#schedule()
  }

  /** Writes what is no stanza (header, handshake, error, ping of the stream itself): not counted, not re-routed. */
  appendControl(text: string): void {
    this.#queue.push(controlSlab(text))
    if (!this.#dirty) this.#schedule()
  }

  /** Pauses `source` if there is no room, until there is. */
  waitForRoom(source: Source): void {
    if (!this.isFull || !this.pausesSources || this.#sources?.has(source)) return
    this.#sources = (this.#sources ?? new Set()).add(source)
    source.pause()
  }

  /** Lets all paused sources go on, room or not. */
  releaseSources(): void {
    const sources = this.#sources
    if (sources === undefined) return
    this.#sources = undefined
    for (const source of sources) source.resume()
  }

  attach(sink: Sink): void {
    this.#sink = sink
    this.#schedule()
  }

  /**
   * Parts from the socket. What was not delivered of what it had been handed is returned, in order: the peer may have
   * read it or not, and the caller says what becomes of it. What was only queued stays.
   */
  detach(): StanzaQueue {
    this.#sink = undefined
    const sent = this.#handed
    sent.prepend(this.#window)
    this.#handed = new StanzaQueue()
    this.#barriers = undefined
    this.#unasked = 0
    this.#unaskedBytes = 0
    this.#tellWaiting()
    return sent
  }

  /** Hands nothing more to the socket: it is being ended. */
  stopHanding(): void {
    this.#isEnding = true
  }

  /** The reverse of `stopHanding`. */
  resumeHanding(): void {
    this.#isEnding = false
    if (!this.#dirty) this.#schedule()
  }

  /** What has been handed has been read, though no barrier said so. */
  settle(): void {
    for (const queue of [this.#window, this.#handed]) {
      for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) this.#deliver(slab)
    }
  }

  /** Puts back what `detach` returned, before all else, to be written to the next socket. */
  requeue(sent: StanzaQueue): void {
    this.#queue.prepend(sent)
    // The next socket may be there already, and nothing else come.
    if (!this.#queue.isEmpty && !this.#dirty) this.#schedule()
  }

  /** Takes all stanzas that were not handed to a socket, in order; its sources go on. What is no stanza stays. */
  take(): StanzaQueue {
    const stanzas = this.#queue.takeStanzas()
    this.releaseSources()
    this.#tellWaiting()
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
    const first = this.#queue.first
    return first !== undefined && first.since < time ? this.#queue.shift() : undefined
  }

  /** Resolves when all that is here by now is delivered, or taken away; with false after so many milliseconds. */
  passed(milliseconds: number): Promise<boolean> {
    if (this.#isEmpty || milliseconds <= 0) return Promise.resolve(this.#isEmpty)
    this.askToConfirm()
    this.#milestones ??= new Milestones()
    return this.#milestones.wait(this.#delivered + this.stanzas, milliseconds)
  }

  /** Hands queued slabs to the socket; called by the flusher, as the socket takes them, and as they are confirmed. */
  flush(): void {
    this.#dirty = false
    const sink = this.#sink
    if (sink === undefined || this.#isEnding || this.#queue.isEmpty || !this.#mayHand()) return
    // Several writes become one in a cork; one alone is cheaper without.
    const isSeveral = this.#queue.first?.next !== undefined || this.#isBarrierDue
    if (isSeveral) sink.cork()
    while (this.#mayHand()) {
      const slab = this.#queue.shift()
      if (slab === undefined) break
      this.#hand(sink, slab)
      this.#unasked += slab.stanzas
      this.#unaskedBytes += slab.end
      if (this.#isManyUnasked || slab.deaths >= SUSPECT_DEATHS) this.askToConfirm()
    }
    if (this.#unasked > 0 && this.#barriers !== undefined) this.flusher.askLater(this)
    if (isSeveral) sink.uncork()
  }

  get #isBarrierDue(): boolean {
    if (this.#barriers === undefined) return false
    return this.flusher.isAsking || this.#unasked + (this.#queue.first?.stanzas ?? 0) >= STANZAS_PER_BARRIER
  }

  get #isManyUnasked(): boolean {
    return this.#unasked >= STANZAS_PER_BARRIER || this.#unaskedBytes * BARRIERS_PER_WINDOW >= this.#softMark
  }

  /** Writes a barrier after what was handed, if anything waits for one. */
  askToConfirm(): void {
    if (this.#unasked > 0) this.probe()
  }

  /** Writes a barrier though nothing waits for one: to see whether the peer answers. */
  probe(): void {
    const sink = this.#sink
    if (sink === undefined || this.#isEnding || this.#barriers === undefined) return
    this.#unasked = 0
    this.#unaskedBytes = 0
    this.#hand(sink, controlSlab(this.#barriers.next()))
  }

  /** The peer has answered a barrier: it has read all that was written before. Returns how long that took, in milliseconds. */
  confirm(barrier: number): number | undefined {
    const barriers = this.#barriers ?? this.#suspended
    if (barriers === undefined || !barriers.answered(barrier)) return undefined
    this.#barriers = barriers
    this.#suspended = undefined
    for (let slab = this.#window.first; slab !== undefined && slab.barrier <= barrier; slab = this.#window.first) {
      this.#window.shift()
      this.#deliver(slab)
    }
    this.#wake()
    return barriers.took
  }

  get #isEmpty(): boolean {
    return this.#queue.isEmpty && this.#handed.isEmpty && this.#window.isEmpty
  }

  #mayHand(): boolean {
    const unsettled = this.#handed.bytes + this.#window.bytes
    if (this.#barriers === undefined) return this.#handed.bytes < HANDED_BYTES
    // Alone: neither beside others, nor followed by any before it is confirmed.
    const isAlone = this.#queue.isSuspect || this.#handed.isSuspect || this.#window.isSuspect
    if (isAlone && unsettled > 0) return false
    return this.#handed.bytes < HANDED_BYTES && unsettled < this.#softMark
  }

  #hand(sink: Sink, slab: Slab): void {
    if (this.#barriers !== undefined) slab.barrier = this.#barriers.last + (slab.stanzas > 0 ? 1 : 0)
    slab.isHanded = true
    this.#handed.push(slab)
    sink.write(slab.bytes, this.#written(sink), slab)
  }

  /** The callback of one write. It must not touch the slabs of a later socket: it asks whose it is. */
  #written(sink: Sink): (error?: Error | null) => void {
    return (error) => {
      if (error || this.#sink !== sink) return
      const slab = this.#handed.shift()
      if (slab === undefined) return
      slab.isHanded = false
      this.#progress += slab.end
      // The answer may have come before this callback.
      if (this.#barriers === undefined || slab.barrier <= this.#barriers.confirmed) this.#deliver(slab)
      else this.#window.push(slab)
      this.#wake()
    }
  }

  #deliver(slab: Slab): void {
    this.#delivered += slab.stanzas
    slab.release()
    this.onDelivered?.(slab.stanzas)
  }

  /** Something has left. What has come in this turn waits for its end, and so for more to come. */
  #wake(): void {
    if (!this.#dirty) this.flush()
    if (this.#sources !== undefined && this.bytes <= this.#softMark >>> 1) this.releaseSources()
    this.#tellWaiting()
  }

  #tellWaiting(): void {
    this.#milestones?.reached(this.#isEmpty ? Number.POSITIVE_INFINITY : this.#delivered)
  }

  #schedule(): void {
    this.#dirty = true
    this.flusher.add(this)
  }
}
