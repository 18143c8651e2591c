import { randomBytes } from 'node:crypto'
import type { Outbox } from './stream/outbox.ts'
import { type Head, Kind } from './xmpp/head.ts'
import { ns } from './xmpp/namespaces.ts'
import { escapeText } from './xmpp/stream-error.ts'

export interface LinkProbeParts {
  readonly domain: string
  readonly outbox: Outbox
  /** Milliseconds without a byte from the server before it is probed: the probe leaves after one to two of these. */
  readonly idle: number
  /** Milliseconds for a byte after a probe. */
  readonly answer: number
  /** The answer might go to another node's link of the same domain. */
  readonly shared: boolean
  /** The link does not read: it hears no answer. */
  readonly isPaused: () => boolean
  /** The server lives no more. */
  readonly dead: (reason: string) => void
}

/**
 * Probes a silent server, so that no idle limit of its closes the link and one that is gone is noticed.
 *
 * XEP-0114 has no ping of its own, and no address lives at every server, except the link's own domain: a ping from it
 * to itself (XEP-0199) goes through the server's router and comes back. Any byte counts as the answer. A server that has
 * never answered a probe is not condemned for its silence. Nor is one whose answer might go to another node's link:
 * that one gets white space. There TCP keepalive finds a dead host, and an outbox that nothing leaves finds a server
 * that hangs.
 */
export class LinkProbe {
  readonly #parts: LinkProbeParts
  /** Nobody outside the server ever sees it, so nobody can make one up. */
  readonly #id = Buffer.from(`sylink-${randomBytes(16).toString('hex')}`)
  readonly #text: string
  #timer: NodeJS.Timeout | undefined
  /** Grows with all that shows that the server lives. */
  #life = 0
  #hasBeenAnswered = false

  constructor(parts: LinkProbeParts) {
    this.#parts = parts
    const domain = escapeText(parts.domain)
    this.#text = parts.shared
      ? ' '
      : `<iq type='get' from='${domain}' to='${domain}' id='${this.#id}'><ping xmlns='${ns.ping}'/></iq>`
  }

  start(): void {
    const seen = this.#life
    this.#arm(this.#parts.idle, () => {
      if (this.#life !== seen || this.#parts.isPaused()) return this.start()
      this.#parts.outbox.appendControl(this.#text)
      this.#awaitAnswer(seen)
    })
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Bytes have come, or could not be seen to come. */
  heard(): void {
    this.#life++
  }

  /** Whether the stanza is a probe of ours that came back, or the answer to one: then it concerns nobody else. */
  takes(head: Head): boolean {
    if (head.kind !== Kind.iq || head.idEnd - head.idStart !== this.#id.length) return false
    if (this.#id.compare(head.buffer, head.idStart, head.idEnd) !== 0) return false
    this.#hasBeenAnswered = true
    return true
  }

  #awaitAnswer(seen: number): void {
    const { outbox, answer, isPaused, dead } = this.#parts
    const progress = outbox.progress
    this.#arm(answer, () => {
      if (this.#life !== seen) return this.start()
      const isWaiting = outbox.bytes > 0
      // The probe may still stand behind others in the outbox.
      if (isPaused() || (isWaiting && outbox.progress !== progress)) return this.#awaitAnswer(seen)
      if (isWaiting) return dead('the server reads nothing')
      if (this.#hasBeenAnswered) return dead('the server does not answer')
      this.start()
    })
  }

  #arm(milliseconds: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, milliseconds)
  }
}
