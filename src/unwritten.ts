import type { Source } from './stream/outbox.ts'
import { StanzaQueue, type Ticket } from './stream/queue.ts'
import type { Head } from './xmpp/head.ts'

/** Above so many bytes whoever sends more is paused. */
const MOST_BYTES = 1024 * 1024

/**
 * Stanzas of one domain that are being written down, and go on when they have been (`delivery: journal`): so nobody can
 * have answered what would be lost with the node. In order, in two parts: what is sure to be written when the store next
 * says so, and what has come since it was asked.
 */
export class Unwritten {
  #asked = new StanzaQueue()
  #newer = new StanzaQueue()
  readonly #sources = new Set<Source>()
  /** The store has been asked to say when all is written. */
  isAsked = false

  get stanzas(): number {
    return this.#asked.stanzas + this.#newer.stanzas
  }
  get bytes(): number {
    return this.#asked.bytes + this.#newer.bytes
  }

  append(head: Head, since: number, ticket: Ticket, source: Source | undefined): void {
    this.#newer.append(head.buffer, head.start, head.end, since, 0, ticket)
    if (source === undefined || this.bytes <= MOST_BYTES || this.#sources.has(source)) return
    this.#sources.add(source)
    source.pause()
  }

  /** What has come until now is asked about. */
  ask(): void {
    this.isAsked = true
    this.#newer.prepend(this.#asked)
    this.#asked = this.#newer
    this.#newer = new StanzaQueue()
  }

  /** Takes what was asked about: it has been written. */
  take(): StanzaQueue {
    this.isAsked = false
    const written = this.#asked
    this.#asked = new StanzaQueue()
    for (const source of this.#sources) source.resume()
    this.#sources.clear()
    return written
  }

  /** Takes what has come since it was asked about. */
  takeNewer(): StanzaQueue {
    const newer = this.#newer
    this.#newer = new StanzaQueue()
    return newer
  }

  /** Takes what came before `time`, and has waited for too long. */
  takeOlderThan(time: number): StanzaQueue {
    const old = new StanzaQueue()
    for (const queue of [this.#asked, this.#newer]) {
      for (let slab = queue.first; slab !== undefined && slab.since < time; slab = queue.first) {
        queue.shift()
        old.push(slab)
      }
    }
    return old
  }
}
