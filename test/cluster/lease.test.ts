import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lease, usualTiming } from '../../src/cluster/lease.ts'

test('a lease is held for its time less the margin, counted from when it was asked for', () => {
  const lease = new Lease(usualTiming)
  lease.renewed(100)
  assert.equal(lease.isHeld(4099), true)
  assert.equal(lease.isHeld(4100), false)
})

test('a refusal makes a lease last that is held, and not one that has run out', () => {
  const lease = new Lease(usualTiming)
  lease.renewed(0)
  lease.refused(3900, 3901)
  assert.equal(lease.until, 4650)
  lease.refused(4640, 4660)
  assert.equal(lease.until, 4650)
})

test('others may act once the lease has run out to its end, or soon after a store that refused all is back; not before', () => {
  const lease = new Lease(usualTiming)
  assert.equal(lease.isForfeit(0), true, 'there is none yet')
  lease.renewed(100)
  assert.deepEqual([lease.isForfeit(5099), lease.isForfeit(5100)], [false, true])
  lease.renewed(50)
  assert.equal(lease.isForfeit(5099), false)
  lease.refused(4090, 4095)
  assert.deepEqual([lease.isForfeit(5099), lease.isForfeit(5100)], [false, true], 'a refusal takes nothing away')
  lease.refused(4800, 4805)
  assert.deepEqual([lease.isForfeit(5699), lease.isForfeit(5700)], [false, true])
  lease.refused(5650, 5655)
  assert.equal(lease.isForfeit(5700), true, 'it had run out: others may be sure of the store by then')
})

test('a node is sure of the store after two answers a heartbeat apart, and not before', () => {
  const lease = new Lease(usualTiming)
  lease.renewed(0)
  lease.answered(0)
  lease.answered(800)
  assert.equal(lease.isSure(801), false)
  lease.answered(1000)
  assert.equal(lease.isSure(1001), true)
  assert.equal(lease.isSure(3501), false, 'the last answer is too old')
})

test('a node that was paused between two answers is no surer than after one', () => {
  const lease = new Lease(usualTiming)
  lease.answered(0)
  lease.answered(1000)
  lease.answered(9000)
  lease.renewed(9000)
  assert.equal(lease.isSure(9001), false)
  assert.equal(lease.isSettled(9001), false)
  lease.answered(10_000)
  assert.equal(lease.isSure(10_001), true)
})

test('after trouble nothing is to be changed until two answers have come a heartbeat apart', () => {
  const lease = new Lease(usualTiming)
  lease.answered(0)
  lease.answered(1000)
  lease.trouble()
  lease.answered(1500)
  assert.equal(lease.isSettled(1501), false)
  lease.answered(2500)
  assert.equal(lease.isSettled(2501), true)
  lease.quiet(2501, 5000)
  assert.equal(lease.isSettled(7500), false)
  assert.equal(lease.isSettled(7501), true)
})
