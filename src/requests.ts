import type { Ticket } from './stream/queue.ts'
import type { Head } from './xmpp/head.ts'
import { decodeAttribute, fullText, normalise } from './xmpp/jid.ts'
import type { Envelope } from './xmpp/stanza-error.ts'

/** A request that an instance was given and has not answered. */
export interface Request {
  readonly envelope: Envelope
  /** When it was given, in milliseconds of the gateway's clock. */
  readonly since: number
  /** The stanza, where it may be sent once more. */
  readonly bytes: Buffer | undefined
  /** Of one that is kept elsewhere, too, until it has been answered. */
  readonly ticket: Ticket | undefined
  /** When it was given, by an exact clock: of the one that is timed. */
  readonly at: number | undefined
}

/** More unanswered requests than this, and an instance is given no more of them. */
export const MOST_REQUESTS = 100_000
/** The same for what they weigh: addresses, ids and the stanzas that are kept. */
export const MOST_REQUEST_BYTES = 16 * 1024 * 1024

/**
 * The iq requests that one instance was given and has not answered: whoever asked gets an answer even if the instance
 * dies. In order of age.
 */
export class Requests {
  /** Made with the first: most instances of many have none. */
  #byKey: Map<string, Request> | undefined
  #bytes = 0
  #isTiming = false

  get size(): number {
    return this.#byKey?.size ?? 0
  }
  get isFull(): boolean {
    return this.size >= MOST_REQUESTS || this.#bytes >= MOST_REQUEST_BYTES
  }

  /** Whether one of them is being timed: never two, so that a busy instance costs no more clock readings than another. */
  get isTiming(): boolean {
    return this.#isTiming
  }

  add(envelope: Envelope, now: number, bytes?: Buffer, ticket?: Ticket, at?: number): void {
    const key = keyOf(envelope.from, envelope.to, envelope.id)
    // One that is asked again is as young as its last asking: a map keeps the place of a key that it has.
    this.#take(key)?.ticket?.unasked?.()
    this.#byKey ??= new Map()
    ticket?.asked?.()
    this.#byKey.set(key, { envelope, since: now, bytes, ticket, at })
    if (at !== undefined) this.#isTiming = true
    this.#bytes += weight(key, bytes)
  }

  /** Forgets the request that the reply in `head` answers, and returns it; undefined if there is none. */
  answer(head: Head): Request | undefined {
    const to = head.text(head.toStart, head.toEnd)
    const from = head.text(head.fromStart, head.fromEnd)
    return this.#end(keyOf(to, from, head.text(head.idStart, head.idEnd)))
  }

  /** Another node says that it is over with a request that was passed on to it. */
  answeredElsewhere(key: string): void {
    this.#end(key)
  }

  /** Forgets a request that goes elsewhere, or ends. False when it was not waiting for an answer any more. */
  forget(envelope: Envelope): boolean {
    const request = this.#take(keyOf(envelope.from, envelope.to, envelope.id))
    request?.ticket?.unasked?.()
    return request !== undefined
  }

  /** Takes the oldest request if it was given before `time`. */
  takeOlderThan(time: number): Request | undefined {
    // Asked of every instance with every tick: of most there is nothing to take.
    if (this.#byKey === undefined || this.#byKey.size === 0) return undefined
    const oldest = this.#byKey.entries().next()
    if (oldest.done || oldest.value[1].since >= time) return undefined
    return this.#end(oldest.value[0])
  }

  /** Takes all that is left. */
  *takeAll(): IterableIterator<Request> {
    for (;;) {
      const request = this.takeOlderThan(Number.POSITIVE_INFINITY)
      if (request === undefined) return
      yield request
    }
  }

  /** Takes a request whose answer has come, or is made here: whoever passed it on is told. */
  #end(key: string): Request | undefined {
    const request = this.#take(key)
    request?.ticket?.answered?.(key)
    return request
  }

  #take(key: string): Request | undefined {
    const request = this.#byKey?.get(key)
    if (request === undefined) return undefined
    this.#byKey?.delete(key)
    if (request.at !== undefined) this.#isTiming = false
    this.#bytes -= weight(key, request.bytes)
    return request
  }
}

function weight(key: string, bytes: Buffer | undefined): number {
  return key.length + (bytes?.length ?? 0)
}

/** Which request the stanza in `head` is. */
export function requestKey(head: Head): string {
  const from = head.text(head.fromStart, head.fromEnd)
  const to = head.text(head.toStart, head.toEnd)
  return keyOf(from, to, head.text(head.idStart, head.idEnd))
}

/** RFC 6120 §8.1.3: an id is unique to who sends it, so requester and id say which request; `to` tells equal ones apart. */
function keyOf(requester: string | undefined, asked: string | undefined, id: string | undefined): string {
  return `${normal(requester)}\n${normal(asked)}\n${id?.includes('&') ? decodeAttribute(id) : (id ?? '')}`
}

/** A library may write an address in its normal form that came in another, or an id between other quotes. */
function normal(address: string | undefined): string {
  if (address === undefined || /^[!-%'-.0-@[-~]*(?:\/[^&]*)?$/.test(address)) return address ?? ''
  const jid = normalise(decodeAttribute(address))
  return jid === undefined ? address : fullText(jid)
}
