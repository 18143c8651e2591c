import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { negativeLog2 } from '../../balancing/logarithm.ts'

const unit = 2 ** 32
const hash = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.nat(40).map((below) => 0xffff_ffff - below),
  fc.nat(31).map((power) => 2 ** power - 1),
)

test('law: the logarithm is an integer in its range, and within 2^-24 of the true one', () => {
  fc.assert(
    fc.property(hash, (one) => {
      const found = negativeLog2(one)
      assert.ok(Number.isInteger(found) && found >= 0 && found <= 2 ** 37)
      assert.ok(Math.abs(found / unit - (32 - Math.log2(one + 1))) < 2 ** -24, `${one}: ${found / unit}`)
    }),
    { numRuns: 5000 },
  )
})

test('law: the logarithm never rises with the hash', () => {
  fc.assert(
    fc.property(hash, hash, (one, other) => {
      assert.ok(negativeLog2(Math.min(one, other)) >= negativeLog2(Math.max(one, other)))
    }),
    { numRuns: 5000 },
  )
  for (let one = 1; one < 2 ** 14; one++) assert.ok(negativeLog2(one - 1) >= negativeLog2(one))
})

test('the ends and the powers of two are exact, and the rest is what it has been in every release', () => {
  assert.deepEqual([0, 1, 3, 0x7fff_ffff, 0xffff_ffff].map(negativeLog2), [2 ** 37, 31 * unit, 30 * unit, unit, 0])
  assert.deepEqual(
    [2, 1_000_000, 0xc0de_cafe, 0xffff_fffe].map(negativeLog2),
    [130631591370, 51833512157, 1754549666, 2],
  )
})
