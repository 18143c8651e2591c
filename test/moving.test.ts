import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instance } from '../src/instance.ts'
import { Moving } from '../src/moving.ts'

const [red, blue] = [{ name: 'red' }, { name: 'blue' }] as unknown as [Instance, Instance]

test('a place is moving as long as one of the instances that it moves with is', () => {
  const moving = new Moving()
  moving.set(red, ['red', 0])
  moving.set(blue, ['blue', 0])
  assert.deepEqual([moving.has(0), moving.has('red'), moving.has(1), moving.size], [true, true, false, 3])
  assert.equal(moving.delete(red), true)
  assert.deepEqual([moving.has(0), moving.has('red'), moving.size], [true, false, 2])
  moving.set(blue, ['blue', 1])
  assert.deepEqual([moving.has(0), moving.has(1), moving.instances], [false, true, [blue]])
})

test('what does not move cannot stop moving', () => {
  const moving = new Moving()
  assert.equal(moving.delete(red), false)
  moving.set(red, [0])
  assert.equal(moving.delete(blue), false)
  assert.equal(moving.has(0), true)
})
