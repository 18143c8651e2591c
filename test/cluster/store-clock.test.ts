import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreClock } from '../../src/cluster/store-clock.ts'

function setUp() {
  const state = { now: 1000, store: 5_000_000, asked: 0, isDown: false }
  const time = async (): Promise<number> => {
    state.asked++
    if (state.isDown) throw new Error('silent')
    state.now += 40
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
