import { type Case, casesOf, type Place } from '../case.ts'
import { addresses } from './addresses.ts'
import { characters } from './characters.ts'
import { elements } from './elements.ts'
import { excess } from './limits.ts'
import { opening } from './opening.ts'
import { restricted } from './restricted.ts'
import { wellFormed } from './well-formed.ts'

/** All hostile inputs by the rule of which they are a case: a name is unique at its place. */
export const catalogue: readonly Case[] = [
  ...opening,
  ...restricted,
  ...wellFormed,
  ...characters,
  ...excess,
  ...elements,
  ...addresses,
].flatMap(casesOf)

/** Those that stand at one place. */
export function casesAt(place: Place): readonly Case[] {
  return catalogue.filter(({ at }) => at.includes(place))
}
