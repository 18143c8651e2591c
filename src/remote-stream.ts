import type { Destination } from './cluster/entry.ts'
import type { SharedTime } from './cluster/store-clock.ts'
import type { InstanceStream } from './instance.ts'
import type { Flusher } from './stream/flusher.ts'
import { Outbox } from './stream/outbox.ts'
import type { Slab } from './stream/queue.ts'
import type { Sink } from './stream/sink.ts'

/** What goes to another node, as an outbox needs it (`cluster/mailbox.ts`). */
export interface Way {
  /** `written` is called when the other node is sure to find it. */
  run(
    to: Destination,
    since: number,
    deaths: number,
    hops: number,
    stanzas: number,
    bytes: Buffer,
    written: Written,
  ): void
  barrier(to: Destination, number: number): void
}
type Written = (error?: Error | null) => void

/** The text of a barrier that travels as its number: `RemoteBarriers` counts, and the way's own form carries it. */
const BARRIER_MARK = '\n'

/** The barriers of what goes to another node: confirmed once all before them has been confirmed there. */
export class RemoteBarriers {
  readonly #clock: { readonly now: number }
  #last = 0
  #confirmed = 0
  #writtenAt = 0
  #answeredAt = 0

  constructor(clock: { readonly now: number }) {
    this.#clock = clock
  }

  get last(): number {
    return this.#last
  }
  get confirmed(): number {
    return this.#confirmed
  }
  get writtenAt(): number {
    return this.#writtenAt
  }
  get owingSince(): number | undefined {
    return this.#confirmed < this.#last ? Math.max(this.#writtenAt, this.#answeredAt) : undefined
  }

  /** What another node's instance takes is known there. */
  get took(): undefined {
    return undefined
  }

  next(): string {
    this.#last++
    this.#writtenAt = this.#clock.now
    return BARRIER_MARK
  }

  answered(barrier: number): boolean {
    if (barrier <= this.#confirmed || barrier > this.#last) return false
    this.#confirmed = barrier
    this.#answeredAt = this.#clock.now
    return true
  }
}

export interface RemoteStreamParts {
  readonly flusher: Flusher
  readonly clock: { readonly now: number }
  readonly time: SharedTime
  /** Counts the barriers of all streams to other nodes: a name may be another instance's by the time one is confirmed. */
  readonly numbers: { last: number }
  /** Bytes above which sources are paused, and above which nothing more is taken. */
  readonly marks: { readonly soft: number; readonly limit: number }
}

/**
 * The way to an instance, or to a server's link, that another node has: an outbox like any other, whose socket is that
 * node's inbox. What was sent and not confirmed is still here when that node dies.
 */
export class RemoteStream implements InstanceStream, Sink {
  readonly outbox: Outbox
  readonly remote: string
  readonly writableLength = 0
  readonly isPaused = false
  readonly #way: Way
  readonly #to: Destination
  readonly #barriers: RemoteBarriers
  readonly #time: SharedTime
  readonly #numbers: { last: number }
  /** Barriers that are not confirmed yet, by their numbers on the way, oldest first. */
  #asked: { readonly number: number; readonly barrier: number }[] = []
  /** Callbacks in the order of what was written: an outbox counts on it, and a barrier is written with the runs before it. */
  #unwritten: { readonly written: Written; isDone: boolean }[] = []
  #isOpen = true
  #end = (): void => {}
  /** Resolves when the node is gone: nothing more of what it was given will be confirmed. */
  readonly gone = new Promise<void>((resolve) => {
    this.#end = resolve
  })

  /** @param node the name of the node that has it, for people */
  constructor(way: Way, to: Destination, node: string, { flusher, clock, time, numbers, marks }: RemoteStreamParts) {
    this.remote = `node ${node}`
    this.#way = way
    this.#to = to
    this.#time = time
    this.#numbers = numbers
    this.#barriers = new RemoteBarriers(clock)
    this.outbox = new Outbox(flusher, marks.soft, marks.limit)
    this.outbox.confirmBy(this.#barriers)
    this.outbox.attach(this)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  write(bytes: Buffer, written: Written, slab: Slab): boolean {
    const entry = { written, isDone: slab.stanzas === 0 }
    this.#unwritten.push(entry)
    if (entry.isDone) {
      const number = ++this.#numbers.last
      this.#asked.push({ number, barrier: this.#barriers.last })
      this.#way.barrier(this.#to, number)
      // Not before the outbox has noted that it was handed over.
      if (this.#unwritten.length === 1) queueMicrotask(() => this.#settle())
      return true
    }
    const hops = (slab.ticket?.hops ?? -1) + 1
    this.#way.run(this.#to, this.#time.epoch + slab.since, slab.deaths, hops, slab.stanzas, bytes, (error) => {
      if (error) return
      entry.isDone = true
      this.#settle()
    })
    return true
  }

  /** The other node confirms; false when that is about another stream to it. */
  confirmed(number: number): boolean {
    const at = this.#asked.findIndex((asked) => asked.number === number)
    const asked = this.#asked[at]
    if (asked === undefined) return false
    this.#asked.splice(0, at + 1)
    this.outbox.confirm(asked.barrier)
    return true
  }

  #settle(): void {
    for (let first = this.#unwritten[0]; first?.isDone; first = this.#unwritten[0]) {
      this.#unwritten.shift()
      first.written()
    }
  }

  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}

  /** The node cannot be reached: what comes waits here, where it can be given up, and pauses nobody. */
  hold(): void {
    this.outbox.stopHanding()
    this.outbox.pausesSources = false
    this.outbox.releaseSources()
  }
  proceed(): void {
    this.outbox.pausesSources = true
    this.outbox.resumeHanding()
  }

  /** The node is gone. */
  die(): void {
    this.#isOpen = false
    this.#end()
  }

  /** It is not ours to close: nothing more is sent there. */
  close(): void {
    this.#isOpen = false
  }
  end(): void {
    this.#isOpen = false
  }
}
