import type { HoldJournal } from './hold.ts'
import { Slab, type Ticket } from './stream/queue.ts'

/** Stanzas of one place that were held at one time, as the store keeps them. */
export interface StoredEntry {
  /** `milliseconds-number`: rises from entry to entry, in the order in which they are to go out. */
  readonly id: string
  /** When they came, in milliseconds since 1970. */
  readonly since: number
  /** How many instances have died with them unconfirmed. */
  readonly deaths: number
  /** How many stanzas `bytes` is, one after the other. */
  readonly stanzas: number
  readonly bytes: Buffer
}

/** One step of a journal: all of it happens, or nothing. */
export interface Change {
  /** In order. One that the store has already is taken for added. */
  readonly add: readonly StoredEntry[]
  /** Ids; one that the store has not is taken for removed. */
  readonly remove: readonly string[]
  /** Every entry with a lower id than this is removed, too. */
  readonly removeBelow?: string
}

export interface Stored {
  /** In order. */
  readonly entries: readonly StoredEntry[]
  /** Ids of entries that cannot be read: they are left where they are. */
  readonly unreadable: readonly string[]
  /** The milliseconds of the highest id that there ever was; 0 when there was none. */
  readonly highest: number
}

/** Where journals are kept so that they outlive the node. Every call settles in finite time; who calls again loses nothing. */
export interface HoldStore {
  /** Names what the store remembers by: another name than before says that it may have forgotten. */
  memory(): Promise<string>
  read(domain: string): Promise<Stored>
  /** Resolves with false, and has added nothing, when there are higher ids that are none of ours. */
  write(domain: string, change: Change): Promise<boolean>
  close(): void
}

/** An entry takes no more once it has so much: what was confirmed in part comes again whole. */
const ENTRY_STANZAS = 64
const ENTRY_BYTES = 256 * 1024
/** What one change adds and removes at most. */
const CHANGE_BYTES = 1024 * 1024
const CHANGE_REMOVALS = 1000

/** The ticket of held stanzas: knows where they are, and lets the journal know when they are nowhere any more. */
class Entry implements Ticket {
  readonly order: number
  readonly since: number
  readonly deaths: number
  readonly slabs: Slab[] = []
  /** Undefined until it is first written. */
  id: string | undefined
  isSaved = false
  isSealed = false
  readonly #unused: (entry: Entry) => void
  #carriers = 0

  constructor(order: number, since: number, deaths: number, unused: (entry: Entry) => void) {
    this.order = order
    this.since = since
    this.deaths = deaths
    this.#unused = unused
  }

  get isUnused(): boolean {
    return this.#carriers === 0
  }
  get stanzas(): number {
    let stanzas = 0
    for (let i = 0; i < this.slabs.length; i++) stanzas += (this.slabs[i] as Slab).stanzas
    return stanzas
  }
  get size(): number {
    let bytes = 0
    for (let i = 0; i < this.slabs.length; i++) bytes += (this.slabs[i] as Slab).end
    return bytes
  }
  get bytes(): Buffer {
    const [first] = this.slabs
    return first !== undefined && this.slabs.length === 1 ? first.bytes : Buffer.concat(this.slabs.map((s) => s.bytes))
  }

  takes(since: number, deaths: number): boolean {
    if (this.isSealed || this.since !== since || this.deaths !== deaths) return false
    return this.stanzas < ENTRY_STANZAS && this.size < ENTRY_BYTES
  }
  retain(): void {
    this.#carriers++
  }
  release(): void {
    if (--this.#carriers === 0) this.#unused(this)
  }
}

/**
 * What one domain holds, as a sequence of entries beside the memory that it is held in: memory is what is worked with
 * and decides the order, the journal is what a later life of the node finds. An entry is removed when the last of its
 * stanzas has ended: confirmed, bounced or dropped. Whoever is told by `changed` calls `save`, never two at a time.
 */
export class Journal implements HoldJournal {
  readonly domain: string
  readonly #store: HoldStore
  readonly #epoch: number
  readonly #changed: () => void
  /** In order. */
  readonly #live = new Set<Entry>()
  /** Those of them that the store has not, in order. */
  readonly #unsaved = new Set<Entry>()
  readonly #removals: string[] = []
  /** What the ids begin with; undefined until the store has been read. */
  #base: number | undefined
  #removeBelow: string | undefined
  #order = 0
  isSaving = false

  /**
   * @param epoch what the clock must be added to for milliseconds since 1970
   * @param changed called when there is something to save; may be called often
   */
  constructor(domain: string, store: HoldStore, epoch: number, changed: () => void) {
    this.domain = domain
    this.#store = store
    this.#epoch = epoch
    this.#changed = changed
  }

