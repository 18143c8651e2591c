import { createHash } from 'node:crypto'
import type { Move } from '../balancing/buckets.ts'
import type { Clock } from './clock.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { Instance, type InstanceOwner } from './instance.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import type { Redelivery } from './redelivery.ts'
import { routeFrom } from './replies.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { AcceptedDomain, Credential } from './stream/accept.ts'
import type { Barriers } from './stream/barriers.ts'
import type { StanzaQueue } from './stream/queue.ts'
import type { Stream } from './stream/stream.ts'
import type { Head } from './xmpp/head.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

export interface InstancesParts {
  readonly node: string
  readonly routes: Routes
  readonly router: Router
  readonly redelivery: Redelivery
  readonly drains: { goodbye(domain: DomainRoutes, instance: Instance): void }
  /** The barriers of a new stream of a domain. */
  readonly barriers: (domain: string) => Barriers
  readonly clock: Clock
  readonly log: Log
  readonly randomBytes: (count: number) => Uint8Array
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** An instance of this domain is there: its link is wanted. */
  readonly joined: (domain: string) => void
}

/**
 * How long those who had a share may take to confirm before it is given to another, in milliseconds: longer than one that
 * hangs is left to live (`watch.ts`), as what it has unconfirmed must come first.
 */
const HANDOVER_MILLISECONDS = 16_000

/**
 * Instances come and go: names them, settles conflicts, keeps the routing table, and moves what waits. Every change of
 * who gets what is complete, queue and all, before the next stanza is read.
 */
export class Instances implements InstanceOwner {
  readonly #parts: InstancesParts
  readonly #homes = new Map<Instance, DomainRoutes>()
  /** No lower number is free in that domain. */
  readonly #lowestFree = new WeakMap<DomainRoutes, number>()

  constructor(parts: InstancesParts) {
    this.#parts = parts
  }

