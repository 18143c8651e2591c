import { has, type Ranges, ranges } from './code-points.ts'
import { leftToRight, rightToLeft, unassigned } from './stringprep-tables.ts'

/**
 * Stringprep (RFC 3454) as the profiles of XMPP use it: map (B.1 and `map`), normalise (KC), prohibit, check bidi.
 *
 * Code points that Unicode 3.2 did not assign pass as they are, as RFC 3454 §7 has it for queries and as the
 * servers do it: folding or composing them would make the result depend on the Unicode version of the running
 * Node, and then two nodes could disagree about a key.
 */
export function stringprep(text: string, prohibited: Ranges, map: (character: string) => string): string | undefined {
  let mapped = ''
  for (const character of text) {
    if (!has(mappedToNothing, codePoint(character))) mapped += map(character)
  }
  const prepared = normaliseKC(mapped)
  return isAllowed(prepared, prohibited) && isBidiSound(prepared) ? prepared : undefined
}

/** RFC 3454 table B.1. */
const mappedToNothing = ranges(
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x1806, 0x1806],
  [0x180b, 0x180d],
  [0x200b, 0x200d],
  [0x2060, 0x2060],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
)

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0
}

function isUnassigned(character: string): boolean {
  return has(unassigned, codePoint(character))
}

/**
 * One character by RFC 3454 table B.2: folded, and folded once more where normalisation brings out something to
 * fold (U+2122 is `TM` in KC, hence `tm`).
 */
export function foldForKC(character: string): string {
  if (character < '\x80') return character.toLowerCase()
  const folded = fold(character)
  const once = normaliseKC(folded)
  if (once === character) return character
  let twice = ''
  for (const part of once) twice += fold(part)
  twice = normaliseKC(twice)
  return once === twice ? folded : twice
}

/**
 * One character by RFC 3454 table B.3, which is the full case folding of Unicode 3.2: the lower case of the upper
 * case, but for the dotless i, which is its own. A pair whose other half came after 3.2 was no pair then.
 */
function fold(character: string): string {
  if (character === '\u0131' || isUnassigned(character)) return character
  const folded = character.toUpperCase().toLowerCase()
  for (const part of folded) {
    if (isUnassigned(part)) return character
  }
  return folded
}

/**
 * Normalisation form KC of Unicode 3.2: an unassigned code point neither changes nor combines with its neighbours.
 * For the others the form has not changed since, but for `corrected`.
 */
function normaliseKC(text: string): string {
  let normal = ''
  let run = ''
  for (const character of text) {
    if (isUnassigned(character)) {
      normal += run.normalize('NFKC') + character
      run = ''
    } else run += corrected.get(character) ?? character
  }
  return normal + run.normalize('NFKC')
}

/** What Unicode's Corrigendum 4 changed after 3.2: five ideographs, and what they stood for before. */
const corrected: ReadonlyMap<string, string> = new Map([
  ['\u{2f868}', '\u{2136a}'],
  ['\u{2f874}', '\u5f33'],
  ['\u{2f91f}', '\u43ab'],
  ['\u{2f95f}', '\u7aae'],
  ['\u{2f9bf}', '\u4d57'],
])

function isAllowed(text: string, prohibited: Ranges): boolean {
  for (const character of text) {
    if (has(prohibited, codePoint(character))) return false
  }
  return true
}

/** RFC 3454 §6: text with a right-to-left character has no left-to-right one, and begins and ends with the former. */
function isBidiSound(text: string): boolean {
  let right = false
  let left = false
  let endsRight = false
  let startsRight: boolean | undefined
  for (const character of text) {
    endsRight = has(rightToLeft, codePoint(character))
    startsRight ??= endsRight
    right ||= endsRight
    left ||= has(leftToRight, codePoint(character))
  }
  return !right || (!left && startsRight === true && endsRight)
}
