import type { Passage } from './passage.ts'
import { kinds, microseconds, parseName } from './wire.ts'

/**
 * How an instance's stream ended, or that it did not: only some ends may leave stanzas that come twice. `node`: with the
 * node that it was connected to.
 */
export type Ending = 'alive' | 'kill' | 'stop' | 'reset' | 'close' | 'drain' | 'unasked' | 'node'

/** One life of an instance. */
export interface Incarnation {
  readonly name: string
  ending: Ending
}

export interface Delivery {
  readonly time: number
  readonly to: Incarnation
}

/** One numbered stanza of the traffic. */
export interface Sent {
  readonly name: string
  readonly bytes: number
  /** The XMPP server has handed it to Switchyard. */
  reached: boolean
  /** Where there are several nodes. */
  passage: Passage | undefined
  readonly deliveries: Delivery[]
  /** Results and errors that left Switchyard for it, errors by condition. */
  readonly answers: string[]
  /** When each of them did. */
  readonly answerTimes: number[]
  /** The sender has got it back, or its answer. */
  returned: boolean
}

/** One request of an instance to the users. */
export interface Asked {
  readonly name: string
  readonly by: Incarnation
  /** It has left Switchyard. */
  left: boolean
  /** The users' answer, or the server's error, has come to Switchyard. */
  replied: boolean
  /** The answer's, where there are several nodes. */
  passage: Passage | undefined
  readonly answeredTo: Incarnation[]
}

/** What was sent and what was seen of it, where. Told as it happens; `judge` says what it comes to. */
export class Ledger {
  readonly sent = new Map<string, Sent>()
  readonly asked = new Map<string, Asked>()
  /** Of requests on their way: the id under which Switchyard sent one, and its name. */
  readonly #tokens = new Map<string, string>()
  #outstanding = 0
  #lastChange = microseconds()

  /** Stanzas that have reached Switchyard and have come to no end yet. */
  get outstanding(): number {
    return this.#outstanding
  }
  /** Microseconds since anything was told. */
  get quiet(): number {
    return microseconds() - this.#lastChange
  }

  send(name: string, bytes: number): void {
    this.sent.set(name, {
      ...{ name, bytes, reached: false, passage: undefined, returned: false },
      ...{ deliveries: [], answers: [], answerTimes: [] },
    })
  }

  /** At the tap, towards Switchyard. `id` is what the server wrote. */
  reach(name: string, passage?: Passage): void {
    const sent = this.sent.get(name)
    if (sent === undefined || sent.reached) return
    sent.reached = true
    sent.passage = passage
    this.#change(sent, () => {}, 1)
  }

  /** At the tap, from Switchyard: an answer or a bounce. */
  leave(name: string, answer: string): void {
    const sent = this.sent.get(name)
    if (sent === undefined) return
    sent.answerTimes.push(microseconds())
    this.#change(sent, () => sent.answers.push(answer))
  }

  deliver(name: string, to: Incarnation, time: number): void {
    const sent = this.sent.get(name)
    if (sent !== undefined) this.#change(sent, () => sent.deliveries.push({ time, to }))
  }

  return(name: string): void {
    const sent = this.sent.get(name)
    if (sent !== undefined) sent.returned = true
    this.#lastChange = microseconds()
  }

  ask(name: string, by: Incarnation): void {
    this.asked.set(name, { name, by, left: false, replied: false, passage: undefined, answeredTo: [] })
  }

  /** At the tap: a request has left Switchyard under the id `token`. */
  askLeft(name: string, token: string): void {
    const asked = this.asked.get(name)
    if (asked !== undefined) asked.left = true
    this.#tokens.set(token, name)
  }

  /** At the tap: a reply to the request with the id `token` comes. */
  askReplied(token: string, passage?: Passage): void {
    const name = this.#tokens.get(token)
    const asked = name === undefined ? undefined : this.asked.get(name)
    if (asked !== undefined) {
      asked.replied = true
      asked.passage = passage
    }
    this.#tokens.delete(token)
    this.#lastChange = microseconds()
  }

  askAnswered(name: string, to: Incarnation): void {
    this.asked.get(name)?.answeredTo.push(to)
    this.#lastChange = microseconds()
  }

  #change(sent: Sent, change: () => void, added = 0): void {
    const before = isSettled(sent)
    change()
    this.#outstanding += added
    if (!before && isSettled(sent)) this.#outstanding--
    this.#lastChange = microseconds()
  }
}

/** A request ends with its answer, anything else with a delivery or a bounce. */
export function isSettled({ name, deliveries, answers }: Sent): boolean {
  const { kind } = parseName(name)
  return answers.length > 0 || (deliveries.length > 0 && kind !== 'get' && kind !== 'set')
}

export const isRequest = (name: string): boolean => kinds.indexOf(parseName(name).kind) >= 2
