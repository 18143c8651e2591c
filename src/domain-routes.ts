import { type BucketTable, bucketOf, type Move } from '../balancing/buckets.ts'
import { isCanarys } from '../balancing/canary.ts'
import { canaryKeying } from '../balancing/criterion.ts'
import { type Policy, randomIndex } from '../balancing/policy.ts'
import type { Terms } from '../balancing/terms.ts'
import type { Domain } from '../config/config.ts'
import { Adverts } from './adverts.ts'
import type { Agreement, Authority } from './agreement.ts'
import { Allotment } from './allotment.ts'
import { countOf, isCanary } from './assignment.ts'
import type { Clock } from './clock.ts'
import { DomainCounters } from './counters.ts'
import { Handovers } from './handovers.ts'
import { ANY_INSTANCE, Hold, type Place } from './hold.ts'
import type { Instance } from './instance.ts'
import { hashOfKey } from './key.ts'
import { BEHIND_ESTATES, Moving, UNTIL_IT_LEAVES, type Wait } from './moving.ts'
import { Presences } from './presences.ts'
import { Quarantine } from './quarantine.ts'
import { Rankings } from './rankings.ts'
import { type Mapping, type Snapshot, snapshotOf } from './snapshot.ts'
import type { SlabPool } from './stream/slab-pool.ts'
import { Unwritten } from './unwritten.ts'
import type { Head } from './xmpp/head.ts'

/** For those who never wait for anything. */
const still: Clock = { now: 0 }

