import { byUnits, type Seeds, scoreOf, seedsOf } from './contest.ts'

/** Keys fall into this many slots; a slot has one winner. A power of two, and no more than a Uint16Array can count. */
export const slots = 0x1_0000

/** Up to this many names, comparing their scores costs less than a table of winners would in memory (128 KiB). */
export const mostDirect = 8

/** The most names in one value: their indices have to fit the table's 16 bits. */
export const mostNames = 0xffff

/** The slot of a key's hash: its upper half. Buckets take the remainder, which for small counts rests on the lower. */
export function slotOf(hash: number): number {
  return hash >>> 16
}

/**
 * Rendezvous hashing: in each slot the name with the highest score wins, and scores depend on nothing but the name
 * and the slot. So every node gives the same answer, in whatever order it learnt the names, and a name that comes
 * or goes moves no key but its own. Never changed; `pick` costs the same for any number of names above `mostDirect`.
 */
export class Rendezvous {
  /** Sorted by UTF-16 units; `pick` gives indices into it. */
  readonly names: readonly string[]
  readonly #seeds: Seeds
  /** Per slot the index of its winner. Only for more than `mostDirect` names, and only once it is asked for. */
  #winners: Uint16Array | undefined

  private constructor(names: readonly string[], winners?: Uint16Array) {
    if (names.length > mostNames) throw new RangeError(`${names.length} names, of at most ${mostNames}`)
    this.names = Object.freeze(names)
    this.#seeds = seedsOf(names)
    this.#winners = winners
  }

  /** Of any names, in any order; a name that comes twice counts once. */
  static of(names: Iterable<string>): Rendezvous {
    return new Rendezvous([...new Set(names)].sort(byUnits))
  }

  /** The index in `names` of the instance for a key's hash; -1 when there are no names. */
  pick(hash: number): number {
    const slot = hash >>> 16
    if (this.names.length <= mostDirect) return this.#contest(slot)
    this.#winners ??= this.#contestAll()
    return this.#winners[slot] as number
  }

  /** This and one more name. Takes O(slots), whatever the number of names. */
  with(name: string): Rendezvous {
    if (this.names.includes(name)) return this
    const names = [...this.names, name].sort(byUnits)
    const winners = this.#winners
    if (winners === undefined) return new Rendezvous(names)
    const added = names.indexOf(name)
    const next = new Rendezvous(names, new Uint16Array(slots))
    next.#fill((slot) => {
      const before = winners[slot] as number
      return next.#better(slot, before < added ? before : before + 1, added)
    })
    return next
  }

  /** This without one of its names. Takes O(slots): only the slots that it had won are contested anew. */
  without(name: string): Rendezvous {
    const removed = this.names.indexOf(name)
    if (removed < 0) return this
    const names = this.names.filter((other) => other !== name)
    const winners = this.#winners
    if (winners === undefined || names.length <= mostDirect) return new Rendezvous(names)
    const next = new Rendezvous(names, new Uint16Array(slots))
    next.#fill((slot) => {
      const before = winners[slot] as number
      if (before === removed) return next.#contest(slot)
      return before < removed ? before : before - 1
    })
    return next
  }

  /** The winner of a slot among those whose entry in `open` is 1; -1 where there is none. Absent: among all. */
  contest(slot: number, open?: Uint8Array): number {
    if (open === undefined) return this.#contest(slot)
    const { first, second } = this.#seeds
    let winner = -1
    let best = -1
    for (let index = 0; index < this.names.length; index++) {
      if (open[index] === 0) continue
      const score = scoreOf(first[index] as number, second[index] as number, slot)
      if (score > best) {
        best = score
        winner = index
      }
    }
    return winner
  }

  #contestAll(): Uint16Array {
    const winners = new Uint16Array(slots)
    for (let slot = 0; slot < slots; slot++) winners[slot] = this.#contest(slot)
    return winners
  }

  #fill(winnerOf: (slot: number) => number): void {
    const winners = this.#winners
    if (winners === undefined) return
    for (let slot = 0; slot < slots; slot++) winners[slot] = winnerOf(slot)
  }

  #contest(slot: number): number {
    const count = this.names.length
    const { first, second } = this.#seeds
    let winner = -1
    let best = -1
    for (let index = 0; index < count; index++) {
      const score = scoreOf(first[index] as number, second[index] as number, slot)
      // At a tie the earlier name stays.
      if (score > best) {
        best = score
        winner = index
      }
    }
    return winner
  }

  #better(slot: number, one: number, other: number): number {
    const { first, second } = this.#seeds
    const scoreOne = scoreOf(first[one] as number, second[one] as number, slot)
    const scoreOther = scoreOf(first[other] as number, second[other] as number, slot)
    if (scoreOne === scoreOther) return Math.min(one, other)
    return scoreOne > scoreOther ? one : other
  }
}
