import { bucketOf } from '../balancing/buckets.ts'
import { isCanarys } from '../balancing/canary.ts'
import { randomly } from '../balancing/odds.ts'
import type { Policy } from '../balancing/policy.ts'
import type { Ranking } from '../balancing/ranking.ts'
import { noTerms, type Terms } from '../balancing/terms.ts'
import type { Clock } from './clock.ts'
import type { Instance } from './instance.ts'
import { hashOfKey } from './key.ts'
import { Odds } from './odds.ts'
import type { Head } from './xmpp/head.ts'

/** Who takes a domain's stanzas: rebuilt when that changes, only read per stanza. */
export interface Snapshot {
  /** Whom a random stanza may meet. */
  readonly random: readonly Instance[]
  /** Per bucket its holder. */
  readonly holders: readonly (Instance | undefined)[]
  /** By the index that `ranking` picks. */
  readonly ranked: readonly Instance[]
  readonly ranking: Ranking
  /** Undefined where all that are in `random` are met alike. */
  readonly odds: Odds | undefined
  /** Who has its own keys, whatever holders there are; by rendezvous, the ranking knows. */
  readonly canary: Instance | undefined
}

/** What a snapshot is taken of. */
export interface Scene {
  readonly policy: Policy
  readonly terms: Terms
  readonly members: ReadonlyMap<string, Instance>
  /** Undefined for a domain without buckets. */
  readonly holders: readonly (Instance | undefined)[] | undefined
  /** Of the members by the terms; of nobody where they are not ranked. */
  readonly ranking: Ranking
  readonly clock: Clock
}

export function snapshotOf({ policy, terms, members, holders, ranking, clock }: Scene): Snapshot {
  const isLocalFirst = policy.kind === 'local_random'
  if (terms === noTerms) {
    const random = randomOf(holders ?? members.values(), isLocalFirst)
    return { random, holders: holders ?? [], ...ranked(ranking, members), odds: undefined, canary: undefined }
  }
  // Where nobody holds a bucket, the canary has to do.
  const able = holders?.some((holder) => holder !== undefined) ? holders : members.values()
  const there = [...able].filter((instance) => instance !== undefined).filter(({ state }) => state !== 'draining')
  const names = new Set(
    randomly(
      there.map(({ name }) => name),
      terms,
    ),
  )
  const random = randomOf(
    there.filter(({ name }) => names.has(name)),
    isLocalFirst,
  )
  const canary = canaryOf(policy, terms, members)
  return {
    ...{ random, holders: holders ?? [], canary },
    ...ranked(ranking, members),
    odds: terms.weights.size === 0 && terms.slowStartSeconds === 0 ? undefined : new Odds(random, terms, clock),
  }
}

function ranked(ranking: Ranking, members: Scene['members']): Pick<Snapshot, 'ranked' | 'ranking'> {
  return { ranking, ranked: ranking.names.flatMap((name) => members.get(name) ?? []) }
}

/** At random, one that reads or answers nothing has no keys: any other may get them. */
function canaryOf(policy: Policy, { canary }: Terms, members: Scene['members']): Instance | undefined {
  const instance = canary && members.get(canary.instance)
  if (instance === undefined || policy.kind === 'buckets') return instance
  if (policy.kind === 'rendezvous') return undefined
  return instance.state === 'active' || instance.state === 'unconfirmed' ? instance : undefined
}

/** Whom a domain's stanzas are for at one moment, by their keys. */
export interface Mapping {
  readonly policy: Extract<Policy, { kind: 'buckets' | 'rendezvous' }>
  readonly snapshot: Snapshot
  /** Which keys are the canary's. */
  readonly canary: Terms['canary']
  /** What is for a bucket without a holder goes to another instance. */
  readonly spills: boolean
}

/** Whom a stanza is for; undefined for nobody. */
export function holderBy({ policy, snapshot, canary, spills }: Mapping, head: Head): Instance | undefined {
  const { holders, ranked, ranking } = snapshot
  const hash = hashOfKey(policy.keying, head)
  if (policy.kind === 'rendezvous') return ranked[ranking.pick(hash)]
  if (snapshot.canary !== undefined && canary !== undefined && isCanarys(canary, hash)) return snapshot.canary
  const holder = holders[bucketOf(hash, holders.length || policy.count)]
  return holder !== undefined || !spills ? holder : ranked[ranking.pick(hash)]
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