/** One served domain: its instances, how its stanzas are shared out among them, what is held for it, and its counts. */
export class DomainRoutes {
  readonly name: string
  readonly #nameBytes: Buffer
  readonly counters = new DomainCounters()
  readonly hold: Hold
  readonly quarantine = new Quarantine()
  readonly adverts = new Adverts()
  readonly presences = new Presences()
  readonly #random: () => number
  readonly #members = new Map<string, Instance>()
  readonly clock: Clock
  readonly #allotment: Allotment
  readonly #rankings = new Rankings()
  /** Undefined after a change, until the next stanza. */
  #snapshot: Snapshot | undefined
  /** What comes there waits, whatever `when_unassigned` says. */
  readonly moving = new Moving(
    (instance) => this.#ownPlaces(instance),
    () => {
      this.#snapshot = undefined
    },
  )
  /** Changes of the keys' places that wait for confirmations. */
  readonly handovers = new Handovers((it) => this.#members.get(it.name) === it || this.departing.has(it))
  /** Set where a cluster decides who has which share. */
  #authority: Authority | undefined
  /** Instances of this node that have not been seated yet, by name. */
  readonly joining = new Map<string, Instance>()
  /** Those that get nothing new and are members no more, and have not confirmed all: of other nodes, or with a successor. */
  readonly departing = new Set<Instance>()
  readonly unwritten = new Unwritten()
  /** Told of every stanza that is balanced, as long as somebody looks. */
  watcher: { note(head: Head): void } | undefined

  /**
   * @param random in [0, 1), for those who are picked at random
   * @param pool for what is held
   * @param clock of when instances joined
   */
  constructor(config: Domain, random: () => number, pool?: SlabPool, clock: Clock = still) {
    this.name = config.name
    this.#nameBytes = Buffer.from(config.name)
    this.hold = new Hold(config.hold.bytes, pool)
    this.#random = random
    this.clock = clock
    this.#allotment = new Allotment(config)
  }

  /** Whether the bytes `buffer[start, end)` are its name, as it is in normal form. */
  isNamed(buffer: Buffer, start: number, end: number): boolean {
    const name = this.#nameBytes
    if (end - start !== name.length) return false
    for (let i = 0; i < name.length; i++) if (buffer[start + i] !== name[i]) return false
    return true
  }

  get config(): Domain {
    return this.#allotment.config
  }
  get policy(): Policy {
    return this.#allotment.policy
  }
  get terms(): Terms {
    return this.#allotment.terms
  }
  /** All instances, by name, in order of arrival. */
  get members(): ReadonlyMap<string, Instance> {
    return this.#members
  }
  /** Its stanzas are written down before they count as read. */
  get isJournaled(): boolean {
    return this.config.delivery === 'journal'
  }
  /** Undefined for a domain without buckets. */
  get buckets(): BucketTable | undefined {
    return this.#allotment.buckets
  }
  /** Whether a name is an instance's, here or elsewhere. */
  isTaken(name: string): boolean {
    return this.#members.has(name) || this.joining.has(name)
  }
  /** Per bucket its holder; empty for a domain without buckets. */
  get holders(): readonly (Instance | undefined)[] {
    return (this.buckets?.holders ?? []).map((name) => (name === undefined ? undefined : this.#members.get(name)))
  }

  get #current(): Snapshot {
    this.#snapshot ??= this.#takeSnapshot()
    return this.#snapshot
  }

  /** The instance that a stanza is for, one that another node passes on perhaps, or undefined when `placeOf` says where it waits. */
  pick(head: Head, isPassedOn = false): Instance | undefined {
    if (this.moving.isInheriting && !isPassedOn) return undefined
    const holder = this.#holderOf(head)
    return this.handovers.isIdle || this.handovers.lets(head, holder) ? holder : undefined
  }

  #holderOf(head: Head): Instance | undefined {
    const { policy } = this
    const snapshot = this.#current
    if (policy.kind === 'local_random' || policy.kind === 'random') {
      if (snapshot.canary !== undefined && this.#isCanarys(hashOfKey(canaryKeying, head))) return snapshot.canary
      if (snapshot.odds !== undefined) return snapshot.odds.pick(this.#random)
      return snapshot.random[randomIndex(this.#random, snapshot.random.length)]
    }
    if (this.#isFenced) return undefined
    const hash = hashOfKey(policy.keying, head)
    if (policy.kind === 'rendezvous') return this.#ranked(snapshot, hash)
    const { canary } = snapshot
    if (canary !== undefined && this.#isCanarys(hash)) return this.moving.has(canary.name) ? undefined : canary
    const bucket = bucketOf(hash, snapshot.holders.length || policy.count)
    const holder = snapshot.holders[bucket]
    if (holder !== undefined || this.config.when_unassigned !== 'spill' || this.moving.has(bucket)) return holder
    return this.isUnsettled(bucket) ? undefined : this.#ranked(snapshot, hash)
  }

  /** Where a stanza waits that `pick` found nobody for. */
  placeOf(head: Head, isPassedOn = false): Place {
    if (this.moving.isInheriting && !isPassedOn) return BEHIND_ESTATES
    const { policy } = this
    if (policy.kind !== 'buckets' && policy.kind !== 'rendezvous') return ANY_INSTANCE
    const behind = this.handovers.isIdle ? undefined : this.handovers.placeOf(head, this.#holderOf(head))
    if (behind !== undefined) return behind
    const hash = hashOfKey(policy.keying, head)
    const { ranking, holders, canary } = this.#current
    if (canary !== undefined && this.#isCanarys(hash)) return canary.name
    if (policy.kind === 'buckets') return bucketOf(hash, holders.length || policy.count)
    return ranking.names[ranking.pick(hash)] ?? ANY_INSTANCE
  }

  #isCanarys(hash: number): boolean {
    const { canary } = this.terms
    return canary !== undefined && isCanarys(canary, hash)
  }

  /** Whether what waits at a place does so only until it has changed hands. */
  isMoving(place: Place): boolean {
    return this.handovers.isFrozen || this.moving.isInheriting || this.moving.has(place) || this.handovers.awaits(place)
  }

  /** Whether it is not known who is to have what waits at a place: the cluster has not said so yet, or cannot be heard. */
  isUnsettled(place: Place): boolean {
    if (this.#authority === undefined) return false
    if (this.#isFenced) return true
    // Buckets that its config has been given, and the others have not agreed on.
    if (this.buckets === undefined && countOf(this.policy) !== undefined && this.#members.size > 0) return true
    const holder = typeof place === 'number' ? this.buckets?.holders[place] : undefined
    return holder !== undefined && !this.#members.has(holder)
  }

  /** Others may act for this node by now, so nothing goes to whom a key would have met. */
  get #isFenced(): boolean {
    return this.#authority?.isHeld === false
  }

  /** Whether there is an instance for what waits at a place. */
  isServed(place: Place): boolean {
    if (this.isMoving(place) || this.#current.random.length === 0) return false
    if (this.policy.kind !== 'local_random' && this.isUnsettled(place)) return false
    if (typeof place === 'string' || place === ANY_INSTANCE) return true
    return this.#current.holders[place] !== undefined || this.config.when_unassigned === 'spill'
  }

  /** Whom the keys are for now; undefined where that cannot be said of each: none are read, or places are changing hands. */
  get mapping(): Mapping | undefined {
    const { policy } = this
    if (policy.kind !== 'buckets' && policy.kind !== 'rendezvous') return undefined
    if (this.handovers.isFrozen || this.moving.size > 0 || this.#isFenced) return undefined
    const spills = this.config.when_unassigned === 'spill'
    return { policy, snapshot: this.#current, canary: this.terms.canary, spills }
  }

  /** Who gets what waits at a place that moves, where it was passed on and is no newer than what the place waits for. */
  takerOf(place: Place, since: number, hops: number | undefined): Instance | undefined {
    if (this.handovers.isFrozen || this.handovers.awaits(place) || this.#isFenced) return undefined
    if (this.moving.has(place) || !this.moving.isInheriting) return this.moving.takerOf(place, since, hops)
    return typeof place === 'number' ? this.#current.holders[place] : this.#members.get(place)
  }

  /** An instance that has joined gets nothing until `moving.end`: whoever had its share before has yet to confirm. */
  keepBack(instance: Instance, awaited?: Wait['awaited']): Wait {
    return this.moving.begin(instance, awaited)
  }

  /** Its bucket, and what is its by its name: keys, or what others spill. */
  #ownPlaces(instance: Instance): readonly Place[] {
    const place = this.placeHeldBy(instance)
    return place === undefined ? [instance.name] : [instance.name, place]
  }

  /** Nothing new goes to an instance, but nothing of its share to another either: it waits until `leave`. */
  pause(instance: Instance): void {
    instance.state = 'draining'
    this.keepBack(instance, UNTIL_IT_LEAVES)
  }

  /** Where an instance's share waits while it is drained; undefined when it has none of its own. */
  placeHeldBy(instance: Instance): Place | undefined {
    if (this.#members.get(instance.name) !== instance) return undefined
    if (this.policy.kind === 'rendezvous') return instance.name
    if (this.policy.kind !== 'buckets') return undefined
    return isCanary(this.config, instance.name) ? instance.name : instance.bucket
  }

  /** An instance arrives; it may take a bucket from one that has no right to it. Returns what changes hands. */
  join(instance: Instance): readonly Move[] {
    this.#members.set(instance.name, instance)
    return this.reinstate(instance)
  }

  /** An instance takes the place of another of the same name: no bucket moves. */
  replace(instance: Instance): void {
    const old = this.#members.get(instance.name)
    this.#members.set(instance.name, instance)
    this.refresh(instance)
    if (old !== undefined) this.moving.pass(old, instance)
  }

  /** An instance is no more, or gets nothing new. Returns what changes hands. */
  leave(instance: Instance): readonly Move[] {
    this.moving.delete(instance)
    if (this.#members.get(instance.name) !== instance) return []
    this.#members.delete(instance.name)
    const moves = this.#allotment.leave(instance.name)
    this.#refreshAll([instance], moves)
    return moves
  }

  /** From now on a cluster says who has which share (`adopt`); what is so now stays until it does. */
  follow(authority: Authority): void {
    this.#authority = authority
  }

  get isFollowing(): boolean {
    return this.#authority !== undefined
  }

  /** From now on this node alone decides, beginning with what the cluster has said last. */
  unfollow(): void {
    this.#authority = undefined
    for (const { name, node } of [...this.#members.values()]) if (node !== undefined) this.#members.delete(name)
    this.#allotment.keep(this.#members)
    this.#snapshot = undefined
  }

  /** What the nodes of a cluster have agreed comes into force. Returns what changes hands. */
  adopt({ left, joined, buckets }: Agreement): readonly Move[] {
    for (const instance of left) this.vacate(instance)
    for (const instance of joined) this.#members.set(instance.name, instance)
    const moves = this.#allotment.adopt(buckets, this.#members)
    this.#refreshAll(joined, moves)
    return moves
  }

  /** An instance is no more, and the cluster has not said yet who is to have its share: that waits. */
  vacate(instance: Instance): void {
    this.moving.delete(instance)
    if (this.#members.get(instance.name) === instance) this.#members.delete(instance.name)
    this.#snapshot = undefined
  }

  /** A suspect spare inherits no bucket; a suspect holder keeps its own, as long as it lives. */
  sideline(instance: Instance): void {
    if (instance.bucket === undefined) this.#allotment.leave(instance.name)
    this.#snapshot = undefined
  }

  /** The reverse of `sideline`. Returns what changes hands. */
  reinstate(instance: Instance): readonly Move[] {
    const moves = this.#allotment.seat(instance.name)
    this.#refreshAll([instance], moves)
    return moves
  }

  /** An instance has come, has stalled, or reads again. */
  refresh(instance: Instance): void {
    this.#snapshot = undefined
    this.#allotment.settle(instance)
  }

  /** Takes a new config into force. Returns whether stanzas are now shared out otherwise. */
  configure(config: Domain): boolean {
    this.hold.limit = config.hold.bytes
    const isOther = this.#allotment.configure(config, this.#members, this.isFollowing)
    this.moving.settle()
    return isOther
  }

  /** The best live instance for a key; undefined when its share is moving, or there is none. */
  #ranked(snapshot: Snapshot, hash: number): Instance | undefined {
    const best = snapshot.ranked[snapshot.ranking.pick(hash)]
    return best !== undefined && this.moving.size > 0 && this.moving.has(best.name) ? undefined : best
  }

  /** Only those that a change is about are settled anew: ten thousand may join, one after the other. */
  #refreshAll(instances: readonly Instance[], moves: readonly Move[]): void {
    this.#snapshot = undefined
    const others = moves.flatMap(({ from, to }) => [from, to].filter((name) => name !== undefined))
    for (const name of new Set([...instances.map((instance) => instance.name), ...others])) {
      const member = this.#members.get(name)
      if (member !== undefined) this.refresh(member)
    }
  }

  #takeSnapshot(): Snapshot {
    const holders = this.buckets && this.holders.map((one, bucket) => (this.moving.has(bucket) ? undefined : one))
    const ranking = this.ranks ? this.#rankings.of(this.#members, this.terms) : this.#rankings.none()
    const { policy, terms, clock } = this
    return snapshotOf({ policy, terms, members: this.#members, holders, ranking, clock })
  }

  /** As of `Allotment`. */
  get ranks(): boolean {
    return this.#allotment.ranks
  }
  get isBounded(): boolean {
    return this.#allotment.isBounded
  }
}