  /** Whether the store has been read. */
  get isRead(): boolean {
    return this.#base !== undefined
  }
  get isDirty(): boolean {
    return this.#unsaved.size > 0 || this.#removals.length > 0 || this.#removeBelow !== undefined
  }
  /** Whether it knows of no entry at all. */
  get isEmpty(): boolean {
    return this.#live.size === 0 && !this.isDirty
  }
  /** Stanzas that would be lost if the node died now. */
  get unsaved(): number {
    let stanzas = 0
    for (const entry of this.#unsaved) stanzas += entry.stanzas
    return stanzas
  }

  ticketFor(since: number, deaths: number, before: Ticket | undefined, known: Ticket | undefined): Ticket {
    const last = before instanceof Entry ? before : undefined
    // In each place tickets only rise, so that the journal's order is each place's order.
    if (known instanceof Entry && (last === undefined || known.order >= last.order)) {
      known.isSealed = true
      return known
    }
    if (last?.takes(since, deaths)) return last
    const entry = new Entry(++this.#order, since, deaths, this.#unused)
    this.#live.add(entry)
    this.#unsaved.add(entry)
    this.#changed()
    return entry
  }

  note(ticket: Ticket, slab: Slab | undefined): void {
    if (ticket instanceof Entry && slab !== undefined && ticket.slabs.at(-1) !== slab) ticket.slabs.push(slab)
  }

  isSaved(slab: Slab): boolean {
    return slab.ticket instanceof Entry && slab.ticket.isSaved
  }

  /** Reads what is in the store. Returns nothing of it to memory yet: that is for `adopt`, entry by entry, in order. */
  async read(now: number): Promise<Stored> {
    const stored = await this.#store.read(this.domain)
    this.#base = Math.max(now, stored.highest + 1)
    return stored
  }

  /** The stanzas of an entry that the store has, with its ticket. */
  adopt({ id, since, deaths, stanzas, bytes }: StoredEntry): Slab {
    const time = since - this.#epoch
    const entry = new Entry(++this.#order, time, deaths, this.#unused)
    const slab = new Slab(bytes.length, time, deaths, entry)
    slab.end = bytes.copy(slab.buffer)
    slab.stanzas = stanzas
    entry.slabs.push(slab)
    entry.id = id
    entry.isSaved = true
    entry.isSealed = true
    this.#live.add(entry)
    return slab
  }

  /** The store may have forgotten: all that is live is written again, behind what it has, and then that is removed. */
  rewrite(now: number): void {
    if (this.#base === undefined) return
    this.#renumber(this.#live, Math.max(now, this.#base + 1))
    this.#removeBelow = `${this.#base}-0`
    this.#removals.length = 0
  }

  /** Saves some of what there is to save. Resolves with false when someone else writes this domain's journal. */
  async save(now: number): Promise<boolean> {
    if (this.#base === undefined) return true
    const entries = this.#nextEntries()
    // Removals come last: what was written anew in another order is not removed before it is there.
    const isAll = entries.length === this.#unsaved.size
    const remove = isAll ? this.#removals.slice(0, CHANGE_REMOVALS) : []
    const removeBelow = isAll ? this.#removeBelow : undefined
    const add = entries.map((entry) => this.#stored(entry))
    const isOurs = await this.#store.write(this.domain, {
      ...{ add, remove },
      ...(removeBelow === undefined ? {} : { removeBelow }),
    })
    if (!isOurs) {
      const { highest } = await this.#store.read(this.domain)
      this.#renumber(this.#unsaved, Math.max(now, highest + 1))
      return false
    }
    this.#removals.splice(0, remove.length)
    if (isAll) this.#removeBelow = undefined
    for (const entry of entries) this.#saved(entry)
    return true
  }

  #nextEntries(): Entry[] {
    const entries: Entry[] = []
    let bytes = 0
    for (const entry of this.#unsaved) {
      if (bytes > 0 && bytes + entry.size > CHANGE_BYTES) break
      entry.isSealed = true
      entries.push(entry)
      bytes += entry.size
    }
    return entries
  }

  #stored(entry: Entry): StoredEntry {
    entry.id ??= `${this.#base}-${entry.order}`
    const { id, since, deaths, stanzas, bytes } = entry
    return { id, since: this.#epoch + since, deaths, stanzas, bytes }
  }

  #saved(entry: Entry): void {
    entry.isSaved = true
    this.#unsaved.delete(entry)
    if (entry.isUnused && entry.id !== undefined) this.#removals.push(entry.id)
  }

  readonly #unused = (entry: Entry): void => {
    this.#live.delete(entry)
    const isUnderWay = entry.id !== undefined && !entry.isSaved
    // While it is being written, `#saved` sees that it is unused; nobody knows yet whether the store has it.
    if (isUnderWay) return
    this.#unsaved.delete(entry)
    if (entry.id === undefined) return
    this.#removals.push(entry.id)
    this.#changed()
  }

  /** Gives entries new ids, in their order: they are to be written, again or at last. */
  #renumber(entries: Iterable<Entry>, base: number): void {
    const wanted = [...entries].filter((entry) => !entry.isUnused)
    this.#base = base
    this.#unsaved.clear()
    for (const entry of wanted) {
      entry.id = undefined
      entry.isSaved = false
      entry.isSealed = true
      this.#unsaved.add(entry)
    }
  }
}
