import { Backoff } from '../backoff.ts'
import type { Source } from '../stream/outbox.ts'
import type { Ticket } from '../stream/queue.ts'
import type { Appends } from './backlog.ts'
import { type ClusterStore, type Incarnation, type Mail, StoreUnreachable } from './cluster-store.ts'
import type { Destination } from './entry.ts'
import { EntryBuffers } from './entry-buffers.ts'
import { decodeHeading, readable } from './entry-codec.ts'
import { Inbox, type PostHandler } from './inbox.ts'
import { Keeper } from './keeper.ts'
import { Mailbox } from './mailbox.ts'
import { Removals } from './removals.ts'
import { pause, type Timing } from './timing.ts'

/** Nodes that are gone, and that are known to be. */
const MOST_GONE = 1000
/** Entries of one read when an inbox is purged. */
const PAGE = 64
/** A call that failed is made again after so many milliseconds; for up to so many when that fails, too. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 1000

export interface PostParts {
  readonly store: ClusterStore
  readonly me: Incarnation
  readonly handler: PostHandler
  readonly timing: Timing
  /** Gives numbers in [0, 1). */
  readonly random: () => number
  /**
   * Whether this node may act. Otherwise nothing is written: it may have been given up, and what its heir has handed out
   * by then would be followed by what is older. It is written when the node may act again; or by the node's next life.
   */
  readonly mayWrite?: () => boolean
  /** Bytes that may wait for one other node (`Mailbox`). */
  readonly limit: () => number
  /** Told when so many bytes wait for that node, once until there is room again. */
  readonly full?: (node: Incarnation, bytes: number) => void
}

/**
 * What goes between this node and the others: to each in order, and taken once. While it is paused nothing is read, and
 * nothing handed out; what is sent goes on.
 */
export class Post implements Source {
  readonly #parts: PostParts
  readonly #appends: Appends
  readonly #removals: Removals
  readonly #buffers = new EntryBuffers()
  readonly #keeper: Keeper
  readonly #inbox: Inbox
  readonly #mailboxes = new Map<Incarnation, Mailbox>()
  readonly #gone = new Map<Incarnation, Mailbox>()
  /** Counts the nodes that were forgotten. */
  #forgotten = 0
  #isStopped = false

