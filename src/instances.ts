import { createHash } from 'node:crypto'
import type { DomainRoutes } from './domain-routes.ts'
import { ANY_INSTANCE } from './hold.ts'
import { Instance, type InstanceOwner } from './instance.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import { routeFrom } from './replies.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { AcceptedDomain, Credential } from './stream/accept.ts'
import type { Stream } from './stream/stream.ts'
import type { Head } from './xmpp/head.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

export interface InstancesParts {
  readonly node: string
  readonly routes: Routes
  readonly router: Router
  readonly log: Log
  readonly randomBytes: (count: number) => Uint8Array
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Resolves with the next tick. */
  readonly tick: () => Promise<void>
  /** An instance of this domain is there: its link is wanted. */
  readonly joined: (domain: string) => void
}

/** An instance that said goodbye gets this long to read what its socket had been handed, in milliseconds. */
const GOODBYE_MILLISECONDS = 5000

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
    if (old === undefined) this.#join(domain, instance)
    else this.#replace(domain, instance, old)
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

  /** The instance has ended its stream in order: nothing new for it, but it may read what is on its way. */
  footer(instance: Instance): void {
    const domain = this.#domainOf(instance)
    instance.state = 'draining'
    this.#moveAway(domain, instance)
    instance.stream.outbox.drained(GOODBYE_MILLISECONDS).then(() => instance.stream.close())
  }

  left(instance: Instance, condition: StreamCondition | undefined): void {
    const { routes, router, log } = this.#parts
    const domain = this.#domainOf(instance)
    const { outbox } = instance.stream
    domain.counters.dropped('lost_in_flight', outbox.detach().stanzas)
    this.#moveAway(domain, instance)
    routes.unregister(instance)
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
    logEvent(log, 'instance-left', { domain: domain.name, instance: instance.name, condition, unanswered, bounced })
  }

  /** Lets go what is held for an instance that is there now. */
  release(domain: DomainRoutes): void {
    if (domain.members.size === 0) return
    const spills = domain.config.when_unassigned === 'spill'
    for (const place of domain.hold.places()) {
      if (!spills && place !== ANY_INSTANCE && domain.holders[place] === undefined) continue
      const queue = domain.hold.take(place)
      if (queue === undefined) continue
      const { stanzas, bytes } = queue
      this.#parts.router.reroute(domain, queue)
      logEvent(this.#parts.log, 'hold-released', { domain: domain.name, bucket: place, stanzas, bytes })
    }
  }

  /** The domain's policy has changed: what its instances have not been handed goes to whom it is for now. */
  redistribute(domain: DomainRoutes): void {
    this.#shareAnew(domain)
    for (const place of domain.hold.places()) {
      const queue = domain.hold.take(place)
      if (queue !== undefined) this.#parts.router.reroute(domain, queue)
    }
  }

  /** Resolves when no instance owes an answer, or at the deadline (in `performance.now()` milliseconds). */
  async answered(deadline: number): Promise<void> {
    const owing = (): boolean => [...this.#homes.keys()].some(({ requests }) => requests.size > 0)
    while (owing() && performance.now() < deadline) await this.#parts.tick()
  }

  /** Closes every stream once it has taken what is for it, or at the deadline. */
  async closeAll(condition: StreamCondition, deadline: number): Promise<void> {
    const emptied = [...this.#homes.keys()].map(async (instance) => {
      await instance.stream.outbox.drained(deadline - performance.now())
      instance.stream.close(condition)
    })
    await Promise.all(emptied)
  }

  #join(domain: DomainRoutes, instance: Instance): void {
    const taken = domain.join(instance).filter(({ from }) => from !== undefined)
    for (const { from, bucket, to } of taken) {
      logEvent(this.#parts.log, 'bucket-moved', { domain: domain.name, bucket, from, to })
    }
    // What waits for others may be the new one's now: it goes before what comes next.
    if (taken.length > 0 || domain.ranks) this.#shareAnew(domain)
  }

  #shareAnew(domain: DomainRoutes): void {
    const laden = [...domain.members.values()].filter(({ stream }) => stream.outbox.stanzas > 0)
    const queues = laden.map((instance) => ({ instance, queue: instance.stream.outbox.take() }))
    for (const { instance, queue } of queues) this.#parts.router.reroute(domain, queue, instance)
  }

  /** A second stream under a name: the new one has the bucket, then what the old one had not been handed, then the rest. */
  #replace(domain: DomainRoutes, instance: Instance, old: Instance): void {
    domain.replace(instance)
    old.stream.close('conflict', `another stream is now ${escapeForLog(instance.name)}`)
  }

  #moveAway(domain: DomainRoutes, instance: Instance): void {
    for (const { bucket, from, to } of domain.leave(instance)) {
      const code = to === undefined ? 'bucket-unassigned' : 'bucket-moved'
      logEvent(this.#parts.log, code, { domain: domain.name, bucket, from, to })
    }
    this.#parts.router.reroute(domain, instance.stream.outbox.take(), instance)
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
