import { type BucketTable, bucketOf, bucketTable, join, leave, type Move } from '../balancing/buckets.ts'
import type { KeyRule } from '../balancing/criterion.ts'
import { hashText, murmur3 } from '../balancing/hash.ts'
import { type Policy, policyFor, randomIndex } from '../balancing/policy.ts'
import { Rendezvous } from '../balancing/rendezvous.ts'
import type { Domain } from '../config/config.ts'
import { DomainCounters } from './counters.ts'
import { ANY_INSTANCE, Hold } from './hold.ts'
import type { Instance } from './instance.ts'
import type { Head } from './xmpp/head.ts'
import { bareEnd, bareText, decodeAttribute, fullText, hasLocal, isPlain, normalise } from './xmpp/jid.ts'

/** Who takes stanzas: rebuilt when that changes, only read per stanza. */
interface Snapshot {
  /** Whom a random stanza may meet. */
  readonly random: readonly Instance[]
  /** Per bucket its holder. */
  readonly holders: readonly (Instance | undefined)[]
  /** By the index that `rendezvous` picks. */
  readonly ranked: readonly Instance[]
  readonly rendezvous: Rendezvous
}

const nobody = Rendezvous.of([])

/** One served domain: its instances, how its stanzas are shared out among them, what is held for it, and its counts. */
export class DomainRoutes {
  readonly name: string
  readonly counters = new DomainCounters()
  readonly hold: Hold
  readonly #random: () => number
  readonly #members = new Map<string, Instance>()
  #config: Domain
  #policy: Policy
  #buckets: BucketTable | undefined
  #rendezvous = nobody
  /** Undefined after a change, until the next stanza. */
  #snapshot: Snapshot | undefined

  constructor(config: Domain, random: () => number) {
    this.name = config.name
    this.hold = new Hold(config.hold.bytes)
    this.#random = random
    this.#config = config
    this.#policy = policyFor(config.balancing, config.bare_domain)
    this.#buckets = this.#freeBuckets()
  }

  get config(): Domain {
    return this.#config
  }
  get policy(): Policy {
    return this.#policy
  }
  /** All instances, by name, in order of arrival. */
  get members(): ReadonlyMap<string, Instance> {
    return this.#members
  }
  /** Per bucket its holder; empty for a domain without buckets. */
  get holders(): readonly (Instance | undefined)[] {
    return this.#current.holders
  }

