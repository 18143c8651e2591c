import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Milestones } from '../../src/stream/milestones.ts'

test('who waits is told when the count is so high, and not before', async () => {
  const milestones = new Milestones()
  const told: number[] = []
  const waits = [3, 1, 3].map((count) => milestones.wait(count, 60_000).then(() => told.push(count)))
  milestones.reached(0)
  milestones.reached(2)
  await waits[1]
  assert.deepEqual(told, [1])
  milestones.reached(Number.POSITIVE_INFINITY)
  await Promise.all(waits)
  assert.deepEqual(told, [1, 3, 3])
})

test('who waits in vain is told so', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const milestones = new Milestones()
    const waits = milestones.wait(1, 1000)
    mock.timers.tick(1000)
    assert.equal(await waits, false)
    milestones.reached(1)
  } finally {
    mock.timers.reset()
  }
})
