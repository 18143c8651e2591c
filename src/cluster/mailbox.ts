import { type Appends, type Author, Backlog, isSpent } from './backlog.ts'
import type { Incarnation } from './cluster-store.ts'
import type { Destination } from './entry.ts'
import type { EntryBuffers } from './entry-buffers.ts'
import { EntryWriter } from './entry-codec.ts'
import type { Timing } from './timing.ts'

/** So many milliseconds after an entry was taken its sender is told, if nothing else goes there that can say so. */
const NOTE_MILLISECONDS = 20

/** After so many milliseconds without news of what was written the other node is asked; then less and less often. */
const FIRST_QUESTION = 2000
const LONGEST_QUESTION = 30_000

/** What a write is told: an error when it cannot be done any more. */
type Written = (error?: Error | null) => void

export interface MailboxParts {
  readonly store: Appends
  readonly me: Incarnation
  readonly node: Incarnation
  readonly timing: Timing
  /** Gives numbers in [0, 1). */
  readonly random: () => number
  readonly buffers: EntryBuffers
  /** Bytes that may wait to be taken by the other node: above it nothing is said to be written, until half of that is left. */
  readonly limit: () => number
}

/**
 * What goes to one other node, in order: kept until that node says that it has taken it, and written again when it may
 * not have come.
 */
export class Mailbox {
  readonly node: Incarnation
  readonly #timing: Timing
  readonly #backlog: Backlog
  readonly #buffers: EntryBuffers
  readonly #writer: EntryWriter
  /** Of stanzas in the entry that is being made. */
  #callbacks: Written[] = []
  /** Of stanzas that have been written while there was no room. */
  #withheld: Written[] = []
  #bytes = 0
  /** The highest number that the other node has taken. */
  #theirs = 0
  /** The highest number of theirs that we have taken. */
  #ours = 0
  /** They are not told that yet; and it is time to. */
  #isOwing = false
  #isDue = false
  /** They are to send again what comes after it. */
  #isMissing = false
  /** They are to say what they have taken. */
  #isAsking = false
  #cancelNote: (() => void) | undefined
  #cancelQuestion: (() => void) | undefined
  /** How long the next question waits, and what had been taken when it was last due. */
  #patience = FIRST_QUESTION
  #asked = 0
  #isClosed = false
  /** It has been full, and there is no room yet. */
  #wasFull = false
  readonly #limit: () => number
  /** Called when it is full, once until there is room again. */
  onFull: ((bytes: number) => void) | undefined
  /** Called when there is room again. */
  onRoom: (() => void) | undefined

