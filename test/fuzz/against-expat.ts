import assert from 'node:assert/strict'
import { Dice, Generator } from './generator.ts'
import type { Oracle, Verdict } from './oracle.ts'
import { both, everyByte, plain, type Reading, randomCuts, read } from './reading.ts'

export interface ExpatRun {
  readonly seed: number
  /** How many documents at most. */
  readonly documents: number
  /** One document in so many is also read byte by byte: it takes ten times as long as all else. */
  readonly everyByteOf: number
  /** Asked now and then: no more documents once it is true. */
  readonly isOver?: () => boolean
}

/** So many verdicts are asked for while as many are waited for: the two processes work at the same time. */
const AT_ONCE = 256

/** Documents from a grammar, by framer and expat; throws at the first about which they differ. Returns how many there were of each outcome. */
export async function runAgainstExpat(oracle: Oracle, run: ExpatRun): Promise<ReadonlyMap<string, number>> {
  const dice = new Dice(run.seed)
  const generator = new Generator(dice)
  const seen = new Map<string, number>()
  let waiting: Promise<unknown> = Promise.resolve()
  let asked: Promise<void>[] = []
  /** The first of those that are judged at the same time. */
  let failure: unknown
  const fail = (error: unknown): void => {
    failure ??= error
  }
  for (let n = 0; n < run.documents; n++) {
    if (asked.length >= AT_ONCE) {
      await waiting
      if (failure !== undefined) throw failure
      waiting = Promise.all(asked)
      asked = []
      if (run.isOver?.()) break
    }
    const document = generator.document()
    const about = (): string => `document ${n} of seed ${run.seed}: ${JSON.stringify(document.toString('latin1'))}`
    const verdict = oracle.judge(document)
    const whole = read(document, [])
    const isCutUp = n % run.everyByteOf === 0
    for (const scanners of [plain, both]) {
      if (scanners === plain) same(read(document, [], plain), whole, about)
      if (isCutUp) same(read(document, everyByte(document.length), scanners), whole, about)
      same(read(document, randomCuts(document.length, dice), scanners), whole, about)
    }
    seen.set(whole.what, (seen.get(whole.what) ?? 0) + 1)
    asked.push(verdict.then((expat) => judge(document, whole, expat, about)).catch(fail))
  }
  await waiting
  await Promise.all(asked)
  if (failure !== undefined) throw failure
  return seen
}

function same(one: Reading, other: Reading, about: () => string): void {
  if (one.trace !== other.trace) assert.equal(one.trace, other.trace, about())
}

/** Throws where the framer's reading of a document and expat's verdict differ. */
export function judge(document: Buffer, ours: Reading, expat: Verdict, about: () => string): void {
  const deviation = deviates(document)
  if (deviation !== undefined) assert.equal(ours.what, deviation, about())
  else if (!agree(ours, expat)) {
    assert.fail(`${ours.what} (${ours.text}) after ${ours.elements.length}, expat ${expat}; ${about()}`)
  }
}

/**
 * Both refuse or neither does, after the same elements. We may be earlier: what nothing can mend we refuse at once.
 * Where we name a narrower condition for what expat only calls not well-formed, both are right.
 */
function agree(ours: Reading, [what, elements]: Verdict): boolean {
  if (elements !== ours.elements.length) return false
  if (what === ours.what) return true
  if (what === 'open')
    return ours.what === 'restricted-xml' || ours.what === 'not-well-formed' || ours.what === 'bad-format'
  if (what === 'not-well-formed') return ours.what === 'restricted-xml' || ours.what === 'bad-format'
  return what === 'restricted-xml' && ours.what === 'bad-format'
}

/** Where we decide by the first bytes: a byte order mark is text (RFC 6120 §11.6), and expat reads or refuses UTF-16. */
function deviates(document: Buffer): string | undefined {
  if (document[0] === 0xef) return document[1] === 0xbb && document[2] === 0xbf ? 'not-well-formed' : undefined
  const foreign =
    document[0] === 0 ||
    (document[0] ?? 0) >= 0xfe ||
    (/[< \t\r\n]/.test(String(document.subarray(0, 1))) && document[1] === 0)
  return foreign ? 'unsupported-encoding' : undefined
}
