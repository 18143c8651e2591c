import { hashText, mix } from './hash.ts'

/** Two hashes of a name: with one, two names that share it would tie in every slot and one of them get nothing. */
export interface Seeds {
  readonly first: Uint32Array
  readonly second: Uint32Array
}

export function seedsOf(names: readonly string[]): Seeds {
  return {
    first: Uint32Array.from(names, (name) => hashText(name)),
    second: Uint32Array.from(names, (name) => hashText(name, 1)),
  }
}

/** The score of a name, by its seeds, in a slot: an unsigned 32-bit number. */
export function scoreOf(first: number, second: number, slot: number): number {
  return mix(first ^ mix(second + slot))
}

/** Not by locale: every node has to sort alike. */
export function byUnits(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
