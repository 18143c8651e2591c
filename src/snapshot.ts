import { bucketOf } from '../balancing/buckets.ts'
import type { Policy } from '../balancing/policy.ts'
import { Rendezvous } from '../balancing/rendezvous.ts'
import type { Instance } from './instance.ts'
import { hashOfKey } from './key.ts'
import type { Head } from './xmpp/head.ts'

/** Who takes a domain's stanzas: rebuilt when that changes, only read per stanza. */
export interface Snapshot {
  /** Whom a random stanza may meet. */
  readonly random: readonly Instance[]
  /** Per bucket its holder. */
  readonly holders: readonly (Instance | undefined)[]
  /** By the index that `rendezvous` picks. */
  readonly ranked: readonly Instance[]
  readonly rendezvous: Rendezvous
}

export function snapshotOf(
  members: ReadonlyMap<string, Instance>,
  holders: Snapshot['holders'],
  rendezvous: Rendezvous,
  random: Snapshot['random'],
): Snapshot {
  return { random, holders, ranked: rendezvous.names.flatMap((name) => members.get(name) ?? []), rendezvous }
}

/** Whom a domain's stanzas are for at one moment, by their keys. */
export interface Mapping {
  readonly policy: Extract<Policy, { kind: 'buckets' | 'rendezvous' }>
  readonly snapshot: Snapshot
  /** What is for a bucket without a holder goes to another instance. */
  readonly spills: boolean
}

/** Whom a stanza is for; undefined for nobody. */
export function holderBy({ policy, snapshot, spills }: Mapping, head: Head): Instance | undefined {
  const { holders, ranked, rendezvous } = snapshot
  const hash = hashOfKey(policy.keying, head)
  if (policy.kind === 'rendezvous') return ranked[rendezvous.pick(hash)]
  const holder = holders[bucketOf(hash, holders.length || policy.count)]
  return holder !== undefined || !spills ? holder : ranked[rendezvous.pick(hash)]
}

/** The ranking of `members`: from the one before by single steps where those are few, as each costs less than to start anew. */
export function rankingOf(members: ReadonlyMap<string, Instance>, before: Rendezvous): Rendezvous {
  const known = new Set(before.names)
  const joined = [...members.keys()].filter((name) => !known.has(name))
  const left = before.names.filter((name) => !members.has(name))
  if (joined.length + left.length > members.size / 2) return Rendezvous.of(members.keys())
  let ranking = before
  for (const name of left) ranking = ranking.without(name)
  for (const name of joined) ranking = ranking.with(name)
  return ranking
}

/**
 * Those of `able` that a random stanza may meet: not one that reads or answers nothing, unless there is no other; and
 * with `isLocalFirst` none of another node, as long as there is one here.
 */
export function randomOf(able: Iterable<Instance | undefined>, isLocalFirst: boolean): readonly Instance[] {
  const all = [...able].filter((instance) => instance !== undefined).filter(({ state }) => state !== 'draining')
  const local = isLocalFirst ? all.filter(({ node }) => node === undefined) : all
  const candidates = local.length > 0 ? local : all
  const reading = candidates.filter(({ state }) => state !== 'stalled' && state !== 'suspect')
  return reading.length > 0 ? reading : candidates
}
