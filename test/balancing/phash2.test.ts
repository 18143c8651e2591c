import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { phash2, phash2OfParts } from '../../balancing/phash2.ts'
import { askEjabberd } from '../peers/ejabberd-keys.ts'

// Taken from Erlang/OTP 25: erlang:phash2({L, D, R}, 1 bsl 32).
const vectors: readonly (readonly [local: string, domain: string, resource: string, hash: number])[] = [
  ['', '', '', 3525061777],
  ['u', 's', 'r', 3002050032],
  ['juliet', 'example.com', 'balcony', 3580210182],
  ['juliet', 'example.com', '', 2028815324],
  ['', 'muc.example.org', '', 722129250],
]

test('the hashes of Erlang/OTP hold', () => {
  for (const [local, domain, resource, hash] of vectors) {
    assert.equal(phash2OfParts(local, domain, resource), hash, `${local}@${domain}/${resource}`)
  }
})

test('law: phash2 of three texts is what a real Erlang says, of any length', () => {
  const part = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 24 }),
    fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    fc.string({ unit: 'grapheme', minLength: 200, maxLength: 400 }),
  )
  const samples = fc.sample(fc.tuple(part, part, part), { numRuns: 5_000, seed: 6 })
  // Every number of bytes that is left over of twelve, in each place.
  for (let bytes = 0; bytes < 38; bytes++) {
    const text = 'abcdefghijklmnopqrstuvwxyz0123456789äé'.slice(0, bytes)
    samples.push([text, 's', ''], ['', text, 'r'], ['u', 's', text])
  }
  const answers = askEjabberd(samples.map((sample) => ['hash', ...sample]))
  for (const [index, sample] of samples.entries()) {
    assert.equal(`${phash2OfParts(...sample)}`, answers[index], JSON.stringify(sample))
  }
})

test('law: three ranges are hashed where they stand, as if each stood alone', () => {
  const bytes = Buffer.from('<juliet@example.com/balcony>')
  for (const [local, domain, resource, hash] of vectors) {
    const text = Buffer.from(`>>${local}@${domain}/${resource}<<`)
    const at = 2 + local.length + 1
    const end = at + domain.length
    assert.equal(phash2(text, 2, at - 1, at, end, end + 1, end + 1 + resource.length), hash)
  }
  assert.equal(phash2(bytes, 1, 7, 8, 19, 20, 27), 3580210182)
})
