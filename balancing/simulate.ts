import {
  type Choice,
  type Chooser,
  chooserFor,
  holdersOf,
  liveCanary,
  type Place,
  placesOf,
  randomParts,
  type Setting,
  type Tools,
} from './chooser.ts'
import { type Hot, Hottest } from './hottest.ts'
import { weightsAmong } from './odds.ts'
import { noTerms } from './terms.ts'
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
  /**
   * The greatest share over the mean one, or over what its weight makes fair: 1 is even. The canary's is left out. 0 when
   * there is nothing to compare.
   */
  readonly imbalance: number
  /** What it would be without `balance_factor`; only where there is one. */
  readonly imbalanceUnbounded?: number
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
  const simulator = new Simulator(setting, tools)
  for (const stanza of traffic) simulator.add(stanza)
  return simulator.result()
}

/** `simulate`, one stanza after the other. */
export class Simulator {
  readonly #setting: Setting
  readonly #choose: Chooser
  readonly #place: (hash: number) => Place
  /** What any instance may get: it is shared out as it is on average, as a draw of its own for each stanza would be. */
  readonly #anyones: ReadonlyMap<string, number>
  readonly #parts: Parts
  /** Without `balance_factor`. */
  readonly #unbounded: Parts
  readonly #hottest = new Hottest(hottestCounted)
  #weight = 0
  #unassigned = 0
  #atRandom = 0
  #malformed = 0

  constructor(setting: Setting, { normalise }: Tools) {
    this.#setting = setting
    this.#choose = chooserFor(setting, normalise)
    this.#place = placesOf(setting)
    this.#anyones = randomParts(setting)
    this.#parts = emptyParts(setting)
    this.#unbounded = emptyParts(setting)
  }

  add(stanza: Traffic): void {
    const { weight = 1 } = stanza
    const choice = this.#choose(stanza)
    if (choice === undefined) {
      this.#malformed++
      return
    }
    const { key, hash, bucket, instance } = choice
    this.#weight += weight
    if (key === undefined && instance === undefined && this.#anyones.size > 0) {
      this.#atRandom += weight
      return
    }
    if (key !== undefined && hash !== undefined) this.#hottest.add(key, weight, hash)
    if (instance === undefined) this.#unassigned += weight
    const part = this.#parts.get(labelOf({ bucket, instance }))
    if (part !== undefined) part.weight += weight
    const first = this.#unbounded.get(labelOf({ bucket, instance: choice.unbounded ?? instance }))
    if (first !== undefined) first.weight += weight
  }

  result(): Simulation {
    const weight = this.#weight
    const shares = withShares(this.#withRandom(this.#parts))
    const peak = shares.reduce((greatest, { share }) => Math.max(greatest, share), 0)
    const hottest = this.#hottest.top(HOTTEST).map((hot) => {
      const { bucket, instance } = this.#place(hot.hash)
      return { ...hot, share: weight === 0 ? 0 : hot.weight / weight, bucket, instance }
    })
    const counts = { weight, unassigned: this.#unassigned, malformed: this.#malformed }
    const imbalance = imbalanceOf(shares, this.#setting)
    if (this.#setting.terms?.bound === undefined) return { ...counts, shares, hottest, imbalance, peak }
    const imbalanceUnbounded = imbalanceOf(withShares(this.#withRandom(this.#unbounded)), this.#setting)
    return { ...counts, shares, hottest, imbalance, imbalanceUnbounded, peak }
  }

  #withRandom(parts: Parts): readonly Omit<Share, 'share'>[] {
    return [...parts.values()].map((part) => ({
      ...part,
      weight: part.weight + this.#atRandom * (this.#anyones.get(part.instance ?? '') ?? 0),
    }))
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

type Parts = Map<string, Part & { weight: number }>

function emptyParts(setting: Setting): Parts {
  return new Map(partsOf(setting).map((part) => [labelOf(part), { ...part, weight: 0 }]))
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
export function compare(before: Setting, after: Setting, traffic: Iterable<Traffic>, normalise: Normalise): Comparison {
  const comparer = new Comparer(before, after, normalise)
  for (const stanza of traffic) comparer.add(stanza)
  return comparer.result()
}

/** `compare`, one stanza after the other. */
export class Comparer {
  readonly #before: Chooser
  readonly #after: Chooser
  /** Whether it moves, by key. */
  readonly #keys = new Map<string, boolean>()
  readonly #sums = { weight: 0, malformed: 0, moved: 0, unpredictable: 0 }
  #keysComplete = true

  constructor(before: Setting, after: Setting, normalise: Normalise) {
    this.#before = chooserFor(before, normalise)
    this.#after = chooserFor(after, normalise)
  }

  add(stanza: Traffic): void {
    const { weight = 1 } = stanza
    const sums = this.#sums
    const one = this.#before(stanza)
    const other = this.#after(stanza)
    if (one === undefined || other === undefined) {
      sums.malformed++
      return
    }
    sums.weight += weight
    if (one.key === undefined || other.key === undefined) {
      sums.unpredictable += weight
      return
    }
    const moves = targetOf(one) !== targetOf(other)
    if (moves) sums.moved += weight
    const known = this.#keys.get(one.key)
    if (known === undefined && this.#keys.size >= keysKept) this.#keysComplete = false
    else this.#keys.set(one.key, moves || known === true)
  }

  result(): Comparison {
    let movedKeys = 0
    for (const moves of this.#keys.values()) if (moves) movedKeys++
    return { ...this.#sums, keys: this.#keys.size, movedKeys, keysComplete: this.#keysComplete }
  }
}

function targetOf({ bucket, instance }: Choice): string {
  return instance === undefined ? `bucket ${bucket}` : `instance ${instance}`
}
