import { Backoff } from '../backoff.ts'
import type { Source } from '../stream/outbox.ts'
import type { Ticket } from '../stream/queue.ts'
import { Arrivals, type Witness } from './arrivals.ts'
import type { ClusterStore, Incarnation, Mail } from './cluster-store.ts'
import type { Heading, Run } from './entry.ts'
import { decodeEntry, decodeHeading, readable } from './entry-codec.ts'
import { Removals } from './removals.ts'
import type { Timing } from './timing.ts'

/** Entries of one read: the more, the sooner an heir is done. */
const BATCH = 128
/**
 * Bytes that have been handed out, have not ended, and are in no hold: above it nothing more is, until half of that is
 * left. What is held has its bound there: it may wait for a week, and what comes behind it is for others, too.
 */
const MOST_BYTES = 16 * 1024 * 1024
/** Looks for what has come so often, in milliseconds, and so often for all of it, as long as entries are left for their senders. */
const LOOK_MILLISECONDS = 1000
const LOOK_AGAIN_MILLISECONDS = 5000
/** For so many milliseconds entries are handed out in one turn of the event loop. */
const TURN_MILLISECONDS = 5
/** A call that failed is made again after so many milliseconds; for up to so many when that fails, too. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 1000

export interface EstateHandler {
  /** As `PostHandler.run`; the sender is dead. */
  run(sender: Incarnation, run: Run, ticket: Ticket): void
  /** An entry that cannot be read has been removed. */
  unreadable(sender: Incarnation | undefined, id: string, reason: string): void
  /** All that is there, and is for the heir, has been handed out. */
  read(): void
  /** The inbox is no more: nothing was left in it. With `isMissing` there was none, and what was in it is not known. */
  emptied(isMissing: boolean): void
}

export interface EstateParts {
  readonly store: ClusterStore
  /** Whose inbox it is. */
  readonly dead: Incarnation
  /** A sender that is alive removes its entries itself, having sent them elsewhere. */
  readonly isAlive: (node: Incarnation) => boolean
  readonly handler: EstateHandler
  readonly timing: Timing
  /** Gives numbers in [0, 1). */
  readonly random: () => number
}

/** An heir's reading of a dead node's inbox: hands out, once, what the dead node and dead senders have left there. */
export class Estate implements Source {
  readonly #parts: EstateParts
  readonly #removals: Removals
  readonly #backoff: Backoff
  readonly #bySender = new Map<Incarnation, Arrivals>()
  #position = '0'
  /** Whether entries of live senders have been passed by since the beginning was last read, and when that was. */
  #isPassing = false
  #begunAt = 0
  #isAsked = false
  /** All that was there when it was begun, or last looked at, has been handed out. */
  #isRead = false
  #isPaused = false
  #isClosed = false
  #mayBeClosed = false
  #isMissing = false
  #isVoid = false
  #wake: (() => void) | undefined
  /** Waits until it may hand out more. */
  #proceed: (() => void) | undefined

  constructor(parts: EstateParts) {
    const { store, dead, timing, random } = parts
    this.#parts = parts
    this.#removals = new Removals(store, dead, timing, random)
    this.#backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT, random)
  }

