import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LayeredMap } from '../../src/cluster/layered-map.ts'

const changes = fc.array(fc.tuple(fc.nat(40), fc.option(fc.string(), { nil: undefined })), { maxLength: 20 })

test('a layered map has what a map would have after the same changes, and those before it stay as they were', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 40 }), (steps) => {
      const expected = new Map<number, string>()
      let layered = new LayeredMap<number, string>()
      for (const step of steps) {
        const before = layered
        const then = new Map(before)
        layered = layered.with(new Map(step))
        for (const [key, value] of new Map(step)) {
          if (value === undefined) expected.delete(key)
          else expected.set(key, value)
        }
        assert.deepEqual(new Map(before), then)
        assert.deepEqual(new Map(layered), expected)
        assert.equal(layered.size, expected.size)
        for (const key of [0, 1, 2, 3]) assert.equal(layered.get(key), expected.get(key))
      }
    }),
  )
})
