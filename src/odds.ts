import { partAfter, pickBy, sums, weightsAmong } from '../balancing/odds.ts'
import type { Policy } from '../balancing/policy.ts'
import { type Terms, weightOf } from '../balancing/terms.ts'
import type { Clock } from './clock.ts'
import type { Instance } from './instance.ts'

/** So often those that rise are weighed anew: with every tick of the clock, as its ticks are longer. */
const STEP_MILLISECONDS = 1

/** A domain, as far as the weights of its instances go. */
interface Weighing {
  readonly policy: Policy
  readonly terms: Terms
  readonly clock: Clock
}

/**
 * The weight that an instance has now: all of its own, or part of it while it starts slowly. Null where that decides
 * nothing: of the canary, and of holders of buckets.
 */
export function weightNow({ name, joinedAt }: Instance, { policy, terms, clock }: Weighing): number | null {
  if (policy.kind === 'buckets' || terms.canary?.instance === name) return null
  return weightOf(terms, name) * partAfter((clock.now - joinedAt) / 1000, terms.slowStartSeconds)
}

/** How likely a random stanza meets which instance: by weight, and one that has just joined by part of its own. */
export class Odds {
  readonly #instances: readonly Instance[]
  readonly #weights: readonly number[]
  readonly #slowStartSeconds: number
  readonly #clock: Clock
  #sums: Float64Array = new Float64Array()
  /** They are so until then, in the clock's milliseconds. */
  #until = Number.NEGATIVE_INFINITY

  constructor(instances: readonly Instance[], terms: Terms, clock: Clock) {
    this.#instances = instances
    this.#weights = weightsAmong(
      instances.map(({ name }) => name),
      terms,
    )
    this.#slowStartSeconds = terms.slowStartSeconds
    this.#clock = clock
  }

  /** @param random gives a number in [0, 1) */
  pick(random: () => number): Instance | undefined {
    if (this.#clock.now >= this.#until) this.#weigh()
    return this.#instances[pickBy(random, this.#sums)]
  }

  #weigh(): void {
    const { now } = this.#clock
    let isRising = false
    const weights = this.#instances.map(({ joinedAt }, index) => {
      const part = partAfter((now - joinedAt) / 1000, this.#slowStartSeconds)
      if (part < 1) isRising = true
      return part * (this.#weights[index] as number)
    })
    this.#sums = sums(weights)
    this.#until = isRising ? now + STEP_MILLISECONDS : Number.POSITIVE_INFINITY
  }
}