  get #current(): Snapshot {
    this.#snapshot ??= this.#takeSnapshot()
    return this.#snapshot
  }

  /** The instance that a stanza is for, or undefined when `placeOf` says where it waits. */
  pick(head: Head): Instance | undefined {
    const { policy } = this
    const snapshot = this.#current
    switch (policy.kind) {
      case 'local_random':
      case 'random':
        return snapshot.random[randomIndex(this.#random, snapshot.random.length)]
      case 'rendezvous':
        return snapshot.ranked[snapshot.rendezvous.pick(hashOf(ruleFor(policy.keying, head), head))]
      case 'buckets': {
        const hash = hashOf(ruleFor(policy.keying, head), head)
        const holder = snapshot.holders[bucketOf(hash, policy.count)]
        if (holder !== undefined || this.#config.when_unassigned !== 'spill') return holder
        return snapshot.ranked[snapshot.rendezvous.pick(hash)]
      }
    }
  }

  /** Where a stanza waits that `pick` found nobody for: its bucket, or `ANY_INSTANCE`. */
  placeOf(head: Head): number {
    const { policy } = this
    return policy.kind === 'buckets' ? bucketOf(hashOf(ruleFor(policy.keying, head), head), policy.count) : ANY_INSTANCE
  }

  /** An instance arrives; it may take a bucket from one that has no right to it. Returns what changes hands. */
  join(instance: Instance): readonly Move[] {
    this.#members.set(instance.name, instance)
    return this.#change((table) => join(table, instance.name, this.#wantedBy(instance.name)))
  }

  /** An instance takes the place of another of the same name: no bucket moves. */
  replace(instance: Instance): void {
    this.#members.set(instance.name, instance)
    this.#settle()
  }

  /** An instance is no more, or gets nothing new. Returns what changes hands. */
  leave(instance: Instance): readonly Move[] {
    if (this.#members.get(instance.name) !== instance) return []
    this.#members.delete(instance.name)
    return this.#change((table) => leave(table, instance.name))
  }

  /** An instance has stalled, or reads again. */
  refresh(): void {
    this.#settle()
  }

  /** Takes a new config into force. Returns whether stanzas are now shared out otherwise. */
  configure(config: Domain): boolean {
    const assigned = this.#assignment()
    const spilled = this.#config.when_unassigned
    this.#config = config
    this.hold.limit = config.hold.bytes
    this.#policy = policyFor(config.balancing, config.bare_domain)
    const isAssignedAnew = this.#assignment() !== assigned
    if (isAssignedAnew) this.#assignAnew()
    this.#settle()
    return isAssignedAnew || spilled !== config.when_unassigned
  }

  /** All that the config says about who gets which bucket, to be compared. */
  #assignment(): string {
    const wanted = [...(this.#config.instances ?? [])].filter(([, { bucket }]) => bucket !== undefined)
    return JSON.stringify([this.#policy, wanted.map(([name, { bucket }]) => [name, bucket])])
  }

  #assignAnew(): void {
    this.#buckets = this.#freeBuckets()
    for (const name of this.#members.keys()) {
      if (this.#buckets !== undefined) this.#buckets = join(this.#buckets, name, this.#wantedBy(name)).table
    }
  }

  /** The bucket that the config, as it is now, gives to an instance. */
  #wantedBy(name: string): number | undefined {
    return this.#config.instances?.get(name)?.bucket
  }

  #freeBuckets(): BucketTable | undefined {
    const { policy } = this
    const count = policy.kind === 'buckets' || policy.kind === 'random' ? policy.count : undefined
    return count === undefined ? undefined : bucketTable(count)
  }

  #change(
    step: (table: BucketTable) => { readonly table: BucketTable; readonly moves: readonly Move[] },
  ): readonly Move[] {
    let moves: readonly Move[] = []
    if (this.#buckets !== undefined) {
      const change = step(this.#buckets)
      this.#buckets = change.table
      moves = change.moves
    }
    this.#settle()
    return moves
  }

  /** Says of every instance what it holds; who gets stanzas is worked out when the next one comes. */
  #settle(): void {
    this.#snapshot = undefined
    const bucketOf = new Map((this.#buckets?.holders ?? []).map((name, bucket) => [name, bucket]))
    for (const instance of this.#members.values()) {
      instance.bucket = bucketOf.get(instance.name)
      if (instance.state === 'stalled') continue
      instance.state = this.#buckets !== undefined && instance.bucket === undefined ? 'spare' : 'active'
    }
  }

  #takeSnapshot(): Snapshot {
    const holders = (this.#buckets?.holders ?? []).map((name) =>
      name === undefined ? undefined : this.#members.get(name),
    )
    const rendezvous = this.ranks ? follow(this.#rendezvous, this.#members) : nobody
    this.#rendezvous = rendezvous
    const ranked = rendezvous.names.flatMap((name) => this.#members.get(name) ?? [])
    return { random: this.#randomOf(holders), holders, ranked, rendezvous }
  }

  /** Whether one that joins may get what was another's, without a bucket changing hands. */
  get ranks(): boolean {
    return (
      this.#policy.kind === 'rendezvous' ||
      (this.#policy.kind === 'buckets' && this.#config.when_unassigned === 'spill')
    )
  }

  /** Live holders, or all instances where there are no buckets; not one that reads nothing, unless there is no other. */
  #randomOf(holders: readonly (Instance | undefined)[]): readonly Instance[] {
    const candidates =
      this.#buckets === undefined ? [...this.#members.values()] : holders.filter((holder) => holder !== undefined)
    const reading = candidates.filter((instance) => instance.state !== 'stalled')
    return reading.length > 0 ? reading : candidates
  }
}

/** The ranking of `members`: from the one before by single steps where those are few, as each costs less than to start anew. */
function follow(before: Rendezvous, members: ReadonlyMap<string, Instance>): Rendezvous {
  const known = new Set(before.names)
  const joined = [...members.keys()].filter((name) => !known.has(name))
  const left = before.names.filter((name) => !members.has(name))
  if (joined.length + left.length > members.size / 2) return Rendezvous.of(members.keys())
  let ranking = before
  for (const name of left) ranking = ranking.without(name)
  for (const name of joined) ranking = ranking.with(name)
  return ranking
}

function ruleFor(keying: { readonly usual: KeyRule; readonly withoutLocal: KeyRule }, head: Head): KeyRule {
  if (keying.usual === keying.withoutLocal) return keying.usual
  return head.toStart >= 0 && hasLocal(head.buffer, head.toStart, head.toEnd) ? keying.usual : keying.withoutLocal
}

/** The hash of a stanza's key: of its bytes as they stand when they are in normal form, as nearly all are. */
function hashOf(rule: KeyRule, head: Head): number {
  const start = rule.fromSource ? head.fromStart : head.toStart
  if (start < 0) return 0
  const whole = rule.fromSource ? head.fromEnd : head.toEnd
  const end = rule.bare ? bareEnd(head.buffer, start, whole) : whole
  if (isPlain(head.buffer, start, end)) return murmur3(head.buffer, start, end)
  const text = decodeAttribute(head.buffer.toString('utf8', start, end))
  const jid = normalise(text)
  return hashText(jid === undefined ? text : rule.bare ? bareText(jid) : fullText(jid))
}
