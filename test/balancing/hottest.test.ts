import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Hottest } from '../../balancing/hottest.ts'

const stream = fc.array(fc.tuple(fc.constantFrom(...'abcdefghij'), fc.integer({ min: 1, max: 9 })), { maxLength: 60 })

function weigh(all: readonly (readonly [key: string, weight: number])[]): Map<string, number> {
  const weights = new Map<string, number>()
  for (const [key, weight] of all) weights.set(key, (weights.get(key) ?? 0) + weight)
  return weights
}

test('the heaviest come first, and equal ones by key', () => {
  const hottest = new Hottest(4)
  for (const key of ['b', 'a', 'c', 'c']) hottest.add(key, 1)
  assert.deepEqual(
    hottest.top(2).map(({ key }) => key),
    ['c', 'a'],
  )
})

test('law: with room for every key the weights are exact', () => {
  fc.assert(
    fc.property(stream, (all) => {
      const hottest = new Hottest(10)
      for (const [key, weight] of all) hottest.add(key, weight)
      const found = new Map(hottest.top(10).map(({ key, weight }) => [key, weight]))
      assert.deepEqual(found, new Map([...weigh(all)].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))))
    }),
  )
})

test('law: without room for every key no heavy one is missed, and each weight is wrong by its error at most', () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 5 }), (all, capacity) => {
      const hottest = new Hottest(capacity)
      for (const [key, weight] of all) hottest.add(key, weight)
      const weights = weigh(all)
      const total = all.reduce((sum, [, weight]) => sum + weight, 0)
      const top = hottest.top(capacity)
      assert.ok(top.length <= capacity)
      for (const { key, weight, error } of top) {
        const real = weights.get(key) ?? 0
        assert.ok(weight - error <= real && real <= weight)
      }
      for (const [key, weight] of weights) {
        if (weight > total / capacity) assert.ok(top.some((hot) => hot.key === key))
      }
    }),
  )
})
