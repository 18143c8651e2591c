import { type BucketTable, bucketOf, bucketTable, holder, join } from './buckets.ts'
import type { Criterion, HashName } from './criterion.ts'
import { hashText } from './hash.ts'
import { phash2OfParts } from './phash2.ts'
import { type Policy, randomIndex } from './policy.ts'
import { Rendezvous, slotOf } from './rendezvous.ts'

/** A domain to think about: its policy and the instances that it would have, in order of arrival. */
export interface Setting {
  readonly policy: Policy
  /** Names, or names with the bucket that their config names. */
  readonly instances: readonly { readonly name: string; readonly bucket?: number }[]
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
}

/** Chooses for one setting; undefined for a stanza whose key is to come from an address that is no JID. */
export type Chooser = (from: string, to: string) => Choice | undefined

type Place = Pick<Choice, 'bucket' | 'slot' | 'instance'>

/** The setting's chooser, slow and in strings: for what people ask, not for the stanza path. */
export function chooserFor(setting: Setting, normalise: Tools['normalise']): Chooser {
  const { policy } = setting
  if (policy.kind === 'local_random' || policy.kind === 'random') return () => anyOf
  const { hash: name } = policy.keying
  const hashOf = name === 'murmur3' ? hashText : phash2OfText
  const place = policy.kind === 'buckets' ? bucketPlaces(setting, policy.count) : rendezvousPlaces(setting)
  return (from, to) => {
    const target = normalise(to, name)
    const rule = target !== undefined && !hasLocal(target) ? policy.keying.withoutLocal : policy.keying.usual
    const address = rule.fromSource ? normalise(from, name) : target
    if (address === undefined) return undefined
    const key = rule.bare ? bareOf(address) : address
    const hash = hashOf(key)
    return { criterion: rule.criterion, key, hash, ...place(hash) }
  }
}

/** The parts of a JID's text, which is a tuple of three in ejabberd. */
function phash2OfText(jid: string): number {
  const bare = bareOf(jid)
  const sign = bare.indexOf('@')
  return phash2OfParts(bare.slice(0, Math.max(sign, 0)), bare.slice(sign + 1), jid.slice(bare.length + 1))
}

const anyOf: Choice = {
  criterion: 'random',
  key: undefined,
  hash: undefined,
  bucket: undefined,
  slot: undefined,
  instance: undefined,
}

function bucketPlaces({ instances }: Setting, count: number): (hash: number) => Place {
  const table = holdersOf(instances, count)
  return (hash) => {
    const bucket = bucketOf(hash, count)
    return { bucket, slot: undefined, instance: holder(table, bucket) }
  }
}

/** The table when the setting's instances have joined in their order. */
export function holdersOf(instances: Setting['instances'], count: number): BucketTable {
  return instances.reduce((table, { name, bucket }) => join(table, name, bucket).table, bucketTable(count))
}

function rendezvousPlaces({ instances }: Setting): (hash: number) => Place {
  const rendezvous = Rendezvous.of(instances.map(({ name }) => name))
  return (hash) => ({ bucket: undefined, slot: slotOf(hash), instance: rendezvous.names[rendezvous.pick(hash)] })
}

/** One of the instances that a random policy may pick; undefined when there is none. */
export function randomChooser({ policy, instances }: Setting, random: Tools['random']): () => string | undefined {
  const names = instances.map(({ name }) => name)
  const count = policy.kind === 'random' ? policy.count : undefined
  const live = count === undefined ? names : holdersOf(instances, count).holders.filter((name) => name !== undefined)
  return () => live[randomIndex(random, live.length)]
}

function bareOf(jid: string): string {
  const slash = jid.indexOf('/')
  return slash < 0 ? jid : jid.slice(0, slash)
}

function hasLocal(jid: string): boolean {
  return bareOf(jid).includes('@')
}
