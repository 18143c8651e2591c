import { Bounded } from './bounded.ts'
import { type Canary, isCanarys } from './canary.ts'
import { hashText } from './hash.ts'
import { Rendezvous } from './rendezvous.ts'
import { type Bound, sharing, type Terms, weightOf } from './terms.ts'
import { Weighted } from './weighted.ts'

/** Which name a key meets, by its hash and by nothing else. */
export interface Ranking {
  readonly names: readonly string[]
  /** The index in `names` of the one for a key's hash; -1 when there are no names. */
  pick(hash: number): number
  /** As `pick`, but for the one that it would be without a bound; absent where there is none. */
  preferred?(hash: number): number
}

/**
 * The ranking of a domain without buckets: by rendezvous among those that share, within the bound if there is one; and
 * the canary has its keys and, as long as another lives, no more.
 * @param plain of the same names, if there is one already: of use where all weigh the same
 */
export function rankingFor(names: Iterable<string>, terms: Terms, plain?: Rendezvous): Ranking {
  const all = [...new Set(names)]
  const { canary } = terms
  const others = all.filter((name) => name !== canary?.instance)
  // Where nobody else lives, the canary has to do.
  const apart = others.length > 0 && others.length < all.length ? canary : undefined
  const able = sharing(apart === undefined ? all : others, terms)
  const evenly = plain?.names.length === able.length ? plain : undefined
  const even = isEven(able, terms)
  const base = even ? (evenly ?? Rendezvous.of(able)) : Weighted.of(able, terms.weights)
  const weighing = even ? { weights: new Map<string, number>() } : terms
  const ranking = terms.bound === undefined ? base : new Bounded(base, weighing, boundFor(terms.bound, apart))
  return apart === undefined ? ranking : new WithCanary(ranking, apart)
}

/** Whom a key would meet without a bound. */
export function pickUnbounded(ranking: Ranking, hash: number): number {
  return ranking.preferred?.(hash) ?? ranking.pick(hash)
}

/** What the canary has is no load of the others. */
function boundFor(bound: Bound, canary: Canary | undefined): Bound {
  if (canary === undefined) return bound
  return { ...bound, hot: bound.hot.filter(({ key }) => !isCanarys(canary, hashText(key))) }
}

/** Whether nothing sets these names apart. */
function isEven(names: readonly string[], terms: Terms): boolean {
  const first = names[0]
  if (terms.weights.size === 0 || first === undefined) return true
  const weight = weightOf(terms, first)
  return names.every((name) => weightOf(terms, name) === weight)
}

/** A ranking of all but the canary, and the canary for its own keys. */
class WithCanary implements Ranking {
  readonly names: readonly string[]
  readonly #others: Ranking
  readonly #canary: Canary

  constructor(others: Ranking, canary: Canary) {
    this.names = Object.freeze([...others.names, canary.instance])
    this.#others = others
    this.#canary = canary
  }

  pick(hash: number): number {
    return isCanarys(this.#canary, hash) ? this.#others.names.length : this.#others.pick(hash)
  }

  preferred(hash: number): number {
    return isCanarys(this.#canary, hash) ? this.#others.names.length : pickUnbounded(this.#others, hash)
  }
}
