import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import murmurhash from 'murmurhash'
import { hashText, mix, murmur3 } from '../../balancing/hash.ts'

const seeds = fc.integer({ min: 0, max: 0xffff_ffff })

test('the published vectors of MurmurHash3_x86_32 hold', () => {
  const vectors: readonly (readonly [bytes: readonly number[], seed: number, hash: number])[] = [
    [[], 0, 0],
    [[], 1, 0x514e28b7],
    [[], 0xffffffff, 0x81f16f39],
    [[0xff, 0xff, 0xff, 0xff], 0, 0x76293b50],
    [[0x21, 0x43, 0x65, 0x87], 0, 0xf55b516b],
    [[0x21, 0x43, 0x65, 0x87], 0x5082edee, 0x2362f9de],
    [[0x21, 0x43, 0x65], 0, 0x7e4a8634],
    [[0x21, 0x43], 0, 0xa0f7b07a],
    [[0x21], 0, 0x72661cf4],
    [[0, 0, 0, 0], 0, 0x2362f9de],
    [[0, 0, 0], 0, 0x85f0b427],
    [[0, 0], 0, 0x30f4c306],
    [[0], 0, 0x514e28b7],
  ]
  for (const [bytes, seed, hash] of vectors) {
    assert.equal(murmur3(Uint8Array.from(bytes), 0, bytes.length, seed), hash)
  }
  assert.equal(hashText('Hello, world!', 0x9747b28c), 0x24884cba)
  assert.equal(hashText('ππππππππ', 0x9747b28c), 0xd58063c1)
})

test('law: the hash of a text is murmurhash v3 of its UTF-8 bytes, for any seed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), seeds, (text, seed) => {
      assert.equal(hashText(text, seed), murmurhash.v3(text, seed))
    }),
    { numRuns: 5_000 },
  )
})

test('law: a range is hashed as if it stood alone, at any offset and with any length', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => (index * 151 + 200) & 0xff)
  for (let start = 0; start < 8; start++) {
    for (let end = start; end <= bytes.length; end++) {
      assert.equal(murmur3(bytes, start, end), murmurhash.v3(bytes.slice(start, end)))
    }
  }
})

test('law: mixing is one to one, and its results are unsigned', () => {
  const seen = new Set(Array.from({ length: 0x1_0000 }, (_, value) => mix(value << 16)))
  assert.equal(seen.size, 0x1_0000)
  for (const value of seen) assert.ok(value >= 0 && value <= 0xffff_ffff)
})
