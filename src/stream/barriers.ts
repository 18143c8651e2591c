import type { Head } from '../xmpp/head.ts'
import { ns } from '../xmpp/namespaces.ts'
import { escapeText } from '../xmpp/stream-error.ts'

/** Ids of barriers begin so. They are reserved: no request of anybody else's leaves here with such an id. */
const PREFIX = 'sy.'

/** Shared by all who have none: nothing is ever put into it. */
const none: number[] = []

/**
 * The barriers of one stream: XEP-0199 pings, numbered. A component's stream is one ordered stream (XEP-0114), so whoever
 * answers one, with a result or an error, has read all that was written before it.
 */
export class Barriers {
  readonly #clock: { readonly now: number }
  readonly #from: string
  readonly #to: string
  /** When each unanswered barrier was written, oldest first. */
  #times = none
  #last = 0
  #confirmed = 0
  #answeredAt = 0
  #writtenAt = 0
  #took: number | undefined

  /**
   * @param clock milliseconds, monotonic
   * @param from Switchyard's own address
   * @param to the component's domain
   */
  constructor(clock: { readonly now: number }, from: string, to: string) {
    this.#clock = clock
    this.#from = escapeText(from)
    this.#to = escapeText(to)
  }

  /** The number of the last one written; 0 before the first. */
  get last(): number {
    return this.#last
  }
  /** The highest number answered. */
  get confirmed(): number {
    return this.#confirmed
  }
  /** When the last one was written. */
  get writtenAt(): number {
    return this.#writtenAt
  }
  /** Since when the peer has been silent with a barrier before it; undefined when it has answered all. */
  get owingSince(): number | undefined {
    const oldest = this.#times[0]
    return oldest === undefined ? undefined : Math.max(oldest, this.#answeredAt)
  }

  /** How long the last answer took, in milliseconds from when its barrier was written; undefined before the first. */
  get took(): number | undefined {
    return this.#took
  }

  /** The next barrier, to be written now. */
  next(): string {
    this.#writtenAt = this.#clock.now
    // Made with its element: `push` would make room for seventeen, and an idle instance is owed one.
    if (this.#times.length === 0) this.#times = [this.#writtenAt]
    else this.#times.push(this.#writtenAt)
    const id = `${PREFIX}${++this.#last}`
    return `<iq type='get' id='${id}' from='${this.#from}' to='${this.#to}'><ping xmlns='${ns.ping}'/></iq>`
  }

  /** Notes an answer; false when that barrier is not waiting for one. */
  answered(barrier: number): boolean {
    if (barrier <= this.#confirmed || barrier > this.#last) return false
    this.#took = this.#clock.now - (this.#times[barrier - this.#confirmed - 1] ?? this.#writtenAt)
    if (barrier === this.#last) this.#times = none
    else this.#times.splice(0, barrier - this.#confirmed)
    this.#confirmed = barrier
    this.#answeredAt = this.#clock.now
    return true
  }
}

/** The number of the barrier that the reply in `head` answers; 0 when its id is none of a barrier. */
export function barrierOf(head: Head): number {
  const { buffer, idStart, idEnd } = head
  if (idEnd - idStart <= PREFIX.length || idEnd - idStart > PREFIX.length + 15) return 0
  for (let i = 0; i < PREFIX.length; i++) if (buffer[idStart + i] !== PREFIX.charCodeAt(i)) return 0
  let number = 0
  for (let i = idStart + PREFIX.length; i < idEnd; i++) {
    const digit = (buffer[i] as number) - 0x30
    if (digit < 0 || digit > 9) return 0
    number = number * 10 + digit
  }
  return number
}
