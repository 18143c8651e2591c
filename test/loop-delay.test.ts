import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoopDelay } from '../src/loop-delay.ts'
import { eventually } from './stub/eventually.ts'

test('a loop that stood still is late by that, for one span', async (t) => {
  let now = 0
  const delay = new LoopDelay(() => now)
  const last = () => delay.last
  t.after(() => delay.stop())
  delay.tick()
  assert.equal(last(), undefined)
  delay.start()
  await new Promise((resolve) => setTimeout(resolve, 60))
  const until = performance.now() + 200
  while (performance.now() < until);
  // The monitor has a timer of its own, which must have fired.
  await new Promise((resolve) => setTimeout(resolve, 60))
  delay.tick()
  assert.equal(last(), undefined)
  now += 5000
  delay.tick()
  const { p50, p99, max } = last() ?? assert.fail('nothing is told')
  assert.ok(max >= 0.15, `${max}`)
  assert.ok(p50 <= p99 && p99 <= max)
  await eventually(() => {
    now += 5000
    delay.tick()
    return (last()?.max ?? 1) < 0.15
  })
})
