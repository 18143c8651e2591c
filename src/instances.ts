import { createHash } from 'node:crypto'
import { replayAdverts } from './advertising.ts'
import type { Clock } from './clock.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { Instance, type InstanceOwner } from './instance.ts'
import { type Log, logEvent } from './log.ts'
import type { Registry } from './registry.ts'
import { routeFrom } from './replies.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { Shares } from './shares.ts'
import type { AcceptedDomain, Credential } from './stream/accept.ts'
import type { Barriers } from './stream/barriers.ts'
import type { Stream } from './stream/stream.ts'
import type { Head } from './xmpp/head.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

export interface InstancesParts {
  readonly node: string
  readonly routes: Routes
  readonly router: Router
  readonly shares: Shares
  readonly registry: () => Registry
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
      credential.instance === undefined || credential.secret === undefined
        ? this.#parts.randomBytes(10)
        : stableBytes(domain.name, name, credential.secret),
    )
    if (domain.isTaken(name) && config.on_conflict === 'refuse') return 'conflict'
    const instance = new Instance(this, domain, stream, { name, route }, this.#parts.now())
    stream.outbox.limit += config.hold.bytes
    const { shaper } = accepted
    stream.shape(
      () => domain.config.shaper ?? shaper,
      () => domain.counters.shaped++,
    )
    this.#homes.set(instance, domain)
    return instance
  }

  /** All whose streams are open, those that are leaving too. */
  get all(): ReadonlyMap<Instance, DomainRoutes> {
    return this.#homes
  }

  opened(instance: Instance): void {
    const domain = this.#domainOf(instance)
    instance.joinedAt = this.#parts.clock.now
    this.#parts.routes.register(instance)
    if (domain.config.delivery !== 'at_most_once') this.#confirm(domain, instance)
    this.#parts.registry().join(domain, instance)
  }

  /** An instance has its place in the routing table. */
  seated(domain: DomainRoutes, instance: Instance): void {
    replayAdverts(this.#parts.router, domain, instance)
    this.#parts.joined(domain.name)
    logEvent(this.#parts.log, 'instance-joined', {
      domain: domain.name,
      instance: instance.name,
      bucket: instance.bucket,
      state: instance.state,
      remote: instance.stream.remote,
    })
    this.#parts.shares.release(domain)
  }

  fromInstance(instance: Instance, head: Head): void {
    const condition = this.#parts.router.fromInstance(instance, head)
    if (condition !== undefined) instance.stream.close(condition)
  }

  footer(instance: Instance): void {
    this.#parts.drains.goodbye(this.#domainOf(instance), instance)
  }

  left(instance: Instance, condition: StreamCondition | undefined, clean: boolean): void {
    const { routes, shares, registry, log } = this.#parts
    const domain = this.#domainOf(instance)
    const { outbox } = instance.stream
    if (clean) outbox.settle()
    // First of all: what is bounced on the way must not find its way back here.
    routes.unregister(instance)
    shares.moveAway(domain, instance, () => registry().leave(domain, instance))
    this.#homes.delete(instance)
    const number = Number(instance.name.slice(instance.name.lastIndexOf('/') + 1))
    this.#lowestFree.set(domain, Math.min(number || 1, this.#lowestFree.get(domain) ?? 1))
    const unanswered = instance.requests.size
    const bounced = shares.settleRequests(domain, instance)
    domain.counters.deliveredToGone += outbox.delivered
    domain.presences.orphan(instance, this.#parts.clock.now)
    shares.release(domain)
    logEvent(log, 'instance-left', { domain: domain.name, instance: instance.name, condition, unanswered, bounced })
  }

  /** Closes instances that could not authenticate under their name any more. */
  closeUnauthorised(domain: DomainRoutes): void {
    const { instances } = domain.config
    for (const instance of [...domain.members.values(), ...domain.joining.values()]) {
      if (instance.node !== undefined) continue
      const isNamed = !instance.name.includes('/')
      const stays = instances === undefined ? !isNamed : instances.has(instance.name)
      if (!stays) instance.stream.close('reset', 'the configuration has changed: authenticate again')
    }
  }

  /** The first barrier comes at once: its answer says that the instance confirms at all. */
  #confirm(domain: DomainRoutes, instance: Instance): void {
    const { outbox } = instance.stream
    outbox.confirmBy(this.#parts.barriers(domain.name))
    outbox.flush()
    outbox.probe()
  }

  /** An instance answers no more, for now. */
  sideline(domain: DomainRoutes, instance: Instance): void {
    this.#parts.registry().sideline(domain, instance)
  }

  /** A suspect instance answers again. */
  reinstate(domain: DomainRoutes, instance: Instance): void {
    this.#parts.registry().reinstate(domain, instance)
  }

  /** Takes an instance out of the routing table, and gives its share to whoever is next. */
  handOver(domain: DomainRoutes, instance: Instance): void {
    this.#parts.shares.handOver(domain, () => this.#parts.registry().leave(domain, instance))
  }

  rejoin(domain: DomainRoutes, instance: Instance): void {
    this.#parts.registry().join(domain, instance)
  }

  release(domain: DomainRoutes): void {
    this.#parts.shares.release(domain)
  }

  #domainOf(instance: Instance): DomainRoutes {
    const domain = this.#homes.get(instance)
    if (domain === undefined) throw new Error(`${instance.name} of ${instance.domain.name} has left already`)
    return domain
  }

  /** `node/1`, `node/2`, …: the lowest that is free. */
  #freeName(domain: DomainRoutes): string {
    let number = this.#lowestFree.get(domain) ?? 1
    while (domain.isTaken(this.#numbered(number))) number++
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
