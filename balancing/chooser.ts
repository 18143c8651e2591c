import { type BucketTable, bucketOf, bucketTable, holder, join } from './buckets.ts'
import { isCanarys, percentOf } from './canary.ts'
import { type Criterion, canaryKeying } from './criterion.ts'
import { randomly, weightsAmong } from './odds.ts'
import type { Policy } from './policy.ts'
import { pickUnbounded, type Ranking, rankingFor } from './ranking.ts'
import { slotOf } from './rendezvous.ts'
import { noTerms, type Terms } from './terms.ts'
import { keyOf, type Normalise, type Traffic } from './traffic.ts'

/** A domain to think about: its policy and the instances that it would have, in order of arrival. */
export interface Setting {
  readonly policy: Policy
  /** Names, or names with the bucket that their config names. */
  readonly instances: readonly { readonly name: string; readonly bucket?: number }[]
  /** Who has which bucket, where that is known; otherwise it is as if the instances had joined in their order. */
  readonly table?: BucketTable | undefined
  /** Absent: nothing sets the instances apart. */
  readonly terms?: Terms
  /** Of these instances by these terms, where there is one already: by many names it takes long to make. */
  readonly ranking?: Ranking | undefined
}

/** What the kernel must be given, as it may not import the JID's rules. */
export interface Tools {
  readonly normalise: Normalise
}

/** What a stanza would meet. Fields are undefined where the policy has no such thing. */
export interface Choice {
  readonly criterion: Criterion
  readonly key: string | undefined
  readonly hash: number | undefined
  readonly bucket: number | undefined
  readonly slot: number | undefined
  /** Undefined when none can take it (a free bucket, no instances) or, for a random policy, when any may. */
  readonly instance: string | undefined
  /** Where the key falls, in percent; only where there is a canary that lives. */
  readonly point?: number
  /** Whom the key would meet without `balance_factor`; only where there is one. */
  readonly unbounded?: string
}

/** Chooses for one setting; undefined for a stanza whose key is to come from an address that is no JID. */
export type Chooser = (traffic: Traffic) => Choice | undefined

export type Place = Pick<Choice, 'bucket' | 'slot' | 'instance' | 'point' | 'unbounded'>

/** The setting's chooser, slow and in strings: for what people ask, not for the stanza path. */
export function chooserFor(setting: Setting, normalise: Tools['normalise']): Chooser {
  const { policy } = setting
  if (policy.kind === 'local_random' || policy.kind === 'random') {
    const canary = liveCanary(setting)
    if (canary === undefined) return () => anyOf
    return (traffic) => {
      const hash = keyOf(canaryKeying, traffic, normalise)?.hash
      if (hash === undefined) return undefined
      return { ...anyOf, point: percentOf(hash), instance: isCanarys(canary, hash) ? canary.instance : undefined }
    }
  }
  const place = placesOf(setting)
  return (traffic) => {
    const found = keyOf(policy.keying, traffic, normalise)
    if (found === undefined) return undefined
    const { criterion, text: key, hash } = found
    return { criterion, key, hash, ...place(hash) }
  }
}

/** Where the setting has each hash; nowhere under a random policy. */
export function placesOf(setting: Setting): (hash: number) => Place {
  const { policy } = setting
  if (policy.kind === 'local_random' || policy.kind === 'random') return () => anyOf
  const place = policy.kind === 'buckets' ? bucketPlaces(setting, policy.count) : rendezvousPlaces(setting)
  const canary = liveCanary(setting)
  if (canary === undefined) return place
  return (hash) => {
    const point = percentOf(hash)
    if (!isCanarys(canary, hash)) return { ...place(hash), point }
    return { bucket: undefined, slot: undefined, instance: canary.instance, point }
  }
}

/** The canary, when it is one of the instances. */
export function liveCanary({ instances, terms }: Setting): Terms['canary'] {
  const canary = terms?.canary
  return instances.some(({ name }) => name === canary?.instance) ? canary : undefined
}

const anyOf: Choice = {
  criterion: 'random',
  key: undefined,
  hash: undefined,
  bucket: undefined,
  slot: undefined,
  instance: undefined,
}

function bucketPlaces(setting: Setting, count: number): (hash: number) => Place {
  const table = holdersOf(setting, count)
  return (hash) => {
    const bucket = bucketOf(hash, table.holders.length)
    return { bucket, slot: undefined, instance: holder(table, bucket) }
  }
}

/** The setting's table, or the one that there is when its instances have joined in their order; a canary takes no bucket. */
export function holdersOf({ instances, table, terms }: Setting, count: number): BucketTable {
  if (table !== undefined) return table
  const others = instances.filter(({ name }) => name !== terms?.canary?.instance)
  return others.reduce((table, { name, bucket }) => join(table, name, bucket).table, bucketTable(count))
}

function rendezvousPlaces({ instances, terms = noTerms, ...setting }: Setting): (hash: number) => Place {
  const names = instances.map(({ name }) => name)
  const ranking = setting.ranking ?? rankingFor(names, terms)
  return (hash) => {
    const place = { bucket: undefined, slot: slotOf(hash), instance: ranking.names[ranking.pick(hash)] }
    const first = terms.bound === undefined ? undefined : ranking.names[pickUnbounded(ranking, hash)]
    return first === undefined ? place : { ...place, unbounded: first }
  }
}

/** What part of the stanzas each instance gets that a random policy may pick, on average: together 1, or none at all. */
export function randomParts(setting: Setting): ReadonlyMap<string, number> {
  const { policy, instances, terms = noTerms } = setting
  const count = policy.kind === 'random' ? policy.count : undefined
  const held = count === undefined ? [] : holdersOf(setting, count).holders.filter((name) => name !== undefined)
  // Where nobody holds a bucket, the canary has to do.
  const able = held.length > 0 || (count !== undefined && liveCanary(setting) === undefined)
  const live = randomly(able ? held : instances.map(({ name }) => name), terms)
  const weights = weightsAmong(live, terms)
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  return new Map(live.map((name, index) => [name, (weights[index] as number) / all]))
}
