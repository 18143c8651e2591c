import { type Choice, chooserFor, holdersOf, liveCanary, randomChooser, type Setting, type Tools } from './chooser.ts'
import { type Hot, Hottest } from './hottest.ts'
import { weightsAmong } from './odds.ts'
import { noTerms } from './terms.ts'

/** One stanza, or as many like it as `weight` says (default 1; any unit, such as stanzas or bytes). */
export interface Traffic {
  readonly from: string
  readonly to: string
  readonly weight?: number
}

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
  /** The heaviest keys, at most ten; none under a random policy. */
  readonly hottest: readonly Hot[]
  /**
   * The greatest share over the mean one, or over what its weight makes fair: 1 is even. The canary's is left out. 0 when
   * there is nothing to compare.
   */
  readonly imbalance: number
  /** What it would be without `balance_factor`; only where there is one. */
  readonly imbalanceUnbounded?: number
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

const hottestShown = 10
const hottestCounted = 1000
const keysKept = 1_000_000

/** How the traffic would be shared out under a setting. Memory does not grow with the traffic. */
export function simulate(setting: Setting, traffic: Iterable<Traffic>, tools: Tools): Simulation {
  const choose = chooserFor(setting, tools.normalise)
  const anyInstance = randomChooser(setting, tools.random)
  const parts = new Map(partsOf(setting).map((part) => [labelOf(part), { ...part, weight: 0 }]))
  const unbounded = new Map(partsOf(setting).map((part) => [labelOf(part), { ...part, weight: 0 }]))
  const hottest = new Hottest(hottestCounted)
  let total = 0
  let unassigned = 0
  let malformed = 0
  for (const { from, to, weight = 1 } of traffic) {
    const choice = choose(from, to)
    if (choice === undefined) {
      malformed++
      continue
    }
    const { key, bucket } = choice
    const instance = choice.instance ?? (key === undefined ? anyInstance() : undefined)
    total += weight
    if (key !== undefined) hottest.add(key, weight)
    if (instance === undefined) unassigned += weight
    const part = parts.get(labelOf({ bucket, instance }))
    if (part !== undefined) part.weight += weight
    const first = unbounded.get(labelOf({ bucket, instance: choice.unbounded ?? instance }))
    if (first !== undefined) first.weight += weight
  }
  const shares = withShares([...parts.values()])
  return {
    weight: total,
    unassigned,
    malformed,
    shares,
    hottest: hottest.top(hottestShown),
    imbalance: imbalanceOf(shares, setting),
    ...(setting.terms?.bound === undefined
      ? {}
      : { imbalanceUnbounded: imbalanceOf(withShares([...unbounded.values()]), setting) }),
  }
}

type Part = Pick<Share, 'bucket' | 'instance'>

function partsOf(setting: Setting): readonly Part[] {
  const { policy, instances } = setting
  if (policy.kind !== 'buckets') return instances.map(({ name }) => ({ bucket: undefined, instance: name }))
  const parts: Part[] = holdersOf(setting, policy.count).holders.map((instance, bucket) => ({ bucket, instance }))
  const canary = liveCanary(setting)
  return canary === undefined ? parts : [...parts, { bucket: undefined, instance: canary.instance }]
}

function labelOf({ bucket, instance }: Part): string {
  return bucket === undefined ? `instance ${instance}` : `bucket ${bucket}`
}

function withShares(parts: readonly Omit<Share, 'share'>[]): readonly Share[] {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0)
  return parts.map((part) => ({ ...part, share: total === 0 ? 0 : part.weight / total }))
}

function imbalanceOf(shares: readonly Share[], setting: Setting): number {
  const canary = liveCanary(setting)?.instance
  const others = shares.filter(({ bucket, instance }) => bucket !== undefined || instance !== canary)
  const compared = canary === undefined || others.length === 0 ? shares : others
  const weighing = setting.policy.kind === 'buckets' ? undefined : setting.terms
  const weights = weightsAmong(
    compared.map(({ instance }) => instance ?? ''),
    weighing ?? noTerms,
  )
  const whole = compared.reduce((sum, { share }) => sum + share, 0)
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const fair = (index: number): number => (whole * (weights[index] ?? 0)) / all
  return compared.reduce((greatest, { share }, index) => {
    return share === 0 ? greatest : Math.max(greatest, share / fair(index))
  }, 0)
}

/** How much of the traffic, and how many of its keys, meet another instance under `after` than under `before`. */
export function compare(
  before: Setting,
  after: Setting,
  traffic: Iterable<Traffic>,
  normalise: Tools['normalise'],
): Comparison {
  const chooseBefore = chooserFor(before, normalise)
  const chooseAfter = chooserFor(after, normalise)
  const keys = new Map<string, boolean>()
  const sums = { weight: 0, malformed: 0, moved: 0, unpredictable: 0 }
  let keysComplete = true
  for (const { from, to, weight = 1 } of traffic) {
    const one = chooseBefore(from, to)
    const other = chooseAfter(from, to)
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
