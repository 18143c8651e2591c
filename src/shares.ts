import type { Move } from '../balancing/buckets.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { type Log, logEvent } from './log.ts'
import { Awaited, BEHIND_ESTATES } from './moving.ts'
import type { Redelivery } from './redelivery.ts'
import type { Router } from './router.ts'
import type { Mapping } from './snapshot.ts'
import { type Slab, StanzaQueue } from './stream/queue.ts'
import { predecessorsOf } from './succession.ts'

export interface SharesParts {
  readonly router: Router
  readonly redelivery: Redelivery
  readonly log: Log
}

/**
 * How long those who had a share may take to confirm before it is given to another, in milliseconds: longer than one that
 * hangs is left to live (`watch.ts`), as what it has unconfirmed must come first.
 */
const HANDOVER_MILLISECONDS = 16_000
/** How long one that has left another node may take: what it was sent may wait there for two more that hang. */
const DEPARTURE_MILLISECONDS = 60_000

/**
 * Moves what waits when a share, of buckets or of keys, changes hands: nothing overtakes what went to whoever had it
 * before. Every change is complete, queue and all, before the next stanza is read.
 */
export class Shares {
  readonly #parts: SharesParts
  /** Of those that have left other nodes. */
  readonly #ends = new WeakMap<Instance, Promise<void>>()

  constructor(parts: SharesParts) {
    this.#parts = parts
  }

  /** Lets go what is held for an instance that is there now. */
  release(domain: DomainRoutes): void {
    for (const place of domain.hold.places()) {
      const isOld = ({ since, ticket }: Slab): boolean => domain.takerOf(place, since, ticket?.hops) !== undefined
      const queue = domain.isServed(place) ? domain.hold.take(place) : domain.hold.takePassedOn(place, isOld)
      if (queue === undefined) continue
      const { stanzas, bytes } = queue
      this.#parts.router.reroute(domain, queue)
      logEvent(this.#parts.log, 'hold-released', { domain: domain.name, place, stanzas, bytes })
    }
  }

  /**
   * What dead nodes had read begins to be handed out, and what is held and was read here comes after it; or all of it has
   * gone on, or waits where the rest is to wait, too.
   */
  inheriting(domain: DomainRoutes, isBegun: boolean): void {
    domain.moving.isInheriting = isBegun
    const held = isBegun ? this.#takeHeld(domain) : [domain.hold.take(BEHIND_ESTATES) ?? new StanzaQueue()]
    if (!isBegun) this.release(domain)
    for (const queue of held) this.#parts.router.reroute(domain, queue)
  }

  #takeHeld(domain: DomainRoutes): readonly StanzaQueue[] {
    return domain.hold.places().flatMap((place) => domain.hold.take(place) ?? [])
  }

  /** The domain's policy has changed: `begin`, and all that follows from it. */
  redistribute(domain: DomainRoutes, before: Mapping | undefined): void {
    this.begin(domain, before)()
  }

  /**
   * Who has which keys has changed. From now on only the keys of another instance than before wait for the one that had
   * them; where that is not known of each, all keys wait for all. What is called then gives what instances have not been
   * handed, and what is held, to whom it is for now.
   * @param before whom the keys were for
   */
  begin(domain: DomainRoutes, before: Mapping | undefined): () => void {
    const laden = this.laden(domain)
    const handover = before && domain.mapping && domain.handovers.begin(before, laden)
    if (handover === undefined) domain.handovers.freeze()
    return () => {
      // By places that may mean something else now.
      const held = this.#takeHeld(domain)
      this.shareAnew(domain, true)
      for (const queue of held) this.#parts.router.reroute(domain, queue)
      if (handover === undefined) {
        this.confirmed(laden).then(() => {
          domain.handovers.thaw()
          this.release(domain)
        })
        return
      }
      for (const instance of laden) {
        this.confirmed([instance]).then(() => {
          domain.handovers.passed(handover, instance)
          this.release(domain)
        })
      }
    }
  }

