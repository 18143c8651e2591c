import { Backoff } from '../backoff.ts'
import type { Ticket } from '../stream/queue.ts'
import { Arrivals, type Witness } from './arrivals.ts'
import type { ClusterStore, Incarnation, Mail } from './cluster-store.ts'
import type { Destination, Heading, Item, Run } from './entry.ts'
import { decodeEntry, decodeHeading, readable } from './entry-codec.ts'
import type { Mailbox } from './mailbox.ts'
import type { Removals } from './removals.ts'
import { pause, type Timing } from './timing.ts'

/** Who is handed what comes from other nodes. Everything is called at once, in order per sender and destination. */
export interface PostHandler {
  /** The ticket is retained by whoever keeps the stanzas; when this returns and nobody does, they have ended. */
  run(sender: Incarnation, run: Run, ticket: Ticket): void
  /** The other node says that all stanzas for `to` before our barrier have ended. */
  confirmed(sender: Incarnation, to: Destination, number: number): void
  answered(sender: Incarnation, to: Destination, key: string): void
  news(sender: Incarnation, topic: string, text: string): void
  /** An entry that cannot be read has been removed; `sender` is undefined where not even that can be read. */
  unreadable(sender: Incarnation | undefined, id: string, reason: string): void
  /** Whether the store does what is asked. */
  reach?(isUp: boolean): void
}

/** What a node wrote into its own inbox, which it does not read while it lives. */
export interface OwnEntries {
  /** The highest number that has been written. */
  readonly writtenThrough: number
  /** Whether some of them are in the inbox under an id that is known. */
  readonly isAnyFound: boolean
  isKnown(number: number, id: string): boolean
  /** An entry has been come by in the inbox. */
  found(number: number, id: string): void
  /** All there is has been read: what was written, up to this number, and was not come by is not there. Whether any of it is wanted. */
  isMissing(through: number): boolean
  /** The store has forgotten: all that is wanted is to be written again. */
  forgotten(): void
}

export interface InboxParts {
  readonly store: ClusterStore
  readonly me: Incarnation
  readonly handler: PostHandler
  readonly own: OwnEntries
  readonly removals: Removals
  /** Where what goes to that node goes; undefined when it is gone for good. */
  readonly mailboxOf: (node: Incarnation) => Mailbox | undefined
  /** Called when the store works again after it had failed: other nodes' inboxes may have lost something. */
  readonly recovered: () => void
  readonly timing: Timing
  /** Gives numbers in [0, 1). */
  readonly random: () => number
}

/** Entries of one read, and how long it waits for the first, in milliseconds. */
const BATCH = 64
const READ_MILLISECONDS = 1000
/** For so many milliseconds entries are handed out in one turn of the event loop. */
const TURN_MILLISECONDS = 2
/** An answer is on its way after so many milliseconds. */
const ANSWERED_MILLISECONDS = 10
/** A sender is asked again for what is missing after so many milliseconds. */
const MISSING_MILLISECONDS = 1000
/** Nodes that are gone, whose numbers are known. */
const MOST_GONE = 1000
/** After a read that failed, the next one waits for so many milliseconds; for up to so many when that fails, too. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 1000

/** What one read has brought; no mails when it failed. */
interface Batch {
  readonly mails: readonly Mail[] | undefined
  readonly start: number
  /** What of our own had been written when it was asked for. */
  readonly own: number
}

/** The only reader of a node's inbox. */
export class Inbox {
  readonly #parts: InboxParts
  readonly #backoff: Backoff
  readonly #bySender = new Map<Incarnation, Arrivals>()
  /** What other nodes are to be told of requests that have been answered. */
  readonly #answered: (() => void)[] = []
  #isVoid = false
  /** When a sender was last asked for what is missing. */
  readonly #askedAt = new Map<Incarnation, number>()
  #position = '0'
  /** Counts how often it was begun from the first entry: what was read before that is read again. */
  #start = 0
  #isPaused = false
  #isUp = true
  #isClosed = false
  #resumed: (() => void) | undefined

  constructor(parts: InboxParts) {
    this.#parts = parts
    this.#backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT, parts.random)
  }

