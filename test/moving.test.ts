import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from '../src/hold.ts'
import type { Instance } from '../src/instance.ts'
import { Awaited, Moving, UNTIL_IT_LEAVES } from '../src/moving.ts'

const [red, blue] = [{ name: 'red' }, { name: 'blue' }] as unknown as [Instance, Instance]

function bench() {
  const places = new Map<Instance, readonly Place[]>([
    [red, ['red', 0]],
    [blue, ['blue', 0]],
  ])
  const state = { changes: 0 }
  const moving = new Moving(
    (instance) => places.get(instance) ?? [],
    () => {
      state.changes++
    },
  )
  return { moving, places, state }
}

test('a place is moving as long as one of the instances that it moves with is', () => {
  const { moving, places } = bench()
  moving.begin(red)
  moving.begin(blue)
  assert.deepEqual([moving.has(0), moving.has('red'), moving.has(1), moving.size], [true, true, false, 3])
  moving.delete(red)
  assert.deepEqual([moving.has(0), moving.has('red'), moving.size], [true, false, 2])
  places.set(blue, ['blue', 1])
  moving.settle()
  assert.deepEqual([moving.has(0), moving.has(1)], [false, true])
})

test('an instance moves until all that it waits for has ended', () => {
  const { moving, state } = bench()
  const [first, second] = [moving.begin(red), moving.begin(red)]
  moving.end(first)
  moving.end(first)
  assert.equal(moving.has(0), true)
  moving.end(second)
  assert.equal(moving.has(0), false)
  // It has left, and come again: what was waited for then is nothing to it.
  const third = moving.begin(red)
  moving.delete(red)
  const changes = state.changes
  moving.end(third)
  assert.equal(state.changes, changes)
  moving.begin(red)
  moving.end(third)
  assert.equal(moving.has(0), true)
})

test('what came no later than all that is waited for goes on, to whom the place is for now', () => {
  const { moving, places } = bench()
  moving.begin(red, { newest: 20 })
  const other = moving.begin(red, { newest: 10 })
  assert.deepEqual([moving.takerOf(0, 10), moving.takerOf(0, 11), moving.takerOf(1, 10)], [red, undefined, undefined])
  moving.end(other)
  assert.deepEqual([moving.takerOf(0, 20), moving.takerOf(0, 21)], [red, undefined])
  // One that is drained gets nothing at all.
  moving.begin(red)
  assert.equal(moving.takerOf(0, 0), undefined)
  moving.delete(red)
  moving.begin(red, { newest: 20 })
  places.set(red, ['red'])
  assert.equal(moving.takerOf(0, 10), undefined)
})

test('what does not move cannot stop moving', () => {
  const { moving, state } = bench()
  moving.delete(red)
  assert.equal(state.changes, 0)
  moving.begin(red)
  moving.delete(blue)
  assert.equal(moving.has(0), true)
})

test('of several that are waited for each is until it has ended: what is older than the rest goes on then', () => {
  const { moving } = bench()
  const awaited = new Awaited([
    [red, 10],
    [blue, 5],
  ])
  moving.begin(red, awaited)
  assert.deepEqual([moving.takerOf(0, 5), moving.takerOf(0, 6), awaited.isOver], [red, undefined, false])
  awaited.end(blue)
  assert.deepEqual([moving.takerOf(0, 10), moving.takerOf(0, 11)], [red, undefined])
  awaited.end(red)
  assert.deepEqual([moving.takerOf(0, 11), awaited.isOver], [red, true])
})

test('what may have been here before may have come a little later by now: nodes correct what they know of the time', () => {
  const { moving } = bench()
  moving.begin(red, { newest: 1000 })
  assert.deepEqual(
    [moving.takerOf(0, 1001), moving.takerOf(0, 1250, 1), moving.takerOf(0, 1251, 1)],
    [undefined, red, undefined],
  )
})

test('whoever takes the name of one that waits, waits for the same; but not for the other one to leave', () => {
  const { moving } = bench()
  moving.begin(red, UNTIL_IT_LEAVES)
  const wait = moving.begin(red, { newest: 5 })
  moving.pass(red, blue)
  assert.deepEqual([moving.includes(red), moving.includes(blue), moving.has('blue')], [false, true, true])
  assert.equal(moving.takerOf('blue', 5), blue)
  moving.end(wait)
  assert.equal(moving.size, 0)
  moving.begin(red, UNTIL_IT_LEAVES)
  moving.pass(red, blue)
  assert.equal(moving.size, 0)
})

test('one that is not to leave after all still waits for what it waited for before', () => {
  const { moving } = bench()
  const wait = moving.begin(red)
  moving.begin(red, UNTIL_IT_LEAVES)
  moving.remain(red)
  assert.equal(moving.includes(red), true)
  moving.end(wait)
  assert.equal(moving.includes(red), false)
})