  constructor(parts: PostParts) {
    const { store, me, handler, timing, random, mayWrite = () => true } = parts
    this.#parts = parts
    this.#appends = {
      append: (of, entries) =>
        mayWrite() ? store.append(of, entries) : Promise.reject(new StoreUnreachable('this node may not act', false)),
    }
    this.#removals = new Removals(store, me, timing, random)
    this.#keeper = new Keeper({
      ...{ store: this.#appends, me, removals: this.#removals, timing, random, buffers: this.#buffers },
    })
    this.#inbox = new Inbox({
      ...{ store, me, handler, timing, random, own: this.#keeper, removals: this.#removals },
      mailboxOf: (node) => (this.#gone.has(node) ? undefined : this.to(node)),
      recovered: () => {
        for (const mailbox of this.#mailboxes.values()) mailbox.ask()
      },
    })
  }

  /** Opens this node's inbox, and begins to read it. */
  start(): void {
    this.#inbox.start()
  }
  pause(): void {
    this.#inbox.pause()
  }
  resume(): void {
    this.#inbox.resume()
  }

  /** What goes to that node; for one that is gone it takes nothing. */
  to(node: Incarnation): Mailbox {
    const known = this.#mailboxes.get(node) ?? this.#gone.get(node)
    if (known !== undefined) return known
    const { me, timing, random, limit, full } = this.#parts
    if (node === me) throw new RangeError(`${me} sends itself nothing`)
    const mailbox = new Mailbox({ store: this.#appends, me, node, timing, random, limit, buffers: this.#buffers })
    mailbox.onFull = (bytes) => full?.(node, bytes)
    if (this.#isStopped) mailbox.close()
    this.#mailboxes.set(node, mailbox)
    return mailbox
  }

  /**
   * That node is gone for good: what it had not taken is dropped, and whoever waits for it to be written is told. What
   * it has sent is handed out as before.
   */
  forget(node: Incarnation): void {
    const mailbox = this.to(node)
    this.#forgotten++
    this.#mailboxes.delete(node)
    this.#gone.set(node, mailbox)
    const [oldest] = this.#gone.keys()
    if (this.#gone.size > MOST_GONE && oldest !== undefined) this.#gone.delete(oldest)
    mailbox.close()
    this.#inbox.forget(node)
  }

  /**
   * Removes this node's entries from the inbox of a node that is gone, once all that was handed over before is in the
   * store elsewhere. May be called again: an append that the store was slow to carry out may have come after it.
   */
  async purge(node: Incarnation): Promise<void> {
    await Promise.all([this.written(), this.#gone.get(node)?.settled()])
    const { store, me, timing, random } = this.#parts
    const backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT, random)
    for (let after = '0'; !this.#isStopped; ) {
      try {
        const mails = await store.read(node, after, PAGE, 1)
        const own = mails.filter(({ bytes }) => isOf(me, bytes)).map(({ id }) => id)
        if (own.length > 0) await store.remove(node, own)
        backoff.reset()
        const last: Mail | undefined = mails.at(-1)
        if (last === undefined) return
        after = last.id
      } catch {
        await pause(timing, backoff.next())
      }
    }
  }

  /** Writes a copy of a stanza into this node's own inbox: see `Keeper`. */
  keep(
    to: Destination,
    since: number,
    deaths: number,
    isRequest: boolean,
    buffer: Buffer,
    start: number,
    end: number,
  ): Ticket {
    return this.#keeper.keep(to, since, deaths, isRequest, buffer, start, end)
  }
  /** Bytes that are kept. */
  get keptBytes(): number {
    return this.#keeper.bytes
  }

  /** Whether all that has come from other nodes has ended. */
  get isIdle(): boolean {
    return this.#inbox.isIdle
  }

  /** Whether all that was handed over is in the store. */
  get isWritten(): boolean {
    if (!this.#keeper.isWritten) return false
    for (const mailbox of this.#mailboxes.values()) if (!mailbox.isWritten) return false
    return true
  }

  /** Resolves when all that was handed over until now is in the store; or when this has been stopped. Never rejects. */
  async written(): Promise<void> {
    for (let isAll = this.isWritten; !isAll && !this.#isStopped; ) {
      const forgotten = this.#forgotten
      const waiting = [...this.#mailboxes.values()].filter(({ isWritten }) => !isWritten)
      await Promise.all([this.#keeper.written(), ...waiting.map((mailbox) => mailbox.written())])
      isAll = forgotten === this.#forgotten
      // What was for a node that is gone is handed over anew, to another.
      if (!isAll) await new Promise<void>((resolve) => this.#parts.timing.soon(resolve))
    }
  }

  /** Reads nothing more, and stops when all is written and removed; after so many milliseconds at the latest. */
  async closed(milliseconds: number): Promise<void> {
    this.#inbox.close()
    const removed = new Promise<void>((resolve) => {
      if (this.#removals.isIdle) resolve()
      else this.#removals.onIdle = resolve
    })
    await Promise.race([Promise.all([this.written(), removed]), pause(this.#parts.timing, milliseconds)])
    this.stop()
  }

  /** At once. What waits to be written is told that it will not be; what has come and not ended is another's to see to. */
  stop(): void {
    this.#isStopped = true
    this.#inbox.void()
    this.#inbox.close()
    for (const mailbox of this.#mailboxes.values()) mailbox.close()
    this.#keeper.close()
    this.#removals.close()
  }
}

function isOf(node: Incarnation, bytes: Buffer): boolean {
  return readable(() => decodeHeading(bytes))?.sender === node
}
