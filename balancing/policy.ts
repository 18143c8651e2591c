import { type BareDomain, type Criterion, type HashName, type Keying, keyingFor } from './criterion.ts'

/** How a domain's stanzas are shared out, settled when the config is read. */
export type Policy =
  /** Any instance of this node, per stanza; elsewhere when it has none. */
  | { readonly kind: 'local_random' }
  /** Any live instance or, where the domain has buckets, any live holder, per stanza. */
  | { readonly kind: 'random'; readonly count: number | undefined }
  /** One instance per key, by rendezvous over the instances' names. */
  | { readonly kind: 'rendezvous'; readonly keying: Keying }
  /** One of `count` buckets per key. */
  | { readonly kind: 'buckets'; readonly keying: Keying; readonly count: number }

/** A domain's `domain_balancing` entry, as the config has it. */
export interface Balancing {
  /** Absent: `random`, as in ejabberd. */
  readonly type?: Criterion | undefined
  readonly component_number?: number | undefined
}

/** The policy of a domain: `balancing` is its `domain_balancing` entry, undefined when it has none. */
export function policyFor(
  balancing: Balancing | undefined,
  bareDomain: BareDomain = 'destination',
  hash: HashName = 'murmur3',
): Policy {
  if (balancing === undefined) return localRandom
  const { type = 'random', component_number: count } = balancing
  if (type === 'random') return Object.freeze({ kind: 'random', count })
  const keying = keyingFor(type, bareDomain, hash)
  return Object.freeze(count === undefined ? { kind: 'rendezvous', keying } : { kind: 'buckets', keying, count })
}

const localRandom: Policy = Object.freeze({ kind: 'local_random' })

/**
 * A random index below `count`; -1 when there is nothing to pick from.
 * @param random gives a number in [0, 1), as `Math.random` does
 */
export function randomIndex(random: () => number, count: number): number {
  return count === 0 ? -1 : Math.floor(random() * count)
}
