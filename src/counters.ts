import { Histogram, iqBounds } from './histogram.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

/** What is told of one instance. */
export interface InstanceCounts {
  readonly name: string
  /** In stanzas. */
  readonly delivered: number
  readonly outboxBytes: number
  /** Null, or absent, where no weight decides anything. */
  readonly weight?: number | null
}

/**
 * Why a stanza was dropped: only where an answer is forbidden (RFC 6120 §8.3.1) or there is nobody to answer.
 * The words are the values of the label `reason` of `switchyard_stanzas_dropped_total`.
 */
export const dropReasons = {
  foreign_reply: 'an iq result or error that answers no request made through Switchyard',
  gone_asker: 'an iq result or error whose token names no live instance',
  error_bounce: 'undeliverable and of type error: never answered by another error',
  result_bounce: 'undeliverable iq result: never answered',
  presence_bounce: 'undeliverable presence that does not join a room',
  headline_bounce: 'undeliverable message of type headline',
  lost_in_flight: 'written to a socket that died before it could be confirmed, and not to be sent again',
  loop: 'came back to where it had been sent from',
  unserved: 'from another node, for a domain that this node does not serve',
} as const
export type DropReason = keyof typeof dropReasons

/**
 * Why a stanza was bounced. The words are the values of the label `reason` of `switchyard_stanzas_bounced_total`;
 * its label `condition` is the stanza error that the sender got (RFC 6120 §8.3.3).
 */
export const bounceReasons = {
  unassigned: 'its bucket or domain has no instance',
  hold_expired: 'held for as long as the domain allows, and no instance came',
  hold_full: 'to be held, but the hold had its bytes',
  journal_full: 'to be written down, but twice cluster.inbox_bytes were on their way',
  link_down: 'waited for the link to its server for too long',
  link_full: 'the queue of a link that is down had its bytes',
  foreign_link: 'from a server, for a domain that has no link to that server',
  no_link: 'for a domain that is neither served here nor reached by a link',
  requests_full: 'a request for an instance that has not answered its last 100 000, or 16 MiB of them',
  stalled_full: 'its instance accepts nothing, and the hold had its bytes',
  instance_gone: 'written to an instance that died, and not to be sent again',
  no_to: 'no to attribute',
  quarantined: 'closed every instance that it was given to',
  invalid: 'an iq without id, of a bad type or with a wrong number of children, or an address that is none',
  shutdown: 'the node stopped',
  life_over: 'read by a node that was given up before it had handed it on; the next link may have brought later ones',
  hops: 'went from node to node in a circle: they do not agree on who is to have it',
} as const
export type BounceReason = keyof typeof bounceReasons

/** Why a connection to a listener was closed at once: the values of the label `reason` of `switchyard_connections_refused_total`. */
export const refusalReasons = {
  limit: 'as many connections as limits allow, in all or of its address',
  address: 'from an address that listen[].from does not have',
  rate: 'more in a second than limits.accepts_per_second',
  overload: 'the node has 80 % of limits.memory_bytes',
  clear_text: 'without TLS and not from this machine, with require_tls',
  tls: 'its TLS failed: none, too old, without a certificate of tls.ca, or not in time',
  proxy_header: 'without a header of the PROXY protocol, where there must be one, or with one that is wrong or late',
} as const
export type RefusalReason = keyof typeof refusalReasons

/** Where a stanza was read from: the values of the label `side` of `switchyard_stanzas_received_total`. */
export type Side = 'instance' | 'link' | 'node' | 'self' | 'store'

/**
 * What one domain has counted since the node started. Plain numbers: the stanza path adds, the scrape reads.
 *
 * Every stanza is counted once as received and ends in exactly one other count, so that at any moment
 * received = delivered + forwarded + bounced + dropped + held. What the live instances were delivered is counted by
 * them, and added to `deliveredToGone` as they leave.
 */
export class DomainCounters {
  receivedFromInstances = 0
  receivedFromLink = 0
  /** Forwarded to this node by another one. */
  receivedFromNodes = 0
  /** Made by Switchyard itself: bounces and the local router's answers. */
  receivedFromSelf = 0
  /** Held by an earlier life of this node, and found in the store. */
  receivedFromStore = 0
  deliveredToLink = 0
  /** Taken by the local router. */
  deliveredToSelf = 0
  /** The sum of what was delivered to instances that have left. */
  deliveredToGone = 0
  forwarded = 0
  /** How long the answers of its instances took, those that were timed. */
  readonly answerSeconds = new Histogram(iqBounds)
  /** How often an instance of this node became suspect. */
  suspected = 0
  /** How often its link was ended with something unread (`Link.tenure`). */
  linksUnread = 0
  /** How often an instance was not read for a while, as it had sent faster than its shaper lets it. */
  shaped = 0
  readonly #bounced = new Map<string, Map<BounceReason, number>>()
  readonly #dropped = new Map<DropReason, number>()

  /** Counts a bounce. `condition` is the element name of a stanza error, e.g. `recipient-unavailable`; never free text. */
  bounced(condition: string, reason: BounceReason): void {
    let byReason = this.#bounced.get(condition)
    if (byReason === undefined) {
      byReason = new Map()
      this.#bounced.set(condition, byReason)
    }
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1)
  }

  dropped(reason: DropReason, count = 1): void {
    if (count > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count)
  }

  /** The bounces so far; a pair of condition and reason that has not happened is absent. */
  *bounces(): IterableIterator<{ readonly condition: string; readonly reason: BounceReason; readonly count: number }> {
    for (const [condition, byReason] of this.#bounced) {
      for (const [reason, count] of byReason) yield { condition, reason, count }
    }
  }

  /** The drops so far; a reason that has not happened is absent. */
  *drops(): IterableIterator<{ readonly reason: DropReason; readonly count: number }> {
    for (const [reason, count] of this.#dropped) yield { reason, count }
  }

  get receivedTotal(): number {
    const received = this.receivedFromInstances + this.receivedFromLink + this.receivedFromNodes
    return received + this.receivedFromSelf + this.receivedFromStore
  }

  get bouncedTotal(): number {
    let total = 0
    for (const { count } of this.bounces()) total += count
    return total
  }

  get droppedTotal(): number {
    let total = 0
    for (const { count } of this.drops()) total += count
    return total
  }

  /** What was delivered to anything but a live instance; those count their own. */
  get deliveredElsewhere(): number {
    return this.deliveredToLink + this.deliveredToSelf + this.deliveredToGone
  }
}

/** Stream errors by condition (RFC 6120 §4.9.3), sent and received, on streams and links alike. */
export class StreamErrorCounters {
  readonly #byCondition = new Map<StreamCondition, number>()

  /** What a peer invents is not among the conditions: the caller counts it as `undefined-condition`. */
  count(condition: StreamCondition): void {
    this.#byCondition.set(condition, (this.#byCondition.get(condition) ?? 0) + 1)
  }

  *entries(): IterableIterator<{ readonly condition: StreamCondition; readonly count: number }> {
    for (const [condition, count] of this.#byCondition) yield { condition, count }
  }
}
