import { type BucketTable, bucketOf, bucketTable, holder, join } from './buckets.ts'
import { isCanarys, percentOf } from './canary.ts'
import { type Criterion, canaryKeying, type HashName, type Keying } from './criterion.ts'
import { hashText } from './hash.ts'
import { pickBy, randomly, sums, weightsAmong } from './odds.ts'
import { phash2OfParts } from './phash2.ts'
import type { Policy } from './policy.ts'
import { rankingFor } from './ranking.ts'
import { slotOf } from './rendezvous.ts'
import { noTerms, type Terms } from './terms.ts'

/** A domain to think about: its policy and the instances that it would have, in order of arrival. */
export interface Setting {
  readonly policy: Policy
  /** Names, or names with the bucket that their config names. */
  readonly instances: readonly { readonly name: string; readonly bucket?: number }[]
  /** Absent: nothing sets the instances apart. */
  readonly terms?: Terms
}

/** What the kernel must be given, as it may import neither the JID's rules nor a random source. */
export interface Tools {
  /** A full JID in the form in which that hash takes it; undefined when it is no JID. */
  readonly normalise: (jid: string, hash: HashName) => string | undefined
  /** In [0, 1). */
  readonly random: () => number
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
export type Chooser = (from: string, to: string) => Choice | undefined

type Place = Pick<Choice, 'bucket' | 'slot' | 'instance' | 'unbounded'>

/** The setting's chooser, slow and in strings: for what people ask, not for the stanza path. */
export function chooserFor(setting: Setting, normalise: Tools['normalise']): Chooser {
  const { policy } = setting
  const canary = liveCanary(setting)
  if (policy.kind === 'local_random' || policy.kind === 'random') {
    if (canary === undefined) return () => anyOf
    return (from, to) => {
      const key = keyOf(canaryKeying, from, to, normalise)
      if (key === undefined) return undefined
      const { hash } = key
      return { ...anyOf, point: percentOf(hash), instance: isCanarys(canary, hash) ? canary.instance : undefined }
    }
  }
  const place = policy.kind === 'buckets' ? bucketPlaces(setting, policy.count) : rendezvousPlaces(setting)
  return (from, to) => {
    const found = keyOf(policy.keying, from, to, normalise)
    if (found === undefined) return undefined
    const { hash } = found
    if (canary === undefined) return { ...found, ...place(hash) }
    const point = percentOf(hash)
    if (!isCanarys(canary, hash)) return { ...found, ...place(hash), point }
    return { ...found, bucket: undefined, slot: undefined, instance: canary.instance, point }
  }
}

function keyOf(
  keying: Keying,
  from: string,
  to: string,
  normalise: Tools['normalise'],
): { readonly criterion: Criterion; readonly key: string; readonly hash: number } | undefined {
  const { hash: name } = keying
  const target = normalise(to, name)
  const rule = target !== undefined && !hasLocal(target) ? keying.withoutLocal : keying.usual
  const address = rule.fromSource ? normalise(from, name) : target
  if (address === undefined) return undefined
  const key = rule.bare ? bareOf(address) : address
  return { criterion: rule.criterion, key, hash: name === 'murmur3' ? hashText(key) : phash2OfText(key) }
}

/** The parts of a JID's text, which is a tuple of three in ejabberd. */
function phash2OfText(jid: string): number {
  const bare = bareOf(jid)
  const sign = bare.indexOf('@')
  return phash2OfParts(bare.slice(0, Math.max(sign, 0)), bare.slice(sign + 1), jid.slice(bare.length + 1))
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
    const bucket = bucketOf(hash, count)
    return { bucket, slot: undefined, instance: holder(table, bucket) }
  }
}

/** The table when the setting's instances have joined in their order; a canary holds no bucket. */
export function holdersOf({ instances, terms }: Setting, count: number): BucketTable {
  const others = instances.filter(({ name }) => name !== terms?.canary?.instance)
  return others.reduce((table, { name, bucket }) => join(table, name, bucket).table, bucketTable(count))
}

function rendezvousPlaces({ instances, terms = noTerms }: Setting): (hash: number) => Place {
  const names = instances.map(({ name }) => name)
  const ranking = rankingFor(names, terms)
  const unbounded = terms.bound === undefined ? undefined : rankingFor(names, { ...terms, bound: undefined })
  return (hash) => {
    const place = { bucket: undefined, slot: slotOf(hash), instance: ranking.names[ranking.pick(hash)] }
    const first = unbounded?.names[unbounded.pick(hash)]
    return first === undefined ? place : { ...place, unbounded: first }
  }
}

/** One of the instances that a random policy may pick; undefined when there is none. */
export function randomChooser(setting: Setting, random: Tools['random']): () => string | undefined {
  const { policy, instances, terms = noTerms } = setting
  const count = policy.kind === 'random' ? policy.count : undefined
  const held = count === undefined ? [] : holdersOf(setting, count).holders.filter((name) => name !== undefined)
  // Where nobody holds a bucket, the canary has to do.
  const able = held.length > 0 || (count !== undefined && liveCanary(setting) === undefined)
  const live = randomly(able ? held : instances.map(({ name }) => name), terms)
  const odds = sums(weightsAmong(live, terms))
  return () => live[pickBy(random, odds)]
}

function bareOf(jid: string): string {
  const slash = jid.indexOf('/')
  return slash < 0 ? jid : jid.slice(0, slash)
}

function hasLocal(jid: string): boolean {
  return bareOf(jid).includes('@')
}
