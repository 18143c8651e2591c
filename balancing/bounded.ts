import { hashText } from './hash.ts'
import type { HotKey } from './hot-key.ts'
import { slotOf, slots } from './rendezvous.ts'
import type { Bound } from './terms.ts'

/** What a bound is laid upon: `Rendezvous` or `Weighted`. */
export interface Contest {
  readonly names: readonly string[]
  pick(hash: number): number
  contest(slot: number, open?: Uint8Array): number
}

/** Shares of hot keys count in thousandths of a percent. */
export const hotUnits = 100_000

/**
 * A ranking in which nobody has more than `factor` percent of a fair share, as far as the load is known: the shares of
 * the hot keys, and the rest spread evenly over all slots. A hot key cannot be split, so its instance gives up other
 * slots: those go to whoever is next in their own ranking and has room. Made of the names, the weights and the config
 * alone, so all nodes have the same; all sums are integers below 2^53.
 */
export class Bounded {
  readonly names: readonly string[]
  readonly #base: Contest
  readonly #weighing: { readonly weights: ReadonlyMap<string, number> }
  readonly #bound: Bound
  #winners: Uint16Array | undefined

  constructor(base: Contest, weighing: { readonly weights: ReadonlyMap<string, number> }, bound: Bound) {
    this.names = base.names
    this.#base = base
    this.#weighing = weighing
    this.#bound = bound
  }

  pick(hash: number): number {
    if (this.names.length < 2) return this.names.length - 1
    this.#winners ??= this.#assign()
    return this.#winners[hash >>> 16] as number
  }

  /** Whom a key would meet without the bound. */
  preferred(hash: number): number {
    return this.#base.pick(hash)
  }

  /** Heavy slots first, each to the best that has room; then all others, in order. */
  #assign(): Uint16Array {
    const { names } = this
    const hot = hotSlots(this.#bound.hot)
    const rest = hotUnits - [...hot.values()].reduce((sum, units) => sum + units, 0)
    const weights = names.map((name) => this.#weighing.weights.get(name) ?? 1)
    const all = weights.reduce((sum, weight) => sum + weight, 0)
    // One unit of load is a 65 536th of a thousandth of a percent: a slot without hot keys has `rest` of them.
    const total = hotUnits * slots
    const rooms = weights.map((weight) => Math.ceil((this.#bound.factor * total * weight) / (100 * all)))
    const open = new Uint8Array(names.length)
    const winners = new Uint16Array(slots)
    const give = (slot: number, index: number, load: number): void => {
      winners[slot] = index
      rooms[index] = (rooms[index] as number) - load
    }
    const heavy = [...hot].sort(([one, units], [other, others]) => others - units || one - other)
    for (const [slot, units] of heavy) {
      const load = units * slots + rest
      if (openRoomy(open, rooms, load) === 0) openEmptiest(open, rooms, weights)
      give(slot, this.#base.contest(slot, open), load)
    }
    // There is room for all of these: the bounds add up to more than the whole, and whoever is above its own has less left.
    openRoomy(open, rooms, rest)
    for (let slot = 0; slot < slots; slot++) {
      if (hot.has(slot)) continue
      const preferred = this.#base.pick(slot * slots)
      const other = open[preferred] === 1 ? preferred : this.#base.contest(slot, open)
      // With tens of thousands of names a slot is more than a whole share.
      const index = other < 0 ? preferred : other
      give(slot, index, rest)
      if ((rooms[index] as number) < rest) open[index] = 0
    }
    return winners
  }
}

/** Per slot with hot keys what those have, in `hotUnits`. */
function hotSlots(keys: readonly HotKey[]): ReadonlyMap<number, number> {
  const units = new Map<number, number>()
  for (const { key, percent } of keys) {
    const slot = slotOf(hashText(key))
    units.set(slot, (units.get(slot) ?? 0) + Math.round((percent * hotUnits) / 100))
  }
  return units
}

/** Opens those that have room for a load; returns how many. */
function openRoomy(open: Uint8Array, rooms: readonly number[], load: number): number {
  let count = 0
  for (const [index, room] of rooms.entries()) {
    open[index] = room >= load ? 1 : 0
    count += open[index]
  }
  return count
}

/** Where no one has room: opens those that have most of it left, or are the least above, for their weight. */
function openEmptiest(open: Uint8Array, rooms: readonly number[], weights: readonly number[]): void {
  const relative = rooms.map((room, index) => room / (weights[index] as number))
  const most = relative.reduce((greatest, one) => Math.max(greatest, one))
  for (const [index, one] of relative.entries()) open[index] = one === most ? 1 : 0
}
