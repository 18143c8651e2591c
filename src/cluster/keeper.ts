import type { Ticket } from '../stream/queue.ts'
import { type Appends, type Author, Backlog, isSpent, type Kept } from './backlog.ts'
import type { Incarnation } from './cluster-store.ts'
import type { Destination } from './entry.ts'
import type { EntryBuffers } from './entry-buffers.ts'
import { EntryWriter } from './entry-codec.ts'
import type { OwnEntries } from './inbox.ts'
import type { Removals } from './removals.ts'
import type { Timing } from './timing.ts'

/** The ticket of all stanzas of one entry. */
class KeptEntry implements Ticket, Kept {
  /** 0 while it is being made. */
  number = 0
  bytes: Buffer | undefined = undefined
  size = 0
  isStored = false
  isEnded = false
  isVoid = false
  appends = 0
  appended = 0
  /** Where it has been come by in the inbox. */
  readonly ids: string[] = []
  readonly #ended: (entry: KeptEntry) => void
  #carriers = 0
  #unanswered = 0
  written: (() => void) | undefined = () => {
    this.isStored = true
  }

  constructor(ended: (entry: KeptEntry) => void) {
    this.#ended = ended
  }

  get isUnused(): boolean {
    return this.#carriers === 0 && this.#unanswered === 0
  }
  retain(): void {
    this.#carriers++
  }
  release(): void {
    this.#carriers--
    this.#check()
  }
  asked(): void {
    this.#unanswered++
  }
  unasked(): void {
    if (this.#unanswered > 0) this.#unanswered--
    this.#check()
  }
  answered(): void {
    this.unasked()
  }

  /** While it is being made, more stanzas may come. */
  #check(): void {
    if (this.isUnused && this.number > 0 && !this.isEnded) this.#ended(this)
  }
}

/** An entry in the making; undefined while nothing is in it. */
interface Draft {
  readonly writer: EntryWriter
  entry: KeptEntry | undefined
}

export interface KeeperParts {
  readonly store: Appends
  readonly me: Incarnation
  readonly removals: Removals
  readonly timing: Timing
  /** Gives numbers in [0, 1). */
  readonly random: () => number
  readonly buffers: EntryBuffers
}

/**
 * Writes stanzas into the node's own inbox, from which they are removed when they have ended: whoever deals with the
 * inbox after the node's death finds those that had not. They are kept in memory until then, so that they can be written
 * again when the store has forgotten.
 */
export class Keeper implements OwnEntries {
  readonly #removals: Removals
  readonly #buffers: EntryBuffers
  readonly #backlog: Backlog
  /** Apart, as a request stays until it is answered. */
  readonly #requests: Draft
  readonly #others: Draft
  #bytes = 0
  readonly #ended = (entry: KeptEntry): void => {
    entry.isEnded = true
    if (entry.bytes !== undefined && isSpent(entry)) this.#buffers.give(entry.bytes)
    entry.bytes = undefined
    // It may be there, or on its way: what is known is its number.
    if (entry.ids.length === 0) return
    for (const id of entry.ids) this.#removals.add(id)
    this.#drop(entry)
  }

  constructor({ store, me, removals, timing, random, buffers }: KeeperParts) {
    this.#removals = removals
    this.#buffers = buffers
    this.#requests = { writer: new EntryWriter(me, buffers), entry: undefined }
    this.#others = { writer: new EntryWriter(me, buffers), entry: undefined }
    const author: Author = {
      seal: () => this.#sealAll(),
      unsealed: () => Number(!this.#requests.writer.isEmpty) + Number(!this.#others.writer.isEmpty),
      note: () => undefined,
      failed: () => {},
      absent: () => {},
      recovered: () => {},
    }
    this.#backlog = new Backlog(store, me, author, timing, random)
  }

  /** Bytes that are kept, or that are still in the store. */
  get bytes(): number {
    return this.#bytes + this.#requests.writer.size + this.#others.writer.size
  }
  get isWritten(): boolean {
    return this.#backlog.isWritten
  }
  get writtenThrough(): number {
    return this.#backlog.writtenThrough
  }
  get isAnyFound(): boolean {
    for (const entry of this.#entries()) if (entry.ids.length > 0) return true
    return false
  }

  /** Writes down a copy of a stanza. Whoever keeps the stanza retains the ticket, before this turn of the event loop ends. */
  keep(
    to: Destination,
    since: number,
    deaths: number,
    isRequest: boolean,
    buffer: Buffer,
    start: number,
    end: number,
  ): Ticket {
    const draft = isRequest ? this.#requests : this.#others
    // Entries are in the order in which their stanzas came.
    const other = isRequest ? this.#others : this.#requests
    if (draft.writer.isFull) this.#seal(draft)
    this.#seal(other)
    draft.writer.run(to, since, deaths, 0, 1, buffer, start, end)
    draft.entry ??= new KeptEntry(this.#ended)
    this.#backlog.schedule()
    return draft.entry
  }

  /** Resolves when all that was kept is in the store. */
  written(): Promise<void> {
    this.#sealAll()
    return this.#backlog.written()
  }

  isKnown(number: number, id: string): boolean {
    const entry = this.#backlog.get(number)
    return entry instanceof KeptEntry && entry.ids.includes(id)
  }

  found(number: number, id: string): void {
    const entry = this.#backlog.get(number)
    if (!(entry instanceof KeptEntry) || entry.isEnded) this.#removals.add(id)
    else if (!entry.ids.includes(id)) entry.ids.push(id)
    if (entry instanceof KeptEntry && entry.isEnded) this.#drop(entry)
    // They come in order: those before it are not there, or will be removed when they are come by.
    for (const first of this.#entries()) {
      if (!first.isEnded || first.number >= number) break
      this.#drop(first)
    }
  }

  isMissing(through: number): boolean {
    let isAny = false
    for (const entry of this.#entries()) {
      if (entry.number > through) break
      if (entry.isEnded) this.#drop(entry)
      else if (entry.ids.length === 0) isAny = true
    }
    return isAny
  }

  forgotten(): void {
    for (const entry of this.#entries()) {
      entry.ids.length = 0
      if (entry.isEnded) this.#drop(entry)
    }
    this.#backlog.writeAgain()
  }

  close(): void {
    for (const entry of [...this.#entries(), this.#others.entry, this.#requests.entry]) if (entry) entry.isVoid = true
    this.#backlog.close()
  }

  /** One of them is empty. */
  #sealAll(): void {
    this.#seal(this.#others)
    this.#seal(this.#requests)
  }

  #seal(draft: Draft): void {
    const { writer, entry } = draft
    if (entry === undefined) return
    draft.entry = undefined
    const number = this.#backlog.nextNumber
    const bytes = writer.seal({ number, isNote: false, taken: 0, isAsking: false, isMissing: false })
    // All its stanzas have ended already.
    if (entry.isUnused) return
    entry.number = number
    entry.bytes = bytes
    entry.size = bytes.length
    this.#bytes += bytes.length
    this.#backlog.add(entry)
  }

  #drop(entry: KeptEntry): void {
    this.#backlog.drop(entry.number)
    this.#bytes -= entry.size
  }

  *#entries(): Iterable<KeptEntry> {
    for (const entry of this.#backlog.entries()) if (entry instanceof KeptEntry) yield entry
  }
}
