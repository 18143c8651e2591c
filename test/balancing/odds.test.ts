import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { firstPart, partAfter, pickBy, randomly, sums, weightsAmong } from '../../balancing/odds.ts'
import { termsFor } from '../../balancing/terms.ts'

const seconds = fc.double({ min: -10, max: 4000, noNaN: true })

test('law: what an instance has of its weight never falls with time, and ends as all of it', () => {
  fc.assert(
    fc.property(seconds, seconds, fc.double({ min: 0, max: 3600, noNaN: true }), (one, other, all) => {
      const [early, late] = [partAfter(Math.min(one, other), all), partAfter(Math.max(one, other), all)]
      assert.ok(early <= late && early >= firstPart && late <= 1)
      assert.equal(partAfter(all, all), 1)
    }),
  )
  assert.deepEqual(
    [0, 5, 10, Number.POSITIVE_INFINITY].map((since) => partAfter(since, 10)),
    [0.1, 0.55, 1, 1],
  )
  assert.equal(partAfter(0, 0), 1)
})

test('law: an index is picked as often as its weight says, and one without weight never', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 }), (weights) => {
      const all = weights.reduce((sum, weight) => sum + weight, 0)
      fc.pre(all > 0)
      const picked = weights.map(() => 0)
      for (let step = 0; step < all * 10; step++) picked[pickBy(() => (step + 0.5) / (all * 10), sums(weights))]!++
      assert.deepEqual(
        picked,
        weights.map((weight) => weight * 10),
      )
    }),
  )
  assert.equal(
    pickBy(() => 0, sums([])),
    -1,
  )
  assert.equal(
    pickBy(() => 0, sums([0, 1])),
    1,
  )
})

test('at random the canary and those of weight 0 are met only where there is no other', () => {
  const instances = new Map([
    ['a', { weight: 2 }],
    ['idle', { weight: 0 }],
    ['new', {}],
  ])
  const terms = termsFor({ instances, canary: { instance: 'new', percent: 5 } })
  assert.deepEqual(randomly(['a', 'idle', 'new'], terms), ['a'])
  assert.deepEqual(randomly(['idle', 'new'], terms), ['idle'])
  assert.deepEqual(randomly(['new'], terms), ['new'])
  assert.deepEqual(weightsAmong(['a', 'idle'], terms), [2, 0])
  assert.deepEqual(weightsAmong(['idle'], terms), [1])
})
