import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { nameprep, nodeprep } from '../../src/xmpp/nodeprep.ts'

const reference = fileURLToPath(new URL('./stringprep-reference.py', import.meta.url))
const profiles = { node: nodeprep, name: nameprep } as const

function python(command: 'points' | 'strings', input: string): string {
  const ran = spawnSync('python3', [reference, command], { input, encoding: 'utf8', maxBuffer: 1 << 26 })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout
}

/** As the reference writes it: undefined when the profile leaves the character alone. */
function written(result: string | undefined, character: string): string | undefined {
  if (result === undefined) return '-'
  return result === character ? undefined : Buffer.from(result).toString('hex') || 'empty'
}

// Planes 0, 1, 2 and 14 whole; of the others, where all is alike, both ends. Surrogates are no characters.
const points = Array.from({ length: 0x11_0000 }, (_, point) => point).filter((point) => {
  const inPlane = point & 0xffff
  const whole = [0, 1, 2, 14].includes(point >>> 16)
  return (whole || inPlane < 16 || inPlane >= 0xfff0) && (point < 0xd800 || point > 0xdfff)
})

test('[RFC 3920 §A, RFC 3491] every code point is prepared as by the tables of Unicode 3.2', {}, () => {
  const expected = new Map<string, string>()
  for (const line of python('points', JSON.stringify(points)).split('\n')) {
    const [profile, point, result] = line.split(' ')
    expected.set(`${profile} ${point}`, result ?? '')
  }
  const differing: string[] = []
  for (const point of points) {
    const character = String.fromCodePoint(point)
    for (const [profile, prepare] of Object.entries(profiles)) {
      const name = `${profile} ${point.toString(16)}`
      if (written(prepare(character), character) !== expected.get(name)) differing.push(name)
    }
  }
  assert.deepEqual(differing, [])
})

// Characters that meet in one string and change each other there: marks that compose, jamo, right-to-left text,
// what maps to nothing, what folds to more than one character, what came after Unicode 3.2.
const lively =
  'aAzZ09.-_ß\u0130\u0131ſẞǅŉΐ\u0345\u0301\u0307\u0323\u0327\u0338ΣσςᾳͺΩKÅİﬁ™℡①ａＡ。．' +
  '\u1100\u1161\u11a8가힣יהאבג\u05b0\u05bc\ufb1dابت\u0661\u0651\ufdfa\u200d\u00ad\ufe0f\u200e가ЖжЁё\u0306ჀႠⴀᏣꭳ' +
  '漢\u{2f868}\u{2f874}\u{1d400}\u{10400}\u{1e900}\u{1f600}\u0220\u023a\u0f73\u0f71\u0958\u0344\u0340\u1e9e\u3099かカﾞ'
const character = fc.oneof(
  fc.constantFrom(...lively),
  fc.integer({ min: 0x21, max: 0x2fff }).map((point) => String.fromCodePoint(point)),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const text = fc.array(character, { maxLength: 8 }).map((characters) => characters.join(''))

test('[RFC 3454 §3 to §6] random strings are prepared, or refused, as by Python', () => {
  const samples = fc.sample(text, { numRuns: 20_000 }).filter((sample) => Buffer.from(sample).toString() === sample)
  const expected: unknown = JSON.parse(python('strings', JSON.stringify(samples)))
  assert.ok(Array.isArray(expected) && expected.length === samples.length)
  for (const [index, sample] of samples.entries()) {
    const prepared = [nodeprep(sample) ?? null, nameprep(sample) ?? null]
    assert.deepEqual(prepared, expected[index], JSON.stringify(sample))
  }
})

test('what came after Unicode 3.2 passes as it is, whatever Unicode the running Node knows', () => {
  // Capital sharp s (5.1), Adlam capital (9.0), a Georgian capital whose small form came in 4.1.
  for (const late of ['\u1e9e', '\u{1e900}', '\u10a0']) assert.equal(nodeprep(late), late)
})

test('[RFC 3454 §6] right-to-left text with a left-to-right letter, or with a digit at its end, is refused', () => {
  assert.equal(nodeprep('\u05d0\u05d1'), '\u05d0\u05d1')
  assert.equal(nodeprep('\u05d0a\u05d1'), undefined)
  assert.equal(nodeprep('\u05d01'), undefined)
})

test('[RFC 3490 §3.1] the ideographic and wide full stops separate labels as the dot does', () => {
  assert.equal(nameprep('Bücher\u3002Example\uff0eorg'), 'bücher.example.org')
})