  /** Lets an authenticated stream in as an instance, or says why not. */
  admit(stream: Stream, accepted: AcceptedDomain, credential: Credential): Instance | StreamCondition {
    const domain = this.#parts.routes.domains.get(accepted.name)
    // It was there when the header came; a reload may have taken it away since.
    if (domain === undefined) return 'host-gone'
    if (this.#parts.router.isStopping) return 'system-shutdown'
    const { config } = domain
    const name = credential.instance ?? this.#freeName(domain)
    const route = routeFrom(
      credential.instance === undefined
        ? this.#parts.randomBytes(10)
        : stableBytes(domain.name, name, credential.secret),
    )
    if (domain.members.has(name) && config.on_conflict === 'refuse') return 'conflict'
    const instance = new Instance(this, domain, stream, { name, route }, this.#parts.now())
    stream.outbox.limit += config.hold.bytes
    this.#homes.set(instance, domain)
    return instance
  }

  /** All whose streams are open, those that are leaving too. */
  get all(): ReadonlyMap<Instance, DomainRoutes> {
    return this.#homes
  }

  opened(instance: Instance): void {
    const domain = this.#domainOf(instance)
    const old = domain.members.get(instance.name)
    this.#parts.routes.register(instance)
    if (domain.config.delivery === 'at_least_once') this.#confirm(domain, instance)
    if (old === undefined) this.#take(domain, instance, domain.join(instance))
    else this.#replace(domain, instance, old)
    this.#parts.router.replayAdverts(domain, instance)
    this.#parts.joined(domain.name)
    logEvent(this.#parts.log, 'instance-joined', {
      domain: domain.name,
      instance: instance.name,
      bucket: instance.bucket,
      state: instance.state,
      remote: instance.stream.remote,
    })
    this.release(domain)
  }

  fromInstance(instance: Instance, head: Head): void {
    const condition = this.#parts.router.fromInstance(instance, head)
    if (condition !== undefined) instance.stream.close(condition)
  }

  footer(instance: Instance): void {
    this.#parts.drains.goodbye(this.#domainOf(instance), instance)
  }

  left(instance: Instance, condition: StreamCondition | undefined, clean: boolean): void {
    const { routes, router, log } = this.#parts
    const domain = this.#domainOf(instance)
    const { outbox } = instance.stream
    if (clean) outbox.settle()
    // First of all: what is bounced on the way must not find its way back here.
    routes.unregister(instance)
    this.moveAway(domain, instance)
    this.#homes.delete(instance)
    const number = Number(instance.name.slice(instance.name.lastIndexOf('/') + 1))
    this.#lowestFree.set(domain, Math.min(number || 1, this.#lowestFree.get(domain) ?? 1))
    const unanswered = instance.requests.size
    let bounced = 0
    for (const request of instance.requests.takeAll()) {
      if (request.bytes !== undefined) router.retry(domain, request, request.bytes)
      else {
        router.giveUp(domain, request)
        bounced++
      }
    }
    domain.counters.deliveredToGone += outbox.delivered
    domain.presences.orphan(instance, this.#parts.clock.now)
    this.release(domain)
    logEvent(log, 'instance-left', { domain: domain.name, instance: instance.name, condition, unanswered, bounced })
  }

  /** Closes instances that could not authenticate under their name any more. */
  closeUnauthorised(domain: DomainRoutes): void {
    const { instances } = domain.config
    for (const instance of [...domain.members.values()]) {
      const isNamed = !instance.name.includes('/')
      const stays = instances === undefined ? !isNamed : instances.has(instance.name)
      if (!stays) instance.stream.close('reset', 'the configuration has changed: authenticate again')
    }
  }

  /** Lets go what is held for an instance that is there now. */
  release(domain: DomainRoutes): void {
    for (const place of domain.hold.places()) {
      if (!domain.isServed(place)) continue
      const queue = domain.hold.take(place)
      if (queue === undefined) continue
      const { stanzas, bytes } = queue
      this.#parts.router.reroute(domain, queue)
      logEvent(this.#parts.log, 'hold-released', { domain: domain.name, place, stanzas, bytes })
    }
  }

  /** The domain's policy has changed: what its instances have not been handed goes to whom it is for now. */
  redistribute(domain: DomainRoutes): void {
    const laden = this.#laden(domain)
    domain.freeze()
    const held = this.#takeMoving(domain)
    this.#shareAnew(domain)
    for (const queue of held) this.#parts.router.reroute(domain, queue)
    this.#confirmed(laden).then(() => {
      domain.thaw()
      this.release(domain)
    })
  }

  /** The first barrier comes at once: its answer says that the instance confirms at all. */
  #confirm(domain: DomainRoutes, instance: Instance): void {
    const { outbox } = instance.stream
    outbox.confirmBy(this.#parts.barriers(domain.name))
    outbox.flush()
    outbox.probe()
  }

  /** A suspect instance answers again. */
  reinstate(domain: DomainRoutes, instance: Instance): void {
    this.#take(domain, instance, domain.reinstate(instance))
    this.release(domain)
  }

  /**
   * An instance takes its share, of buckets or of keys. What others had of that and have not been written goes to it,
   * and what comes next waits until they have confirmed what they were written: nothing overtakes.
   */
  #take(domain: DomainRoutes, instance: Instance, moves: readonly Move[]): void {
    const taken = moves.filter(({ from }) => from !== undefined)
    for (const { from, bucket, to } of taken) {
      logEvent(this.#parts.log, 'bucket-moved', { domain: domain.name, bucket, from, to })
    }
    if (taken.length === 0 && !domain.ranks) return
    const laden = this.#laden(domain)
    if (laden.length > 0) domain.keepBack(instance)
    // What waits for another whose share this one takes waits for this one, before anything newer does.
    const held = this.#takeMoving(domain)
    this.#shareAnew(domain)
    for (const queue of held) this.#parts.router.reroute(domain, queue)
    if (laden.length === 0) return
    this.#confirmed(laden).then(() => {
      // Meanwhile it may have left, and another may have come by its name; or it is being drained.
      if (domain.members.get(instance.name) === instance && instance.state !== 'draining') domain.letGo(instance)
      this.release(domain)
    })
  }

  /** Takes what is held only until its place has changed hands; it is newer than anything that an instance has of its keys. */
  #takeMoving(domain: DomainRoutes): readonly StanzaQueue[] {
    const places = domain.hold.places().filter((place) => domain.isMoving(place))
    return places.flatMap((place) => domain.hold.take(place) ?? [])
  }

  #laden(domain: DomainRoutes): readonly Instance[] {
    const laden: Instance[] = []
    for (const instance of domain.members.values()) if (instance.stream.outbox.stanzas > 0) laden.push(instance)
    return laden
  }

  /** Resolves when these have confirmed all that they have been given by now, or have had their time. */
  async #confirmed(laden: readonly Instance[]): Promise<void> {
    await Promise.all(laden.map(({ stream }) => stream.outbox.passed(HANDOVER_MILLISECONDS)))
  }

  #shareAnew(domain: DomainRoutes): void {
    const queues = this.#laden(domain).map((instance) => ({ instance, queue: instance.stream.outbox.take() }))
    for (const { instance, queue } of queues) this.#parts.router.reroute(domain, queue, instance)
  }

  /** A second stream under a name: the new one has the bucket, then what the old one had not been handed, then the rest. */
  #replace(domain: DomainRoutes, instance: Instance, old: Instance): void {
    const place = domain.placeHeldBy(old)
    const held = place !== undefined && domain.isMoving(place) ? domain.hold.take(place) : undefined
    domain.replace(instance)
    old.isLeaving = true
    old.stream.close('conflict', `another stream is now ${escapeForLog(instance.name)}`)
    if (held !== undefined) this.#parts.router.reroute(domain, held)
  }

  /**
   * Nothing new goes to an instance. To whom its share is for now go, in this order: what it had not confirmed, what it
   * had not been written, and what came while shares were moving.
   */
  moveAway(domain: DomainRoutes, instance: Instance): void {
    const { outbox } = instance.stream
    const isConfirming = outbox.isConfirming
    const sent = outbox.detach()
    const held = this.#takeMoving(domain)
    this.handOver(domain, instance)
    if (isConfirming) this.#parts.redelivery.redeliver(domain, instance, sent, !instance.isLeaving)
    else domain.counters.dropped('lost_in_flight', sent.drop())
    this.#parts.router.reroute(domain, outbox.take(), instance)
    for (const queue of held) this.#parts.router.reroute(domain, queue)
  }

  /** Takes an instance out of the routing table, and gives its bucket to whoever is next. */
  handOver(domain: DomainRoutes, instance: Instance): void {
    for (const { bucket, from, to } of domain.leave(instance)) {
      const code = to === undefined ? 'bucket-unassigned' : 'bucket-moved'
      logEvent(this.#parts.log, code, { domain: domain.name, bucket, from, to })
    }
  }

  #domainOf(instance: Instance): DomainRoutes {
    const domain = this.#homes.get(instance)
    if (domain === undefined) throw new Error(`${instance.name} of ${instance.domain.name} has left already`)
    return domain
  }

  /** `node/1`, `node/2`, …: the lowest that is free. */
  #freeName(domain: DomainRoutes): string {
    let number = this.#lowestFree.get(domain) ?? 1
    while (domain.members.has(this.#numbered(number))) number++
    this.#lowestFree.set(domain, number)
    return this.#numbered(number)
  }

  #numbered(number: number): string {
    return `${this.#parts.node}/${number}`
  }
}

/** The same after a restart, so that a reply that comes late still finds its asker; not to be guessed without the secret. */
function stableBytes(domain: string, name: string, secret: string): Buffer {
  return createHash('sha256').update(`switchyard route\n${domain}\n${name}\n${secret}`, 'utf8').digest()
}
