import { byUnits, type Seeds, scoreOf, seedsOf } from './contest.ts'
import { negativeLog2 } from './logarithm.ts'
import { mostDirect, mostNames, slots } from './rendezvous.ts'
import { usualWeight } from './terms.ts'

/** Names of one weight: among them the highest score wins, without a logarithm. */
interface Class {
  readonly weight: number
  readonly indices: Uint16Array
}

/**
 * Rendezvous hashing in which a name's share is as its weight: in each slot the least -log2(score)/weight wins
 * (Schindelhauer and Schomaker 2005; Mosberger's weighted rendezvous). The logarithms are integers, and quotients are
 * compared crosswise, so that all nodes agree to the last key. With equal weights it is `Rendezvous`.
 */
export class Weighted {
  /** Sorted by UTF-16 units; `pick` gives indices into it. */
  readonly names: readonly string[]
  readonly #seeds: Seeds
  readonly #classes: readonly Class[]
  /** As of `Rendezvous`. */
  #winners: Uint16Array | undefined

  private constructor(names: readonly string[], weights: ReadonlyMap<string, number>) {
    if (names.length > mostNames) throw new RangeError(`${names.length} names, of at most ${mostNames}`)
    this.names = Object.freeze(names)
    this.#seeds = seedsOf(names)
    this.#classes = classesOf(names, weights)
  }

  /** Of any names, in any order. `weights`: positive integers up to `mostWeight`; who has none weighs `usualWeight`. */
  static of(names: Iterable<string>, weights: ReadonlyMap<string, number>): Weighted {
    return new Weighted([...new Set(names)].sort(byUnits), weights)
  }

  /** The index in `names` of the instance for a key's hash; -1 when there are no names. */
  pick(hash: number): number {
    const slot = hash >>> 16
    if (this.names.length <= mostDirect) return this.contest(slot)
    this.#winners ??= this.#contestAll()
    return this.#winners[slot] as number
  }

  /** The winner of a slot among those whose entry in `open` is 1; -1 where there is none. Absent: among all. */
  contest(slot: number, open?: Uint8Array): number {
    const { first, second } = this.#seeds
    let winner = -1
    let best = -1
    let cost = 0
    let weight = 1
    for (const one of this.#classes) {
      let index = -1
      let score = -1
      for (const candidate of one.indices) {
        if (open !== undefined && open[candidate] === 0) continue
        const scored = scoreOf(first[candidate] as number, second[candidate] as number, slot)
        if (scored > score) {
          score = scored
          index = candidate
        }
      }
      if (index < 0) continue
      const own = negativeLog2(score)
      // Both products are below 2^47, so they are exact. At a tie the higher score wins, then the earlier name.
      const lead = winner < 0 ? -1 : own * weight - cost * one.weight
      if (lead > 0 || (lead === 0 && (score < best || (score === best && index > winner)))) continue
      winner = index
      best = score
      cost = own
      weight = one.weight
    }
    return winner
  }

  #contestAll(): Uint16Array {
    const winners = new Uint16Array(slots)
    for (let slot = 0; slot < slots; slot++) winners[slot] = this.contest(slot)
    return winners
  }
}

function classesOf(names: readonly string[], weights: ReadonlyMap<string, number>): readonly Class[] {
  const indices = new Map<number, number[]>()
  for (const [index, name] of names.entries()) {
    const weight = weights.get(name) ?? usualWeight
    const known = indices.get(weight)
    if (known === undefined) indices.set(weight, [index])
    else known.push(index)
  }
  return [...indices].map(([weight, all]) => ({ weight, indices: Uint16Array.from(all) }))
}