  /**
   * Instances take their shares. What others had of those and have not been written goes to them, and what comes next
   * waits until the others have confirmed what they were written.
   * @param heirs who takes what was an instance's that is gone: those that left before, and have not confirmed yet, may
   *   have had it, too
   * @param leavers how many are instances no more
   */
  take(
    domain: DomainRoutes,
    newcomers: readonly Instance[],
    moves: readonly Move[],
    heirs: readonly Instance[] = [],
    leavers = 0,
  ): void {
    if (domain.isBounded && newcomers.length + leavers > 0) return this.redistribute(domain, undefined)
    const taken = moves.filter(({ from }) => from !== undefined)
    for (const { from, bucket, to } of taken) {
      logEvent(this.#parts.log, 'bucket-moved', { domain: domain.name, bucket, from, to })
    }
    if (taken.length === 0 && !domain.ranks && domain.departing.size === 0) return
    const laden = this.laden(domain)
    const departed = laden.filter((instance) => domain.departing.has(instance))
    this.#keepBack(domain, newcomers, laden)
    this.#keepBack(domain, heirs, departed)
    // What waits for another whose share this one takes waits for this one, before anything newer does.
    const held = this.takeMoving(domain)
    this.shareAnew(domain)
    for (const queue of held) this.#parts.router.reroute(domain, queue)
  }

  #keepBack(domain: DomainRoutes, instances: readonly Instance[], until: readonly Instance[]): void {
    if (instances.length === 0 || until.length === 0) return
    const awaited = new Awaited(until.map((one) => [one, one.stream.outbox.newestHanded] as const))
    const waits = instances.map((instance) => domain.keepBack(instance, awaited))
    for (const one of until) {
      this.#ended(domain, one).then(() => {
        awaited.end(one)
        if (awaited.isOver) for (const wait of waits) domain.moving.end(wait)
        this.release(domain)
      })
    }
  }

  /**
   * As `confirmed`; but what went to an instance that has left another node is that node's to pass on, and ends there, be
   * it by a bounce: that is waited for, once, whoever takes its share by then.
   */
  #ended(domain: DomainRoutes, one: Instance): Promise<void> {
    if (!domain.departing.has(one)) return this.confirmed([one])
    const known = this.#ends.get(one)
    if (known !== undefined) return known
    const { name, stream } = one
    const ended = stream.outbox.passed(DEPARTURE_MILLISECONDS).then((hasPassed) => {
      if (hasPassed) return
      logEvent(this.#parts.log, 'handover-expired', {
        ...{ domain: domain.name, instance: name, stanzas: stream.outbox.stanzas },
      })
    })
    this.#ends.set(one, ended)
    return ended
  }

  /**
   * Nothing new goes to an instance whose stream has ended. To whom its share is for now go, in this order: what it had
   * not confirmed, what it had not been written, and what came while shares were moving.
   * @param handOver takes it out of the routing table
   */
  moveAway(domain: DomainRoutes, instance: Instance, handOver: () => void): void {
    // What waits here for one of its name to be read goes elsewhere now, behind what that one has not confirmed.
    for (const old of predecessorsOf(domain, instance)) old.stream.close('conflict', 'its successor has left')
    const { outbox } = instance.stream
    const isConfirming = outbox.isConfirming
    const sent = outbox.detach()
    domain.departing.delete(instance)
    const held = this.takeMoving(domain)
    const isBounded = domain.isBounded && domain.members.get(instance.name) === instance
    handOver()
    // What waits for the new place of its key waits behind all this.
    const settle = isBounded ? this.begin(domain, undefined) : undefined
    if (isConfirming) this.#parts.redelivery.redeliver(domain, instance, sent, !instance.isLeaving)
    else domain.counters.dropped('lost_in_flight', sent.drop())
    this.#parts.router.reroute(domain, outbox.take(), instance)
    settle?.()
    for (const queue of held) this.#parts.router.reroute(domain, queue)
  }

  /** Takes one out of the routing table that has confirmed all. Within a bound that moves keys of the others, too. */
  handOver(domain: DomainRoutes, leave: () => void): void {
    leave()
    if (domain.isBounded) this.redistribute(domain, undefined)
  }

  /**
   * Another node is gone, and with it the way to one of its instances. What that had not confirmed goes to whom it is for
   * now, then what had not been sent there; its unanswered requests are answered, or asked again.
   */
  takeBack(domain: DomainRoutes, gone: Instance): void {
    this.passBack(domain, gone)
    this.settleRequests(domain, gone)
  }

  /** The stanzas of `takeBack`. */
  passBack(domain: DomainRoutes, gone: Instance): void {
    const { outbox } = gone.stream
    // No stanza can have been the cause.
    this.#parts.redelivery.redeliver(domain, gone, outbox.detach(), false)
    this.#parts.router.reroute(domain, outbox.take(), gone)
  }

  /** Answers what an instance of another node was asked before that time, and nothing more was heard of. */
  expireRequests(domain: DomainRoutes, instance: Instance, before: number): void {
    for (let old = instance.requests.takeOlderThan(before); old; old = instance.requests.takeOlderThan(before)) {
      this.#parts.router.giveUp(domain, old)
    }
  }

  /** Answers what an instance that is gone was asked, or asks another. Returns how many were answered. */
  settleRequests(domain: DomainRoutes, gone: Instance): number {
    let bounced = 0
    for (const request of gone.requests.takeAll()) {
      if (request.bytes !== undefined) this.#parts.router.retry(domain, request, request.bytes)
      else {
        this.#parts.router.giveUp(domain, request)
        bounced++
      }
    }
    return bounced
  }

  /** Takes what is held only until its place has changed hands; it is newer than anything that an instance has of its keys. */
  takeMoving(domain: DomainRoutes): readonly StanzaQueue[] {
    const places = domain.hold.places().filter((place) => domain.isMoving(place))
    return places.flatMap((place) => domain.hold.take(place) ?? [])
  }

  /** Those that have been given what they have not confirmed. */
  laden(domain: DomainRoutes): readonly Instance[] {
    const laden: Instance[] = []
    for (const instance of domain.members.values()) if (instance.stream.outbox.stanzas > 0) laden.push(instance)
    for (const instance of domain.departing) if (instance.stream.outbox.stanzas > 0) laden.push(instance)
    return laden
  }

  /** Resolves when these have confirmed all that they have been given by now, or have had their time. */
  async confirmed(laden: readonly Instance[]): Promise<void> {
    await Promise.all(laden.map(({ stream }) => stream.outbox.passed(HANDOVER_MILLISECONDS)))
  }

  /**
   * What instances have not been handed goes to whom it is for now.
   * @param isTheirs what other nodes have given to an instance of this one stays with it: they wait for that themselves,
   *   and what they send meanwhile goes there, too. So does what this node, which parts from the others, has for them:
   *   alone it may have nobody for it
   */
  shareAnew(domain: DomainRoutes, isTheirs = false): void {
    // Only another node can have given anything to one that is kept back; whoever it waits for may be waiting for that.
    const leaves = (one: Instance) => isTheirs && one.node !== undefined && domain.departing.has(one)
    const laden = this.laden(domain).filter((one) => !domain.moving.isKeptBack(one) && !leaves(one))
    const queues = laden.map((instance) => {
      const { outbox } = instance.stream
      const queue = outbox.take()
      if (isTheirs && instance.node === undefined) outbox.requeue(queue.takeOthers())
      return { instance, queue }
    })
    for (const { instance, queue } of queues) this.#parts.router.reroute(domain, queue, instance)
  }
}
