import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreClock } from '../../src/cluster/store-clock.ts'

function setUp() {
  const state = { now: 1000, store: 5_000_000, asked: 0, way: 40, isDown: false }
  const time = async (): Promise<number> => {
    state.asked++
    if (state.isDown) throw new Error('silent')
    state.now += state.way
    return state.store
  }
  return { state, clock: new StoreClock({ store: { time }, now: () => state.now, epoch: 77 }) }
}

test("a node's own time counts until the store has said what it is; then the store's, as of the middle of the way", async () => {
  const { state, clock } = setUp()
  assert.equal(clock.epoch, 77)
  await clock.look()
  assert.equal(clock.epoch, 5_000_000 - 1020)
  state.now += 9_000
  state.store += 9_500
  await clock.look()
  assert.deepEqual([clock.epoch, state.asked], [5_000_000 - 1020, 1])
  state.now += 1_000
  state.store += 1_000
  await clock.look()
  assert.equal(clock.epoch, 5_010_500 - 11_060)
})

test('a store that does not answer is asked again at once, and what was known stays so', async () => {
  const { state, clock } = setUp()
  state.isDown = true
  await clock.look()
  await clock.look()
  assert.deepEqual([clock.epoch, state.asked], [77, 2])
  state.isDown = false
  await clock.look()
  assert.equal(clock.epoch, 5_000_000 - 1020)
})

test('an answer that was long on its way counts when nothing surer is known, or that is long ago', async () => {
  const { state, clock } = setUp()
  state.way = 2000
  await clock.look()
  assert.equal(clock.epoch, 5_000_000 - 2000, 'nothing else is known')
  state.way = 40
  state.now += 10_000
  state.store = 5_012_500
  await clock.look()
  assert.equal(clock.epoch, 5_012_500 - 13_020)
  state.way = 2000
  state.now += 10_000
  await clock.look()
  assert.equal(clock.epoch, 5_012_500 - 13_020, 'half of two seconds is worse than ten of drift')
  state.way = 50
  const { now } = state
  state.store = 5_030_000
  await clock.look()
  assert.equal(clock.epoch, 5_030_000 - (now + 25), 'it is asked again at once')
})
