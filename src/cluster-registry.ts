import type { Authority } from './agreement.ts'
import type { Incarnation } from './cluster/cluster-store.ts'
import type { DomainTable } from './cluster/domain-table.ts'
import { leaveInstance, reinstate, sideline } from './cluster/instance-wishes.ts'
import type { Wish } from './cluster/proposals.ts'
import type { InstanceRecord } from './cluster/records.ts'
import type { SharedTime } from './cluster/store-clock.ts'
import type { Table } from './cluster/table.ts'
import { assignAnew, assignmentOf, bucketsOf } from './cluster-assignment.ts'
import { logMoves } from './cluster-changes.ts'
import { ClusterReconciliation, ownInstances } from './cluster-reconciliation.ts'
import { Departures } from './departures.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { placeOfAsker } from './hold.ts'
import { Instance, type InstanceOwner } from './instance.ts'
import type { Log } from './log.ts'
import { expel, type Registry } from './registry.ts'
import { RemoteStream } from './remote-stream.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { Shares } from './shares.ts'
import type { Outbox } from './stream/outbox.ts'
import { succeed } from './succession.ts'

export interface ClusterRegistryParts {
  readonly me: Incarnation
  readonly routes: Routes
  readonly shares: Shares
  readonly router: Pick<Router, 'reroute'>
  readonly log: Log
  readonly authority: Authority
  /** Puts a wish before the cluster; it is granted when the table says so. */
  readonly propose: (wish: Wish) => Promise<void>
  /** How many wishes wait to be written down. */
  readonly waiting: () => number
  /** Whether what is proposed can be heard of soon. */
  readonly isUp: () => boolean
  /** The name of a node that is alive; undefined for another. */
  readonly nameOf: (node: Incarnation) => string | undefined
  /** The way to an instance at another node. */
  readonly streamTo: (domain: DomainRoutes, name: string, node: Incarnation) => RemoteStream
  readonly table: () => Table
  readonly now: () => number
  /** By which it is known when an instance of another node joined. */
  readonly time: SharedTime
  /** Bounces what has waited in an outbox since before that time. */
  readonly giveUp: (domain: DomainRoutes, outbox: Outbox, before: number) => void
  readonly seated: (domain: DomainRoutes, instance: Instance) => void
}

/** How much later than a request is given up where it is, it is given up where it came from, in milliseconds. */
const ANSWER_MILLISECONDS = 10_000

/** Instances of other nodes do nothing here: what they send is read there. */
const elsewhere: InstanceOwner = { opened() {}, fromInstance() {}, footer() {}, left() {} }

/**
 * Instances, buckets and spares of all nodes: what this node's instances want is proposed, and what the nodes have agreed
 * comes into force here, with all that waits, before the next stanza is read.
 */
export class ClusterRegistry implements Registry {
  readonly #parts: ClusterRegistryParts
  /** Instances of other nodes, each with the node that has it. */
  readonly #remotes = new Map<Instance, Incarnation>()
  /** By domain, what was last asked for about its buckets. */
  readonly #assignments = new Map<string, string>()
  readonly #departures: Departures
  readonly #reconciliation: ClusterReconciliation
  #isBegun = false

