import type { Incarnation } from './cluster/cluster-store.ts'
import { discrepancies } from './cluster/discrepancies.ts'
import { joinInstance, leaveInstance } from './cluster/instance-wishes.ts'
import { MembershipEnded } from './cluster/membership-errors.ts'
import type { Wish } from './cluster/proposals.ts'
import type { Table } from './cluster/table.ts'
import { joinOptions } from './cluster-assignment.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import type { Routes } from './routes.ts'
import type { Shares } from './shares.ts'

export interface ClusterReconciliationParts {
  readonly me: Incarnation
  readonly routes: Pick<Routes, 'domains'>
  readonly shares: Shares
  readonly log: Log
  readonly now: () => number
  readonly table: () => Table
  /** How many wishes wait to be written down. */
  readonly waiting: () => number
  /** Puts a wish before the cluster; rejects when that cannot be. */
  readonly propose: (wish: Wish) => Promise<void>
  /** Whether what is proposed can be heard of soon. */
  readonly isUp: () => boolean
  /** Whether this node is a member, and has not begun to leave. */
  readonly isBegun: () => boolean
  /** What the table says of these names comes into force. */
  readonly follow: (domain: DomainRoutes, names: Iterable<string>) => void
  readonly seated: (domain: DomainRoutes, instance: Instance) => void
}

/** After a wish was refused, what it was about is looked at again so much later, in milliseconds. */
const RETRY_MILLISECONDS = 1000
/** Refused wishes are told once in so many milliseconds. */
const TELL_MILLISECONDS = 10_000

/** This node's own instances by these names, or all: those in the routing table, and those that are to come into it. */
export function ownInstances(
  { members, joining }: DomainRoutes,
  names: Iterable<string> = [...members.keys(), ...joining.keys()],
): ReadonlyMap<string, Instance> {
  const own = new Map<string, Instance>()
  for (const name of names) {
    const instance = joining.get(name) ?? members.get(name)
    if (instance !== undefined && instance.node === undefined) own.set(name, instance)
  }
  return own
}

/**
 * Brings the table to what this node has, whatever has become of its wishes: one may have been refused, or been written
 * down and forgotten by the store. Done again it does nothing. It is done once nothing waits to be written down, and only
 * for domains in which something may differ: walking all of them with each tick would be too much.
 */
export class ClusterReconciliation {
  readonly #parts: ClusterReconciliationParts
  /** Domains in which something may differ. */
  readonly #doubtful = new Set<string>()
  #areAllDoubtful = false
  #wasUp = false
  #notBefore = Number.NEGATIVE_INFINITY
  readonly #refused = { count: 0, reason: '', toldAt: Number.NEGATIVE_INFINITY }

  constructor(parts: ClusterReconciliationParts) {
    this.#parts = parts
  }

  /** Puts a wish before the cluster; never rejects. What comes of one that is refused is seen to later. */
  async propose(wish: Wish): Promise<void> {
    try {
      await this.#parts.propose(wish)
    } catch (error) {
      // Who ends has nothing to wish for: all that it has is put before the cluster by the next life.
      if (error instanceof MembershipEnded) return
      this.#refused.count++
      this.#refused.reason = error instanceof Error ? error.message : String(error)
      this.#notBefore = this.#parts.now() + RETRY_MILLISECONDS
      this.doubt()
    }
  }

