import { type Canary, canaryOf } from './canary.ts'
import type { HotKey } from './hot-key.ts'

/** The weight of an instance that the config gives none, and the greatest that there is. */
export const usualWeight = 1
export const mostWeight = 1000

/** In percent of a fair share: less would leave too little room for a key that has lost its place. */
export const balanceFactors = { least: 125, most: 1000 } as const

/** How much an instance may have, and what is known to be heavy. */
export interface Bound {
  /** In percent of an instance's fair share, which is by weight. */
  readonly factor: number
  readonly hot: readonly HotKey[]
}

/** What sets a domain's instances apart, by name. The same on all nodes, as it is the config's alone. */
export interface Terms {
  /** Only of those that have one of their own. */
  readonly weights: ReadonlyMap<string, number>
  readonly canary: Canary | undefined
  readonly bound: Bound | undefined
  /** How long an instance that joins takes to its full share of random stanzas; 0: it has it at once. */
  readonly slowStartSeconds: number
}

/** What the config says of a domain, as far as it matters here. */
export interface Termed {
  readonly instances?: ReadonlyMap<string, { readonly weight?: number }> | undefined
  readonly canary?: { readonly instance: string; readonly percent: number } | undefined
  readonly balance_factor?: number | undefined
  readonly hot_keys?: ReadonlyMap<string, number> | undefined
  readonly slow_start_seconds?: number | undefined
}

export const noTerms: Terms = Object.freeze({
  weights: new Map<string, number>(),
  canary: undefined,
  bound: undefined,
  slowStartSeconds: 0,
})

export function termsFor({ instances, canary, balance_factor, hot_keys, slow_start_seconds = 0 }: Termed): Terms {
  const named = [...(instances ?? [])]
  const weights = new Map(
    named.flatMap(([name, { weight }]) => (weight === undefined ? [] : [[name, weight] as const])),
  )
  if (weights.size === 0 && canary === undefined && balance_factor === undefined && slow_start_seconds === 0) {
    return noTerms
  }
  const hot = [...(hot_keys ?? [])].map(([key, percent]) => ({ key, percent }))
  return Object.freeze({
    weights,
    canary: canary && canaryOf(canary.instance, canary.percent),
    bound: balance_factor === undefined ? undefined : Object.freeze({ factor: balance_factor, hot }),
    slowStartSeconds: slow_start_seconds,
  })
}

export function weightOf(terms: Pick<Terms, 'weights'>, name: string): number {
  return terms.weights.get(name) ?? usualWeight
}

/**
 * Those of `names` that have a share: not one of weight 0, as long as there is another. Where all have 0 they share
 * evenly, as somebody has to.
 */
export function sharing(names: readonly string[], terms: Pick<Terms, 'weights'>): readonly string[] {
  if (terms.weights.size === 0) return names
  const able = names.filter((name) => weightOf(terms, name) > 0)
  return able.length > 0 ? able : names
}
