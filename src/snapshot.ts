import { Rendezvous } from '../balancing/rendezvous.ts'
import type { Instance } from './instance.ts'

/** Who takes a domain's stanzas: rebuilt when that changes, only read per stanza. */
export interface Snapshot {
  /** Whom a random stanza may meet. */
  readonly random: readonly Instance[]
  /** Per bucket its holder. */
  readonly holders: readonly (Instance | undefined)[]
  /** By the index that `rendezvous` picks. */
  readonly ranked: readonly Instance[]
  readonly rendezvous: Rendezvous
}

/** The ranking of `members`: from the one before by single steps where those are few, as each costs less than to start anew. */
export function rankingOf(members: ReadonlyMap<string, Instance>, before: Rendezvous): Rendezvous {
  const known = new Set(before.names)
  const joined = [...members.keys()].filter((name) => !known.has(name))
  const left = before.names.filter((name) => !members.has(name))
  if (joined.length + left.length > members.size / 2) return Rendezvous.of(members.keys())
  let ranking = before
  for (const name of left) ranking = ranking.without(name)
  for (const name of joined) ranking = ranking.with(name)
  return ranking
}

/**
 * Those of `able` that a random stanza may meet: not one that reads or answers nothing, unless there is no other; and
 * with `isLocalFirst` none of another node, as long as there is one here.
 */
export function randomOf(able: Iterable<Instance | undefined>, isLocalFirst: boolean): readonly Instance[] {
  const all = [...able].filter((instance) => instance !== undefined).filter(({ state }) => state !== 'draining')
  const local = isLocalFirst ? all.filter(({ node }) => node === undefined) : all
  const candidates = local.length > 0 ? local : all
  const reading = candidates.filter(({ state }) => state !== 'stalled' && state !== 'suspect')
  return reading.length > 0 ? reading : candidates
}
