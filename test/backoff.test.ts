import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Backoff } from '../src/backoff.ts'

/** So near to 1 that rounding makes it so. */
const highest = () => 1 - Number.EPSILON

test('the waits double from the first to the most, and stay there', () => {
  const backoff = new Backoff(1000, 60_000, highest)
  const waits = Array.from({ length: 9 }, () => backoff.next())
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
})

test('after a reset the first wait comes again', () => {
  const backoff = new Backoff(1000, 60_000, highest)
  backoff.next()
  backoff.next()
  backoff.reset()
  assert.equal(backoff.next(), 1000)
})

test('the lowest random number gives half of the wait', () => {
  const backoff = new Backoff(30_000, 60_000, () => 0)
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [15_000, 30_000, 30_000])
})

test('every wait is between a half and all of its step, whatever the random number', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(12), (random, step) => {
      const backoff = new Backoff(1000, 60_000, () => random)
      for (let i = 0; i < step; i++) backoff.next()
      const whole = Math.min(60_000, 1000 * 2 ** step)
      const wait = backoff.next()
      assert.ok(wait >= whole / 2 && wait <= whole, `${wait} of ${whole}`)
    }),
  )
})
