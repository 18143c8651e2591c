import type { Express } from '../xmpp/express.ts'
import { Found, Framer, type FramerLimits } from '../xmpp/framer.ts'
import { type Head, Kind } from '../xmpp/head.ts'
import { Scanners } from '../xmpp/scanners.ts'
import type { Slab, StanzaQueue } from './queue.ts'

/** The express scanner is fetched when so many bytes have been read: it takes a megabyte, and some milliseconds to begin. */
const WORTH_EXPRESS = 64 * 1024
/** Framers kept for the next time; more are in use at once only when one stanza leads to another, and that to a third. */
const KEPT_FRAMERS = 4

/**
 * Reads stanzas that have passed a framer, or that we made ourselves, once more: a queue keeps nothing but bytes.
 */
export class Reframer {
  readonly #scanners: Scanners
  readonly #idle: Framer[] = []
  readonly #larger: FramerLimits
  #fetch: (() => Express | undefined) | undefined
  /** Bytes read so far, until the express scanner is fetched. */
  #read = 0
  #express: Scanners | undefined
  /** The one that uses the express scanner; undefined while it is in use. */
  #fast: Framer | undefined

  /**
   * @param express makes one that nobody else uses: what is read anew may come in the middle of what the streams' own has
   *   read. Called once there is much to read.
   */
  constructor(limits: FramerLimits, express?: () => Express | undefined) {
    // A stanza may have grown since it was measured: by a token, or by declarations when it was written anew.
    const { stanza_bytes, depth, elements, attributes, namespaces } = limits
    this.#larger = {
      stanza_bytes: stanza_bytes * 8,
      depth,
      elements: elements + 8,
      attributes: attributes * 2,
      namespaces: namespaces + depth,
    }
    this.#scanners = new Scanners(this.#larger)
    this.#fetch = express
  }

  /**
   * Calls `each` for every stanza in `bytes`, in order; the head is valid during the call. With `several` it is called for
   * requests and replies only, and `several` for all else, as many as come one after the other: `head` begins with
   * the first and ends with the last of so many.
   */
  stanzas(bytes: Buffer, each: (head: Head) => void, several?: (head: Head, stanzas: number) => void): void {
    if (this.#fetch !== undefined) this.#count(bytes.length, this.#fetch)
    const fast = this.#fast
    this.#fast = undefined
    try {
      this.#readAll(fast ?? this.#idle.pop() ?? new Framer(this.#scanners, 'stanzas'), fast, bytes, each, several)
    } catch (error) {
      // What it was in the middle of is of no use to the next.
      if (fast !== undefined && this.#express !== undefined) this.#fast = new Framer(this.#express, 'stanzas')
      throw error
    }
  }

  #count(bytes: number, fetch: () => Express | undefined): void {
    this.#read += bytes
    if (this.#read < WORTH_EXPRESS) return
    this.#fetch = undefined
    const express = fetch()
    if (express === undefined) return
    this.#express = new Scanners(this.#larger, express)
    this.#fast = new Framer(this.#express, 'stanzas')
  }

  #readAll(
    framer: Framer,
    fast: Framer | undefined,
    bytes: Buffer,
    each: (head: Head) => void,
    several: ((head: Head, stanzas: number) => void) | undefined,
  ): void {
    const { head } = framer
    framer.push(bytes)
    let found = framer.next()
    for (; found === Found.stanza; found = framer.next()) {
      if (several === undefined || head.kind === Kind.iq) each(head)
      else several(head, framer.takeAlike())
    }
    // Not a peer's doing but ours: nothing else could have put it there.
    if (found !== Found.nothing) throw new Error(`a stanza of ours cannot be read: ${framer.error?.text ?? found}`)
    // The next one would begin with its half.
    if (framer.pending > 0) throw new Error(`a stanza of ours cannot be read: ${framer.pending} bytes of it do not end`)
    if (framer === fast) this.#fast = framer
    else if (this.#idle.length < KEPT_FRAMERS) this.#idle.push(framer)
  }

  /** As `stanzas`, for every stanza of a slab, in order; the slab is spent then. */
  slab(slab: Slab, each: (head: Head, slab: Slab) => void): void {
    // A slab without stanzas holds what belonged to a stream that is no more.
    if (slab.stanzas > 0) this.stanzas(slab.bytes, (head) => each(head, slab))
    slab.release()
  }

  /** As `slab`, for a whole queue, which is empty afterwards. */
  queue(queue: StanzaQueue, each: (head: Head, slab: Slab) => void): void {
    for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) this.slab(slab, each)
  }
}