  constructor({ store, me, node, timing, random, buffers, limit }: MailboxParts) {
    this.node = node
    this.#timing = timing
    this.#limit = limit
    this.#buffers = buffers
    this.#writer = new EntryWriter(me, buffers)
    const author: Author = {
      seal: () => this.#seal(),
      unsealed: () => (this.#writer.isEmpty ? 0 : 1),
      note: () => this.#note(),
      failed: () => this.#owe(),
      absent: () => this.#absent(),
      recovered: () => this.ask(),
    }
    this.#backlog = new Backlog(store, node, author, timing, random)
  }

  /** Bytes that were handed over, and that the other node has not taken. */
  get bytes(): number {
    return this.#isClosed ? 0 : this.#bytes + this.#writer.size
  }
  /** Nothing more should be handed over. */
  get isClogged(): boolean {
    return this.bytes > this.#limit()
  }
  /** Whether all that was handed over is in the store. */
  get isWritten(): boolean {
    return this.#isClosed || this.#backlog.isWritten
  }
  /** Resolves when all that was handed over is in the store, or never will be: the node is gone. */
  written(): Promise<void> {
    return this.#backlog.written()
  }

  /**
   * Hands over stanzas, which are copied. `written` is called when they are in the store, and while there is more than
   * the limit only when there is room again; with an error when the node is gone for good.
   */
  run(
    to: Destination,
    since: number,
    deaths: number,
    hops: number,
    stanzas: number,
    bytes: Buffer,
    written: Written,
  ): void {
    if (this.#isClosed) return this.#timing.soon(() => written(this.#gone()))
    this.#makeRoom()
    this.#writer.run(to, since, deaths, hops, stanzas, bytes)
    this.#callbacks.push(written)
    this.#backlog.schedule()
    if (this.#wasFull || !this.isClogged) return
    this.#wasFull = true
    this.onFull?.(this.bytes)
  }
  /** Asks to be told when all stanzas for `to` before it have ended. */
  barrier(to: Destination, number: number): void {
    this.#add(() => this.#writer.barrier(to, number))
  }
  /** All stanzas for `to` before their barrier have ended. */
  confirm(to: Destination, number: number): void {
    this.#add(() => this.#writer.confirm(to, number))
  }
  answered(to: Destination, key: string): void {
    this.#add(() => this.#writer.answered(to, key))
  }
  news(topic: string, text: string): void {
    this.#add(() => this.#writer.news(topic, text))
  }

  /** The other node has taken our entries up to this one. */
  taken(number: number): void {
    const through = Math.min(number, this.#backlog.last)
    if (through <= this.#theirs) return
    for (let n = this.#theirs + 1; n <= through; n++) {
      const entry = this.#backlog.get(n)
      this.#backlog.drop(n)
      this.#bytes -= entry?.bytes?.length ?? 0
      // It was written, though the store did not say so.
      entry?.written?.()
      if (entry?.bytes !== undefined && isSpent(entry)) this.#buffers.give(entry.bytes)
    }
    this.#theirs = through
    this.#patience = FIRST_QUESTION
    if (this.#backlog.isEmpty) this.#stopQuestion()
    if ((this.#wasFull || this.#withheld.length > 0) && this.bytes <= this.#limit() / 2) this.#tellRoom()
  }

  /** We have taken an entry of the other node: it is told so, within a while. */
  took(number: number): void {
    this.#ours = Math.max(this.#ours, number)
    this.#owe()
  }
  /** The other node is told at once what we have taken: it asked. With `isMissing` it is to send again what came after. */
  tell(isMissing: boolean): void {
    if (this.#isClosed) return
    this.#isDue = true
    this.#isMissing ||= isMissing
    this.#backlog.schedule()
  }
  /** Asks what the other node has taken, if it owes us that: something may have been lost. */
  ask(): void {
    if (this.#isClosed || this.#backlog.isEmpty) return
    this.#isAsking = true
    this.#backlog.schedule()
  }
  /** Sends again all that the other node has not taken. */
  sendAgain(): void {
    this.#backlog.writeAgain()
  }

  /** Resolves when nothing is being written there. */
  settled(): Promise<void> {
    return this.#backlog.settled()
  }

  /** The node is gone for good: what it has not taken is dropped, and whoever waits is told. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelNote?.()
    this.#stopQuestion()
    const entries = [...this.#backlog.entries()]
    this.#backlog.close()
    this.#bytes = 0
    for (const { written } of entries) written?.()
    const callbacks = [...this.#withheld, ...this.#callbacks]
    this.#withheld = []
    this.#callbacks = []
    for (const written of callbacks) written(this.#gone())
  }

  #gone(): Error {
    return new Error(`the node ${this.node} is gone`)
  }

  #add(add: () => void): void {
    if (this.#isClosed) return
    this.#makeRoom()
    add()
    this.#backlog.schedule()
  }

  #makeRoom(): void {
    if (this.#writer.isFull) this.#seal()
  }

  #seal(): void {
    if (this.#writer.isEmpty) return
    const number = this.#backlog.nextNumber
    const bytes = this.#sealed(number, false)
    const callbacks = this.#callbacks
    this.#callbacks = []
    this.#bytes += bytes.length
    const written = callbacks.length === 0 ? undefined : () => this.#settle(callbacks)
    this.#backlog.add({ number, bytes, written, appends: 0, appended: 0 })
    this.#cancelQuestion ??= this.#timing.later(this.#question, this.#patience)
  }

  #note(): Buffer | undefined {
    if (!this.#isDue && !this.#isMissing && !this.#isAsking) return undefined
    return this.#sealed(this.#backlog.writtenThrough, true)
  }

  #sealed(number: number, isNote: boolean): Buffer {
    const isAsking = this.#isAsking
    const isMissing = this.#isMissing
    this.#isOwing = false
    this.#isDue = false
    this.#isAsking = false
    this.#isMissing = false
    return this.#writer.seal({ number, isNote, taken: this.#ours, isAsking, isMissing })
  }

  #owe(): void {
    if (this.#isClosed || this.#ours === 0) return
    this.#isOwing = true
    this.#cancelNote ??= this.#timing.later(this.#noteDue, NOTE_MILLISECONDS)
  }
  readonly #noteDue = (): void => {
    this.#cancelNote = undefined
    if (this.#isOwing) this.tell(false)
  }

  /** Who has no inbox wants no notes. */
  #absent(): void {
    if (!this.#backlog.isEmpty) return
    this.#isDue = false
    this.#isMissing = false
    this.#isAsking = false
  }

  readonly #question = (): void => {
    this.#cancelQuestion = undefined
    if (this.#backlog.isEmpty) return
    // Nothing was taken since the last time.
    if (this.#asked === this.#theirs) {
      this.#patience = Math.min(this.#patience * 2, LONGEST_QUESTION)
      this.ask()
    }
    this.#asked = this.#theirs
    this.#cancelQuestion = this.#timing.later(this.#question, this.#patience)
  }
  #stopQuestion(): void {
    this.#cancelQuestion?.()
    this.#cancelQuestion = undefined
  }

  #settle(callbacks: readonly Written[]): void {
    if (this.#isClosed || this.isClogged) this.#withheld.push(...callbacks)
    else for (const written of callbacks) written()
  }

  #tellRoom(): void {
    this.#wasFull = false
    const callbacks = this.#withheld
    this.#withheld = []
    for (const written of callbacks) written()
    this.onRoom?.()
  }
}
