import { type Choice, chooserFor, holdersOf, placesOf, randomChooser, type Setting, type Tools } from './chooser.ts'
import { type Hot, Hottest } from './hottest.ts'
import type { Normalise, Traffic } from './traffic.ts'

/** What one bucket, or one instance where the domain has no buckets, would get. */
export interface Share {
  readonly bucket: number | undefined
  /** Undefined for a free bucket. */
  readonly instance: string | undefined
  readonly weight: number
  /** Of the weight that was shared out: 0 to 1. */
  readonly share: number
}

export interface Simulation {
  /** All weight but that of `malformed`. */
  readonly weight: number
  /** Weight that meets no instance. */
  readonly unassigned: number
  /** Traffic entries whose key is to come from an address that is no JID. */
  readonly malformed: number
  readonly shares: readonly Share[]
  /** The heaviest keys, at most `HOTTEST`; none under a random policy. */
  readonly hottest: readonly HotKey[]
  /** The greatest share over the mean one: 1 is even. 0 when there is nothing to compare. */
  readonly imbalance: number
  /** The greatest share: 0 to 1. */
  readonly peak: number
}

/** A key of much weight, and where it is. */
export interface HotKey extends Hot {
  /** Of all weight: 0 to 1. */
  readonly share: number
  readonly bucket: number | undefined
  readonly instance: string | undefined
}

export interface Comparison {
  readonly weight: number
  readonly malformed: number
  /** Weight that meets another instance (or, where neither side has one, another bucket). */
  readonly moved: number
  /** Weight that meets any instance under at least one of the two, so that nobody can say whether it moves. */
  readonly unpredictable: number
  /** Different keys (of the first setting) seen, and those of them with traffic that moves. */
  readonly keys: number
  readonly movedKeys: number
  /** false when there were more different keys than are kept apart: then `keys` and `movedKeys` are too low. */
  readonly keysComplete: boolean
}

/** How many of the heaviest keys are told. */
export const HOTTEST = 20
const hottestCounted = 1000
const keysKept = 1_000_000

/** How the traffic would be shared out under a setting. Memory does not grow with the traffic. */
export function simulate(setting: Setting, traffic: Iterable<Traffic>, tools: Tools): Simulation {
  const choose = chooserFor(setting, tools.normalise)
  const anyInstance = randomChooser(setting, tools.random)
  const parts = new Map(partsOf(setting).map((part) => [labelOf(part), { ...part, weight: 0 }]))
  const hottest = new Hottest(hottestCounted)
  let total = 0
  let unassigned = 0
  let malformed = 0
  for (const stanza of traffic) {
    const { weight = 1 } = stanza
    const choice = choose(stanza)
    if (choice === undefined) {
      malformed++
      continue
    }
    const { key, hash, bucket } = choice
    const instance = key === undefined ? anyInstance() : choice.instance
    total += weight
    if (key !== undefined && hash !== undefined) hottest.add(key, weight, hash)
    if (instance === undefined) unassigned += weight
    const part = parts.get(labelOf({ bucket, instance }))
    if (part !== undefined) part.weight += weight
  }
  const shares = withShares([...parts.values()])
  const peak = shares.reduce((greatest, { share }) => Math.max(greatest, share), 0)
  const place = placesOf(setting)
  return {
    weight: total,
    unassigned,
    malformed,
    shares,
    hottest: hottest.top(HOTTEST).map((hot) => {
      const { bucket, instance } = place(hot.hash)
      return { ...hot, share: total === 0 ? 0 : hot.weight / total, bucket, instance }
    }),
    imbalance: peak * shares.length,
    peak,
  }
}

type Part = Pick<Share, 'bucket' | 'instance'>

function partsOf(setting: Setting): readonly Part[] {
  const { policy, instances } = setting
  if (policy.kind !== 'buckets') return instances.map(({ name }) => ({ bucket: undefined, instance: name }))
  const table = holdersOf(setting, policy.count)
  return table.holders.map((instance, bucket) => ({ bucket, instance }))
}

function labelOf({ bucket, instance }: Part): string {
  return bucket === undefined ? `instance ${instance}` : `bucket ${bucket}`
}

function withShares(parts: readonly Omit<Share, 'share'>[]): readonly Share[] {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0)
  return parts.map((part) => ({ ...part, share: total === 0 ? 0 : part.weight / total }))
}

/** How much of the traffic, and how many of its keys, meet another instance under `after` than under `before`. */
export function compare(before: Setting, after: Setting, traffic: Iterable<Traffic>, normalise: Normalise): Comparison {
  const chooseBefore = chooserFor(before, normalise)
  const chooseAfter = chooserFor(after, normalise)
  const keys = new Map<string, boolean>()
  const sums = { weight: 0, malformed: 0, moved: 0, unpredictable: 0 }
  let keysComplete = true
  for (const stanza of traffic) {
    const { weight = 1 } = stanza
    const one = chooseBefore(stanza)
    const other = chooseAfter(stanza)
    if (one === undefined || other === undefined) {
      sums.malformed++
      continue
    }
    sums.weight += weight
    if (one.key === undefined || other.key === undefined) {
      sums.unpredictable += weight
      continue
    }
    const moves = targetOf(one) !== targetOf(other)
    if (moves) sums.moved += weight
    const known = keys.get(one.key)
    if (known === undefined && keys.size >= keysKept) keysComplete = false
    else keys.set(one.key, moves || known === true)
  }
  let movedKeys = 0
  for (const moves of keys.values()) if (moves) movedKeys++
  return { ...sums, keys: keys.size, movedKeys, keysComplete }
}

function targetOf({ bucket, instance }: Choice): string {
  return instance === undefined ? `bucket ${bucket}` : `instance ${instance}`
}
