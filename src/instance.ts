import type { DomainCounters } from './counters.ts'
import { Histogram, iqBounds } from './histogram.ts'
import type { Presences } from './presences.ts'
import { Requests } from './requests.ts'
import type { Outbox, Source } from './stream/outbox.ts'
import type { Standstill } from './stream/standstill.ts'
import type { StreamHandler } from './stream/stream.ts'
import type { Head } from './xmpp/head.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

/**
 * `joining`: authenticated, not yet in the routing table. `active`: takes stanzas. `spare`: waits for a bucket.
 * `stalled`: reads nothing, so what is for it is held. `suspect`: owes an answer to a ping, so it gets no new bucket.
 * `draining`: gets nothing new, and will be closed. `unconfirmed`: active, but answers no pings, so served at most once.
 */
export const instanceStates = ['joining', 'active', 'spare', 'stalled', 'suspect', 'draining', 'unconfirmed'] as const
export type InstanceState = (typeof instanceStates)[number]

/** What a new value weighs in a mean of the last ones: after sixteen, two thirds are of these. */
const SMOOTHING = 1 / 16

/** The gateway's clock moves in steps, so one value says little and a mean much. */
function smoothed(mean: number | undefined, value: number): number {
  return mean === undefined ? value : mean + (value - mean) * SMOOTHING
}

/** What an instance's domain is to it. */
export interface Home {
  readonly name: string
  /** Whether the bytes `buffer[start, end)` are its name. */
  isNamed(buffer: Buffer, start: number, end: number): boolean
  readonly counters: DomainCounters
  readonly presences: Presences
  readonly config: {
    readonly retry_get: boolean
    readonly presence_repair_seconds: number
    readonly delivery: string
  }
}

/** An instance's stream: its own, or the way to the node that has it. */
export interface InstanceStream extends Source {
  readonly outbox: Outbox
  /** Where it comes from, for people. */
  readonly remote: string
  readonly isOpen: boolean
  /** Nothing is read from it: what it may have answered is not known. */
  readonly isPaused: boolean
  close(condition?: StreamCondition, text?: string): void
  end(): void
}

/** What an instance's stream leads to. */
export interface InstanceOwner {
  opened(instance: Instance): void
  fromInstance(instance: Instance, head: Head): void
  footer(instance: Instance): void
  left(instance: Instance, condition: StreamCondition | undefined, clean: boolean): void
}

/** One authenticated stream of a component process, here or at another node. */
export class Instance implements StreamHandler {
  readonly domain: Home
  readonly name: string
  readonly stream: InstanceStream
  /** The node that has its stream; undefined for this one. */
  readonly node: string | undefined
  /** What the tokens of its requests begin with: says where the reply goes. */
  readonly route: string
  /** When it joined, as milliseconds since 1970. */
  readonly since: number
  readonly requests = new Requests()
  readonly #owner: InstanceOwner
  /** How long its answers took, those that were timed; made with the first. */
  answerSeconds: Histogram | undefined
  state: InstanceState = 'joining'
  bucket: number | undefined
  /** It has answered a barrier at least once: silence means that it hangs. */
  hasConfirmed = false
  /** It is served at most once, as it has answered no barrier in time. */
  isUnconfirmed = false
  /** When it joined, in this node's monotonic milliseconds. */
  joinedAt = Number.NEGATIVE_INFINITY
  /** When it could last be heard, in the clock's milliseconds: what it says while we do not read is not its silence. */
  heardAt = 0
  /** What it takes to confirm what it was sent: a mean of the last times, in milliseconds; undefined before the first. */
  confirmsIn: number | undefined
  /** Its stream is being closed for a reason that is not its death. */
  isLeaving = false
  /** It has sent a stanza that must be refused with `policy-violation` the next time. */
  warned = false
  readonly standstill: Standstill = { progress: 0, since: undefined }
  #isUnread = false

  constructor(
    owner: InstanceOwner,
    domain: Home,
    stream: InstanceStream,
    identity: { readonly name: string; readonly route: string; readonly node?: string },
    since: number,
  ) {
    this.#owner = owner
    this.domain = domain
    this.stream = stream
    this.name = identity.name
    this.route = identity.route
    this.node = identity.node
    this.since = since
  }

  /** It took so long to answer a request, in seconds, by an exact clock. */
  timed(seconds: number): void {
    this.answerSeconds ??= new Histogram(iqBounds)
    this.answerSeconds.observe(seconds)
    this.domain.counters.answerSeconds.observe(seconds)
  }

  opened(): void {
    this.#owner.opened(this)
  }
  /** Nothing of it is read until `read` is called. */
  keepUnread(): void {
    this.#isUnread = true
    this.stream.pause()
  }
  /** The reverse of `keepUnread`; of one that is read, nothing. */
  read(): void {
    if (this.#isUnread) this.stream.resume()
    this.#isUnread = false
  }
  /** It has answered a barrier. */
  confirm(barrier: number): void {
    this.hasConfirmed = true
    const took = this.stream.outbox.confirm(barrier)
    if (took !== undefined) this.confirmsIn = smoothed(this.confirmsIn, took)
  }

  stanza(head: Head): void {
    this.#owner.fromInstance(this, head)
  }
  footer(): void {
    this.#owner.footer(this)
  }
  closed(condition: StreamCondition | undefined, clean: boolean): void {
    this.#owner.left(this, condition, clean)
  }
}