  constructor(parts: ClusterRegistryParts) {
    this.#parts = parts
    this.#departures = new Departures({
      ...parts,
      isDead: (instance) => this.#isDead(instance),
      forget: (instance) => this.#remotes.delete(instance),
    })
    this.#reconciliation = new ClusterReconciliation({
      ...parts,
      isBegun: () => this.#isBegun,
      follow: (domain, names) => this.follow(domain, parts.table().domain(domain.name), names),
    })
  }

  /** Puts a wish before the cluster; never rejects. */
  readonly propose = (wish: Wish): Promise<void> => this.#reconciliation.propose(wish)

  /** Puts what this node has before the cluster, which decides from now on. */
  begin(): void {
    this.#isBegun = true
    for (const domain of this.#parts.routes.domains.values()) this.serve(domain)
  }

  /** A domain is served from now on, or otherwise than before. */
  serve(domain: DomainRoutes): void {
    if (!this.#isBegun) return
    const wanted = assignmentOf(domain)
    const known = this.#assignments.get(domain.name)
    this.#assignments.set(domain.name, wanted)
    if (known === undefined) this.#start(domain)
    else if (known !== wanted) {
      void this.propose((draft) => assignAnew(draft, domain))
      // Others may have been told before: what they have agreed on counts here from now on.
      const agreed = this.#parts.table().domain(domain.name)
      if (agreed !== undefined) this.follow(domain, agreed, [])
    }
  }

  #start(domain: DomainRoutes): void {
    domain.follow(this.#parts.authority)
    this.#reconciliation.settle(domain.name)
    // What the others have is known already.
    const agreed = this.#parts.table().domain(domain.name)
    if (agreed !== undefined) this.follow(domain, agreed, undefined)
  }

  /** A domain is served no more. */
  end(domain: DomainRoutes): void {
    this.#assignments.delete(domain.name)
    for (const instance of [...domain.members.values(), ...domain.departing]) {
      if (this.#remotes.has(instance)) this.#forget(domain, instance)
    }
  }

  join(domain: DomainRoutes, instance: Instance): void {
    const waiting = domain.joining.get(instance.name)
    if (waiting !== undefined) expel(waiting, instance.name)
    const old = domain.members.get(instance.name)
    this.#reconciliation.join(domain, instance)
    // Of the same name, here: nothing changes for the others.
    if (old !== undefined && old.node === undefined) {
      if (old.isLeaving) succeed(domain, instance, old, this.#parts.shares)
      else {
        domain.replace(instance)
        expel(old, instance.name)
      }
      return this.#reconciliation.seat(domain, instance)
    }
    // Local ones are met by what comes here, whatever the others know of them.
    const isLocal = domain.policy.kind === 'local_random' || !this.#parts.isUp()
    if (old === undefined && isLocal) this.#reconciliation.seatHere(domain, instance)
    // What it asks for could not be answered as long as the others do not know of it.
    else instance.keepUnread()
  }

  leave(domain: DomainRoutes, instance: Instance): void {
    if (domain.joining.get(instance.name) === instance) domain.joining.delete(instance.name)
    if (domain.members.get(instance.name) === instance) domain.vacate(instance)
    const { me } = this.#parts
    // Another of its name may be here by now, with the same route.
    if (domain.isTaken(instance.name) || !this.#isBegun) return
    void this.propose((draft) => {
      if (!domain.isTaken(instance.name)) leaveInstance(draft, domain.name, instance.name, me, instance.route)
    })
  }

  sideline(domain: DomainRoutes, instance: Instance): void {
    domain.refresh(instance)
    void this.propose((draft) => sideline(draft, domain.name, instance.name, this.#parts.me, instance.route))
  }

  reinstate(domain: DomainRoutes, instance: Instance): void {
    domain.refresh(instance)
    void this.propose((draft) => reinstate(draft, domain.name, instance.name, this.#parts.me, instance.route))
  }

  /** The nodes have agreed on something about a domain: on these names, or on all where it is not known on which. */
  follow(domain: DomainRoutes, agreed: DomainTable | undefined, names: Iterable<string> | undefined): void {
    // Who has parted goes by what it has itself.
    if (!this.#isBegun) return
    const { shares, router, routes } = this.#parts
    const { left, joined } = this.#difference(domain, agreed, names)
    const dead = left.filter((instance) => this.#isDead(instance))
    const departing = left.filter((instance) => this.#remotes.has(instance) && !this.#isDead(instance))
    const expelled = left.filter((instance) => instance.node === undefined)
    const held = shares.takeMoving(domain)
    const ranked = domain.ranks && departing.length > 0
    const count = domain.holders.length
    const before = domain.mapping
    const moves = domain.adopt({ left, joined, buckets: bucketsOf(domain, agreed) })
    for (const instance of departing) this.#departures.depart(domain, instance)
    // Before anything goes to whom it is for by the new number of buckets.
    const settle = domain.holders.length === count ? undefined : shares.begin(domain, before)
    for (const instance of dead) routes.miss(instance, this.#parts.now())
    for (const instance of joined) if (instance.node !== undefined) routes.register(instance)
    const present = moves.filter(
      ({ from }) => from !== undefined && (domain.members.has(from) || departing.some(({ name }) => name === from)),
    )
    const others = moves.filter(({ bucket }) => !present.some((move) => move.bucket === bucket))
    logMoves(this.#parts.log, domain.name, others)
    const takersOf = (those: typeof moves) => those.flatMap(({ to = '' }) => domain.members.get(to) ?? [])
    if (ranked) domain.handovers.freeze()
    shares.take(domain, [...new Set([...joined, ...takersOf(present)])], present, takersOf(moves), left.length)
    for (const instance of dead) {
      if (instance.stream instanceof RemoteStream) instance.stream.die()
      shares.takeBack(domain, instance)
      this.#remotes.delete(instance)
    }
    for (const instance of departing) router.reroute(domain, instance.stream.outbox.take(), instance)
    for (const queue of held) router.reroute(domain, queue)
    if (ranked) {
      shares.confirmed(departing).then(() => {
        domain.handovers.thaw()
        shares.release(domain)
      })
    }
    settle?.()
    for (const { route } of joined) {
      const replies = domain.hold.take(placeOfAsker(route))
      if (replies !== undefined) router.reroute(domain, replies)
    }
    this.#reconciliation.follow(domain, names)
    for (const instance of expelled) expel(instance, instance.name)
    for (const instance of joined)
      if (domain.joining.get(instance.name) === instance) this.#reconciliation.seat(domain, instance)
    shares.release(domain)
  }

  /**
   * This node leaves, in order: what its instances do not have goes nowhere else any more.
   * @param seatAlone gives a place to one that has none yet
   */
  part(seatAlone: (domain: DomainRoutes, instance: Instance) => void): void {
    this.#isBegun = false
    const { routes, shares, me } = this.#parts
    for (const domain of routes.domains.values()) {
      const remotes = [...domain.members.values()].filter((instance) => this.#remotes.has(instance))
      const own = [...ownInstances(domain).values()]
      for (const { name, route } of own) {
        void this.propose((draft) => leaveInstance(draft, domain.name, name, me, route))
      }
      const before = domain.mapping
      domain.unfollow()
      for (const instance of remotes) this.#departures.depart(domain, instance)
      shares.redistribute(domain, before)
      domain.joining.clear()
      for (const instance of own) if (!domain.members.has(instance.name)) seatAlone(domain, instance)
      for (const instance of own) instance.read()
    }
  }

  /** This life is over: what other nodes have, they have no more for us, and who waits for their word need not any more. */
  dismissAll(): void {
    for (const domain of this.#parts.routes.domains.values()) this.end(domain)
    this.#reconciliation.seatWaiting()
  }

  /** Those of another node that an answer or a confirmation may be about: the one of that name, and those before it. */
  called(domain: string, name: string, node: Incarnation): readonly Instance[] {
    const routes = this.#parts.routes.domains.get(domain)
    const member = routes?.members.get(name)
    const all = [...(member === undefined ? [] : [member]), ...(routes?.departing ?? [])]
    return all.filter((instance) => instance.name === name && this.#remotes.get(instance) === node)
  }

  /** All instances of other nodes. */
  get remotes(): ReadonlyMap<Instance, Incarnation> {
    return this.#remotes
  }

  #difference(
    domain: DomainRoutes,
    agreed: DomainTable | undefined,
    names: Iterable<string> | undefined,
  ): { readonly left: readonly Instance[]; readonly joined: readonly Instance[] } {
    const { me, nameOf } = this.#parts
    const left: Instance[] = []
    const joined: Instance[] = []
    for (const name of names ?? new Set([...domain.members.keys(), ...(agreed?.instances.keys() ?? [])])) {
      const record = agreed?.instances.get(name)
      const member = domain.members.get(name)
      if (member !== undefined) {
        if (this.#stays(domain, member, record)) continue
        left.push(member)
      }
      if (record === undefined) continue
      if (record.node === me) {
        const waiting = domain.joining.get(name)
        if (waiting?.route === record.route) joined.push(waiting)
      } else if (nameOf(record.node) !== undefined) joined.push(this.#remote(domain, name, record))
    }
    return { left, joined }
  }

  #stays(domain: DomainRoutes, member: Instance, record: InstanceRecord | undefined): boolean {
    const { me, nameOf } = this.#parts
    const { name, route } = member
    const node = this.#remotes.get(member) ?? me
    if (record?.node === node && record.route === route) {
      if (node === me && domain.joining.get(name) === member) domain.joining.delete(name)
      return true
    }
    // What this node has asked for, and not been granted yet, or what only it knows of; or all, in a table without it.
    const isTold =
      record !== undefined && record.node !== me && nameOf(record.node) !== undefined && nameOf(me) !== undefined
    return node === me && !isTold
  }

  #remote(domain: DomainRoutes, name: string, record: InstanceRecord): Instance {
    const node = this.#parts.nameOf(record.node) ?? record.node
    const stream = this.#parts.streamTo(domain, name, record.node)
    const instance = new Instance(elsewhere, domain, stream, { name, route: record.route, node }, record.since)
    instance.joinedAt = Math.min(this.#parts.now(), record.since - this.#parts.time.epoch)
    stream.outbox.onDelivered = (stanzas) => {
      domain.counters.forwarded += stanzas
    }
    this.#remotes.set(instance, record.node)
    return instance
  }

  #isDead(instance: Instance): boolean {
    const node = this.#remotes.get(instance)
    return node !== undefined && this.#parts.nameOf(node) === undefined
  }

  /** Those that have confirmed all are forgotten, and what this node has is what the table says; called with every tick. */
  tick(): void {
    this.#reconciliation.tick()
    for (const domain of this.#parts.routes.domains.values()) {
      this.#expire(domain)
      this.#departures.tick(domain)
    }
  }

  /** As others will see to what it was sent, that is not ours any more; what was not sent is. */
  #forget(domain: DomainRoutes, instance: Instance): void {
    this.#parts.routes.miss(instance, this.#parts.now())
    domain.departing.delete(instance)
    if (domain.members.get(instance.name) === instance) domain.vacate(instance)
    this.#remotes.delete(instance)
    instance.stream.outbox.stopConfirming()
    this.#parts.shares.passBack(domain, instance)
    // Whoever has them answers them.
    for (const _ of instance.requests.takeAll());
  }

  /** What cannot go to another node waits for as long as anything; requests there are given up here only if nobody else does. */
  #expire(domain: DomainRoutes): void {
    const { now, isUp, giveUp, shares } = this.#parts
    const sent = now() - domain.config.hold.seconds * 1000
    const asked = now() - domain.config.iq_seconds * 1000 - ANSWER_MILLISECONDS
    for (const instance of [...domain.members.values(), ...domain.departing]) {
      if (instance.node === undefined) continue
      if (!isUp()) giveUp(domain, instance.stream.outbox, sent)
      shares.expireRequests(domain, instance, asked)
    }
  }
}