  start(): void {
    void this.#readOn()
  }
  /** Nothing is handed out any more, until `resume`; one read may have been asked for. */
  pause(): void {
    this.#isPaused = true
  }
  resume(): void {
    this.#isPaused = false
    this.#resumed?.()
  }
  /** What has been handed out and has not ended is another node's to see to. */
  void(): void {
    this.#isVoid = true
  }
  close(): void {
    this.#isClosed = true
    this.#resumed?.()
  }

  /** That node sends nothing again: what has come of it is all there is. */
  forget(node: Incarnation): void {
    this.#askedAt.delete(node)
    const arrivals = this.#arrivalsOf(node)
    arrivals.gone()
    if (arrivals.hasEarly) this.#readAgain()
    if (this.#bySender.size <= MOST_GONE) return
    for (const [sender, { isGone, isIdle }] of this.#bySender) {
      if (!isGone || !isIdle) continue
      this.#bySender.delete(sender)
      return
    }
  }

  async #readOn(): Promise<void> {
    await this.#look(true)
    for (let ahead = this.#read(); !this.#isClosed; ) {
      const { mails, start, own } = await ahead
      if (this.#isClosed) return
      if (start === this.#start && mails !== undefined && mails.length > 0) {
        this.#position = mails.at(-1)?.id ?? this.#position
        await this.#unlessPaused()
        ahead = this.#read()
        await this.#handOut(mails, start)
        continue
      }
      if (mails === undefined) await this.#look(true)
      else if (start === this.#start) await this.#look(false, own)
      ahead = this.#read()
    }
  }

  async #read(): Promise<Batch> {
    const { store, me, own } = this.#parts
    const asked = { start: this.#start, own: own.writtenThrough }
    const mails = await store.read(me, this.#position, BATCH, READ_MILLISECONDS).catch(() => undefined)
    return { ...asked, mails }
  }

  /** Sees to it that there is an inbox, and that it still has what it should. Goes on until the store says so. */
  async #look(hasFailed: boolean, own = 0): Promise<void> {
    const { store, me, timing, removals } = this.#parts
    for (let isTrouble = hasFailed; !this.#isClosed; isTrouble = true) {
      // What is just being removed may be there or not.
      const isEnough = !isTrouble && !removals.isIdle
      const first = store.openInbox(me).then(() => (isEnough ? [] : store.read(me, '0', 1, 1)))
      const mails = await first.catch(() => undefined)
      if (mails !== undefined) {
        if (!isEnough) this.#compare(mails[0], isTrouble, own)
        this.#backoff.reset()
        this.#reached(true)
        return
      }
      this.#reached(false)
      await pause(timing, this.#backoff.next())
    }
  }

  #compare(first: Mail | undefined, isTrouble: boolean, through: number): void {
    const { own } = this.#parts
    const isThere = first !== undefined && this.#isKnown(first)
    const isLost = !isThere && (isTrouble || own.isAnyFound || !this.isIdle)
    const isOwnLost = isLost || own.isMissing(through)
    if (isOwnLost) own.forgotten()
    // What is first and unknown was not read yet, though it may be before what was.
    if (isOwnLost || (first !== undefined && !isThere)) this.#readAgain()
  }

  /** Whether all that has been handed out has ended. */
  get isIdle(): boolean {
    for (const arrivals of this.#bySender.values()) if (!arrivals.isIdle) return false
    return true
  }

  /** Whether it is what was found under that id before; a store that has forgotten may give an id again. */
  #isKnown({ id, bytes }: Mail): boolean {
    const { me, own, removals } = this.#parts
    if (removals.has(id)) return true
    const heading = readable(() => decodeHeading(bytes))
    if (heading === undefined) return false
    const { sender, number, isNote } = heading
    if (sender === me) return own.isKnown(number, id)
    return !isNote && this.#bySender.get(sender)?.isKnown(number, id) === true
  }

  #readAgain(): void {
    this.#start++
    this.#position = '0'
  }

  #reached(isUp: boolean): void {
    if (isUp === this.#isUp) return
    this.#isUp = isUp
    this.#parts.handler.reach?.(isUp)
    if (isUp) this.#parts.recovered()
  }

  async #unlessPaused(): Promise<void> {
    while (this.#isPaused && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#resumed = resolve
      })
      this.#resumed = undefined
    }
  }

  async #handOut(mails: readonly Mail[], start: number): Promise<void> {
    const { timing } = this.#parts
    let since = timing.now()
    for (const mail of mails) {
      if (this.#isPaused) await this.#unlessPaused()
      if (this.#isClosed || start !== this.#start) return
      this.#take(mail)
      if (timing.now() - since < TURN_MILLISECONDS) continue
      await new Promise<void>((resolve) => timing.soon(resolve))
      since = timing.now()
    }
  }

  #take({ id, bytes }: Mail): void {
    const { me, own, removals, mailboxOf } = this.#parts
    const heading = this.#readable(undefined, id, () => decodeHeading(bytes))
    if (heading === undefined) return removals.add(id)
    const { sender, number, isNote, isAsking, isMissing } = heading
    if (sender === me) return own.found(number, id)
    const mailbox = mailboxOf(sender)
    const arrivals = this.#arrivalsOf(sender)
    mailbox?.taken(heading.taken)
    const isTaken = arrivals.isTaken(number)
    // One that comes again may say what is long past.
    if (isMissing && (isNote || !isTaken)) mailbox?.sendAgain()
    if (isNote) removals.add(id)
    else if (isTaken) arrivals.again(number, id)
    else if (arrivals.isEarly(number)) arrivals.early(number, id)
    else this.#open(arrivals, heading, id, bytes)
    if (!isNote) mailbox?.took(arrivals.taken)
    if (number > arrivals.taken) this.#askFor(sender, mailbox)
    else if (isAsking) mailbox?.tell(false)
  }

  /** Something before what came is missing. */
  #askFor(sender: Incarnation, mailbox: Mailbox | undefined): void {
    if (mailbox === undefined) return
    const now = this.#parts.timing.now()
    if (now - (this.#askedAt.get(sender) ?? Number.NEGATIVE_INFINITY) < MISSING_MILLISECONDS) return
    this.#askedAt.set(sender, now)
    mailbox.tell(true)
  }

  #open(arrivals: Arrivals, { sender, number }: Heading, id: string, bytes: Buffer): void {
    const { handler } = this.#parts
    const arrived = arrivals.take(number, id, bytes.length)
    this.#askedAt.delete(sender)
    const items = this.#readable(sender, id, () => decodeEntry(bytes))?.items ?? []
    for (const item of items) {
      if (item.kind === 'run') {
        const ticket = arrivals.ticket(arrived, item)
        handler.run(sender, item, ticket)
        ticket.release()
      } else if (item.kind === 'barrier') arrivals.barrier(item.to, item.number)
      else this.#tell(sender, item)
    }
    arrived.end()
  }

  #tell(sender: Incarnation, item: Exclude<Item, { kind: 'run' | 'barrier' }>): void {
    const { handler } = this.#parts
    if (item.kind === 'confirm') handler.confirmed(sender, item.to, item.number)
    else if (item.kind === 'answered') handler.answered(sender, item.to, item.key)
    else handler.news(sender, item.topic, item.text)
  }

  #readable<T>(sender: Incarnation | undefined, id: string, decode: () => T): T | undefined {
    return readable(decode, (reason) => this.#parts.handler.unreadable(sender, id, reason))
  }

  /** Not before the answer itself is on its way: should this node die between the two, the asker is to be answered. */
  #tellAnswered(sender: Incarnation, to: Destination, key: string): void {
    const { mailboxOf, timing } = this.#parts
    this.#answered.push(() => mailboxOf(sender)?.answered(to, key))
    if (this.#answered.length > 1) return
    timing.later(() => {
      for (const tell of this.#answered.splice(0)) tell()
    }, ANSWERED_MILLISECONDS)
  }

  #arrivalsOf(sender: Incarnation): Arrivals {
    let arrivals = this.#bySender.get(sender)
    if (arrivals === undefined) {
      const { removals, mailboxOf } = this.#parts
      const isVoid = () => this.#isVoid
      const witness: Witness = {
        get isVoid() {
          return isVoid()
        },
        confirm: (to, number) => mailboxOf(sender)?.confirm(to, number),
        answered: (to, key) => this.#tellAnswered(sender, to, key),
        remove: (id) => removals.add(id),
      }
      arrivals = new Arrivals(sender, witness)
      if (mailboxOf(sender) === undefined) arrivals.gone()
      this.#bySender.set(sender, arrivals)
    }
    return arrivals
  }
}