  /** Bytes that have been handed out and have not ended. */
  get bytes(): number {
    let bytes = 0
    for (const arrivals of this.#bySender.values()) bytes += arrivals.bytes
    return bytes
  }

  get #moving(): number {
    let bytes = 0
    for (const arrivals of this.#bySender.values()) bytes += arrivals.moving
    return bytes
  }

  /** Whether all that was there at first, or when a node died, has been handed out. */
  get isRead(): boolean {
    return this.#isRead || this.#isClosed
  }

  start(): void {
    this.#begunAt = this.#parts.timing.now()
    void this.#readOn()
  }
  /** Looks at all of it now: a node has died. */
  look(): void {
    this.#isAsked = true
    this.#isRead = false
    this.#wake?.()
  }
  pause(): void {
    this.#isPaused = true
  }
  resume(): void {
    this.#isPaused = false
    this.#proceed?.()
  }
  /** What has been handed out and has not ended is another heir's to see to. */
  void(): void {
    this.#isVoid = true
  }
  /** At once; what has been handed out stays in the inbox, for another heir. */
  close(): void {
    this.#isClosed = true
    this.#removals.close()
    this.#wake?.()
    this.#proceed?.()
  }

  async #readOn(): Promise<void> {
    const { store, dead, handler } = this.#parts
    while (!this.#isClosed) {
      const mails = await store.read(dead, this.#position, BATCH, 1).catch(() => undefined)
      if (this.#isClosed) return
      if (mails === undefined) await this.#wait(this.#backoff.next())
      else if (mails.length > 0) await this.#handOut(mails)
      else if (await this.#isEmptied()) return handler.emptied(this.#isMissing)
      else await this.#rest()
    }
  }

  async #isEmptied(): Promise<boolean> {
    const { store, dead, handler } = this.#parts
    this.#backoff.reset()
    if (!this.#isRead && !this.#isAsked) {
      this.#isRead = true
      handler.read()
    }
    if (!this.#removals.isIdle || this.bytes > 0) return false
    const closing = await store.closeInbox(dead).catch(() => 'unknown' as const)
    // It may have been closed then, and be found missing the next time.
    if (closing === 'unknown') this.#mayBeClosed = true
    if (this.#isClosed || closing === 'unknown' || closing === 'full') return false
    this.#isMissing = closing === 'missing' && !this.#mayBeClosed
    this.close()
    return true
  }

  async #rest(): Promise<void> {
    if (!this.#isAsked) await this.#wait(LOOK_MILLISECONDS)
    const now = this.#parts.timing.now()
    const isTime = this.#isPassing && now - this.#begunAt >= LOOK_AGAIN_MILLISECONDS
    if (!this.#isAsked && !isTime) return
    this.#isAsked = false
    this.#isPassing = false
    this.#begunAt = now
    this.#position = '0'
  }

  /** For so many milliseconds, or until something has happened. */
  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.timing.later(resolve, milliseconds)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  async #unlessFull(): Promise<void> {
    for (let most = MOST_BYTES; !this.#isClosed && (this.#isPaused || this.#moving > most); most = MOST_BYTES / 2) {
      await new Promise<void>((resolve) => {
        this.#proceed = resolve
      })
    }
  }

  async #handOut(mails: readonly Mail[]): Promise<void> {
    const { timing } = this.#parts
    let since = timing.now()
    for (const { id, bytes, heading } of this.#inOrder(mails)) {
      await this.#unlessFull()
      if (this.#isClosed) return
      this.#take(id, bytes, heading)
      if (timing.now() - since < TURN_MILLISECONDS) continue
      await new Promise<void>((resolve) => timing.soon(resolve))
      since = timing.now()
    }
    this.#position = mails.at(-1)?.id ?? this.#position
  }

  /** Each sender's in the order of their numbers: some may have been sent again, behind later ones. */
  #inOrder(mails: readonly Mail[]): readonly Found[] {
    const bySender = new Map<Incarnation, Found[]>()
    for (const { id, bytes } of mails) {
      const heading = this.#readable(undefined, id, () => decodeHeading(bytes))
      if (heading === undefined) {
        this.#removals.add(id)
        continue
      }
      const found = bySender.get(heading.sender)
      if (found === undefined) bySender.set(heading.sender, [{ id, bytes, heading }])
      else found.push({ id, bytes, heading })
    }
    return [...bySender.values()].flatMap((found) => found.sort((a, b) => a.heading.number - b.heading.number))
  }

  #take(id: string, bytes: Buffer, { sender, number, isNote }: Heading): void {
    const { dead, isAlive, handler } = this.#parts
    if (sender !== dead && isAlive(sender)) {
      this.#isPassing = true
      return
    }
    if (isNote) return this.#removals.add(id)
    const arrivals = this.#arrivalsOf(sender)
    if (arrivals.isTaken(number)) return arrivals.again(number, id)
    const arrived = arrivals.take(number, id, bytes.length)
    for (const item of this.#readable(sender, id, () => decodeEntry(bytes))?.items ?? []) {
      // Nobody waits for the rest of what the dead have said.
      if (item.kind !== 'run') continue
      const ticket = arrivals.ticket(arrived, item)
      handler.run(sender, item, ticket)
      ticket.release()
    }
    arrived.end()
  }

  #readable<T>(sender: Incarnation | undefined, id: string, decode: () => T): T | undefined {
    return readable(decode, (reason) => this.#parts.handler.unreadable(sender, id, reason))
  }

  #arrivalsOf(sender: Incarnation): Arrivals {
    let arrivals = this.#bySender.get(sender)
    if (arrivals === undefined) {
      const remove = (id: string): void => {
        this.#removals.add(id)
        this.#proceed?.()
      }
      const isVoid = (): boolean => this.#isVoid
      const witness: Witness = {
        get isVoid() {
          return isVoid()
        },
        ...{ confirm: () => {}, answered: () => {}, remove, held: () => this.#proceed?.() },
      }
      arrivals = new Arrivals(sender, witness)
      arrivals.gone()
      this.#bySender.set(sender, arrivals)
    }
    return arrivals
  }
}

interface Found {
  readonly id: string
  readonly bytes: Buffer
  readonly heading: Heading
}
