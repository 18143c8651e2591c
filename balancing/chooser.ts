import { type BucketTable, bucketOf, bucketTable, holder, join } from './buckets.ts'
import type { Criterion } from './criterion.ts'
import { type Policy, randomIndex } from './policy.ts'
import { Rendezvous, slotOf } from './rendezvous.ts'
import { keyOf, type Normalise, type Traffic } from './traffic.ts'

/** A domain to think about: its policy and the instances that it would have, in order of arrival. */
export interface Setting {
  readonly policy: Policy
  /** Names, or names with the bucket that their config names. */
  readonly instances: readonly { readonly name: string; readonly bucket?: number }[]
  /** Who has which bucket, where that is known; otherwise it is as if the instances had joined in their order. */
  readonly table?: BucketTable | undefined
}

/** What the kernel must be given, as it may import neither the JID's rules nor a random source. */
export interface Tools {
  readonly normalise: Normalise
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
}

/** Chooses for one setting; undefined for a stanza whose key is to come from an address that is no JID. */
export type Chooser = (traffic: Traffic) => Choice | undefined

export type Place = Pick<Choice, 'bucket' | 'slot' | 'instance'>

/** The setting's chooser, slow and in strings: for what people ask, not for the stanza path. */
export function chooserFor(setting: Setting, normalise: Tools['normalise']): Chooser {
  const { policy } = setting
  if (policy.kind === 'local_random' || policy.kind === 'random') return () => anyOf
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
  switch (setting.policy.kind) {
    case 'local_random':
    case 'random':
      return () => anyOf
    case 'buckets':
      return bucketPlaces(setting, setting.policy.count)
    case 'rendezvous':
      return rendezvousPlaces(setting)
  }
}

/** The parts of a JID's text, which is a tuple of three in ejabberd. */
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

/** The setting's table, or the one that there is when its instances have joined in their order. */
export function holdersOf({ instances, table }: Setting, count: number): BucketTable {
  if (table !== undefined) return table
  return instances.reduce((table, { name, bucket }) => join(table, name, bucket).table, bucketTable(count))
}

function rendezvousPlaces({ instances }: Setting): (hash: number) => Place {
  const rendezvous = Rendezvous.of(instances.map(({ name }) => name))
  return (hash) => ({ bucket: undefined, slot: slotOf(hash), instance: rendezvous.names[rendezvous.pick(hash)] })
}

/** One of the instances that a random policy may pick; undefined when there is none. */
export function randomChooser(setting: Setting, random: Tools['random']): () => string | undefined {
  const { policy } = setting
  const names = setting.instances.map(({ name }) => name)
  const count = policy.kind === 'random' ? policy.count : undefined
  const live = count === undefined ? names : holdersOf(setting, count).holders.filter((name) => name !== undefined)
  return () => live[randomIndex(random, live.length)]
}
