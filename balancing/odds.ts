import { sharing, type Terms, weightOf } from './terms.ts'

/** The part of its weight that an instance has when it joins. */
export const firstPart = 0.1

/** How much of its weight an instance has that joined so long ago: rises evenly from `firstPart` to 1. */
export function partAfter(seconds: number, slowStartSeconds: number): number {
  if (slowStartSeconds === 0 || seconds >= slowStartSeconds) return 1
  return firstPart + (1 - firstPart) * (Math.max(0, seconds) / slowStartSeconds)
}

/** Those that a random stanza may meet: the canary and those of weight 0 only where there is no other. */
export function randomly(names: readonly string[], terms: Terms): readonly string[] {
  const others = names.filter((name) => name !== terms.canary?.instance)
  return sharing(others.length > 0 ? others : names, terms)
}

/** The weights of `names` among each other; where all have 0, they are alike. */
export function weightsAmong(names: readonly string[], terms: Pick<Terms, 'weights'>): readonly number[] {
  const weights = names.map((name) => weightOf(terms, name))
  return weights.every((weight) => weight === 0) ? weights.map(() => 1) : weights
}

/** Sums of the weights up to each index: what `pickBy` takes. */
export function sums(weights: readonly number[]): Float64Array {
  const made = new Float64Array(weights.length)
  let sum = 0
  for (const [index, weight] of weights.entries()) {
    sum += weight
    made[index] = sum
  }
  return made
}

/** An index, each as likely as its weight; -1 when there is none. `random` is in [0, 1). */
export function pickBy(random: () => number, sumsOfWeights: Float64Array): number {
  const count = sumsOfWeights.length
  if (count === 0) return -1
  const point = random() * (sumsOfWeights[count - 1] as number)
  let [low, high] = [0, count - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sumsOfWeights[middle] as number) > point) high = middle
    else low = middle + 1
  }
  return low
}
