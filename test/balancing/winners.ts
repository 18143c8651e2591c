import fc from 'fast-check'
import type { Ranking } from '../../balancing/ranking.ts'
import { slots } from '../../balancing/rendezvous.ts'

/** The winner's name of every slot, by the smallest hash in it. */
export function winners(ranking: Ranking): readonly (string | undefined)[] {
  return Array.from({ length: slots }, (_, slot) => ranking.names[ranking.pick(slot * slots)])
}

/** How many slots each name has won. */
export function each(ranking: Ranking): ReadonlyMap<string, number> {
  const won = new Map<string, number>(ranking.names.map((name) => [name, 0]))
  for (const name of winners(ranking)) if (name !== undefined) won.set(name, (won.get(name) ?? 0) + 1)
  return won
}

const name = fc.oneof(
  fc.nat(60).map((number) => `node/${number}`),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
)
export const names = (least: number, most = 12) => fc.uniqueArray(name, { minLength: least, maxLength: most })
export const few = { numRuns: 8 }