  /** Puts an instance of this node before the cluster. */
  join(domain: DomainRoutes, instance: Instance): void {
    domain.joining.set(instance.name, instance)
    const { me, isBegun } = this.#parts
    if (!isBegun()) return
    const { name, route, since } = instance
    const proposed = this.propose((draft) => {
      // It may have left while the store was away.
      if (!isBegun() || ownInstances(domain, [name]).get(name) !== instance) return
      joinInstance(draft, domain.name, name, { node: me, route, since }, joinOptions(domain, name))
    })
    // The table may have had it all the while, and then tells nothing new.
    void proposed.then(() => domain.joining.get(name) === instance && this.#doubtful.add(domain.name))
  }

  /** Gives a place to an instance that the others do not know of. */
  seatHere(domain: DomainRoutes, instance: Instance): void {
    domain.adopt({ left: [], joined: [instance], buckets: domain.buckets })
    this.#parts.shares.take(domain, [instance], [])
    this.seat(domain, instance)
  }

  /** The others cannot be heard: those that wait for their word are served as those that come from now on. */
  seatWaiting(): void {
    for (const domain of this.#parts.routes.domains.values()) {
      for (const instance of [...domain.joining.values()]) {
        if (!domain.members.has(instance.name)) this.seatHere(domain, instance)
      }
    }
  }

  /** An instance has its place in the routing table. */
  seat(domain: DomainRoutes, instance: Instance): void {
    if (instance.isLeaving) return
    if (domain.joining.get(instance.name) === instance) domain.joining.delete(instance.name)
    instance.read()
    this.#parts.seated(domain, instance)
  }

  /** Anything may differ, in any domain. */
  doubt(): void {
    this.#areAllDoubtful = true
  }

  /** The table says something else of a domain: of these names, or of all where it is not known of which. */
  follow(domain: DomainRoutes, names: Iterable<string> | undefined): void {
    if (names === undefined) return this.doubt()
    if (this.#areAllDoubtful || this.#doubtful.has(domain.name)) return
    const { me, table } = this.#parts
    const { missing, stale } = discrepancies(table().domain(domain.name), me, ownInstances(domain, names), names)
    if (missing.length > 0 || stale.length > 0) this.#doubtful.add(domain.name)
  }

  /** Called with every tick. */
  tick(): void {
    this.#tell()
    this.#turn()
    if (!this.#areAllDoubtful && this.#doubtful.size === 0) return
    const { routes, table, waiting, now, isBegun } = this.#parts
    if (!isBegun()) return
    // What waits may be just what is missing.
    if (waiting() > 0 || now() < this.#notBefore) return
    const all = this.#areAllDoubtful ? [...routes.domains.keys(), ...table().domains.keys()] : this.#doubtful
    const names = new Set(all)
    this.#areAllDoubtful = false
    this.#doubtful.clear()
    for (const name of names) this.settle(name)
  }

  /**
   * Wishes for what a domain's table lacks of this node's instances, and against what it has too much, and seats those that
   * it has. Of a domain that is not served the node has none.
   */
  settle(name: string): void {
    const { me, routes, table } = this.#parts
    const domain = routes.domains.get(name)
    const own = domain === undefined ? new Map<string, Instance>() : ownInstances(domain)
    const { missing, stale } = discrepancies(table().domain(name), me, own)
    for (const [instance, { route }] of stale) {
      void this.propose((draft) => {
        // One of that name, and with the same route, may have come since.
        const served = routes.domains.get(name)
        const isHere = served !== undefined && ownInstances(served, [instance]).size > 0
        if (!isHere) leaveInstance(draft, name, instance, me, route)
      })
    }
    if (domain === undefined) return
    const lacking = new Set(missing)
    const known = [...domain.joining.values()].filter((instance) => !lacking.has(instance))
    if (known.length > 0)
      this.#parts.follow(
        domain,
        known.map(({ name: each }) => each),
      )
    const bucketOf = ({ bucket }: Instance): number => bucket ?? Number.POSITIVE_INFINITY
    // Who has a bucket comes first, so that few move.
    for (const instance of missing.toSorted((a, b) => bucketOf(a) - bucketOf(b))) this.join(domain, instance)
  }

  #turn(): void {
    const isUp = this.#parts.isUp()
    if (isUp === this.#wasUp) return
    this.#wasUp = isUp
    if (isUp) this.doubt()
    else this.seatWaiting()
  }

  #tell(): void {
    const { log, now } = this.#parts
    const { count, reason, toldAt } = this.#refused
    if (count === 0 || now() - toldAt < TELL_MILLISECONDS) return
    this.#refused.count = 0
    this.#refused.toldAt = now()
    logEvent(log, 'cluster-changes-refused', { changes: count, reason: escapeForLog(reason) })
  }
}
