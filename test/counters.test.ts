import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounceReasons, DomainCounters, dropReasons, StreamErrorCounters } from '../src/counters.ts'

test('bounces are counted by condition and reason, drops by reason', () => {
  const counters = new DomainCounters()
  counters.bounced('recipient-unavailable', 'unassigned')
  counters.bounced('recipient-unavailable', 'unassigned')
  counters.bounced('recipient-unavailable', 'hold_full')
  counters.bounced('remote-server-timeout', 'hold_full')
  counters.dropped('foreign_reply')
  counters.dropped('loop')
  counters.dropped('loop')
  assert.deepEqual(
    [...counters.bounces()],
    [
      { condition: 'recipient-unavailable', reason: 'unassigned', count: 2 },
      { condition: 'recipient-unavailable', reason: 'hold_full', count: 1 },
      { condition: 'remote-server-timeout', reason: 'hold_full', count: 1 },
    ],
  )
  assert.deepEqual(
    [...counters.drops()],
    [
      { reason: 'foreign_reply', count: 1 },
      { reason: 'loop', count: 2 },
    ],
  )
  assert.equal(counters.bouncedTotal, 4)
  assert.equal(counters.droppedTotal, 3)
})

test('the totals add up every place that a stanza comes from and goes to', () => {
  const counters = new DomainCounters()
  counters.receivedFromInstances = 1
  counters.receivedFromLink = 20
  counters.receivedFromNodes = 300
  counters.receivedFromSelf = 4000
  counters.receivedFromStore = 50_000
  counters.deliveredToLink = 1
  counters.deliveredToSelf = 20
  counters.deliveredToGone = 300
  assert.equal(counters.receivedTotal, 54_321)
  assert.equal(counters.deliveredElsewhere, 321)
})

test('two domains share no count', () => {
  const one = new DomainCounters()
  one.bounced('item-not-found', 'no_link')
  one.dropped('loop')
  assert.equal(new DomainCounters().bouncedTotal, 0)
  assert.equal(new DomainCounters().droppedTotal, 0)
})

test('every reason is fit for a label and is explained', () => {
  for (const [reason, meaning] of Object.entries({ ...dropReasons, ...bounceReasons })) {
    assert.match(reason, /^[a-z]+(_[a-z]+)*$/)
    assert.ok(meaning.length > 10, reason)
  }
})

test('[RFC 6120 §4.9.3] stream errors are counted by condition', () => {
  const errors = new StreamErrorCounters()
  errors.count('conflict')
  errors.count('host-unknown')
  errors.count('conflict')
  assert.deepEqual(
    [...errors.entries()],
    [
      { condition: 'conflict', count: 2 },
      { condition: 'host-unknown', count: 1 },
    ],
  )
})
