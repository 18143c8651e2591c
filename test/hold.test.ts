import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY_INSTANCE, Hold } from '../src/hold.ts'
import { Head } from '../src/xmpp/head.ts'

function head(text: string): Head {
  const made = new Head()
  made.buffer = Buffer.from(`..${text}`)
  made.start = 2
  made.end = made.buffer.length
  return made
}

test('what is held at a place is taken in order; other places keep theirs', () => {
  const hold = new Hold(100)
  for (const [place, text] of [
    [0, 'a'],
    [ANY_INSTANCE, 'x'],
    [0, 'b'],
  ] as const)
    assert.ok(hold.add(place, head(text), 1))
  assert.deepEqual([hold.bytes, hold.stanzas, hold.places()], [3, 3, [0, ANY_INSTANCE]])
  assert.equal(hold.take(0)?.shift()?.bytes.toString(), 'ab')
  assert.deepEqual([hold.bytes, hold.stanzas, hold.places(), hold.take(0)], [1, 1, [ANY_INSTANCE], undefined])
})

test('all places together have room for so many bytes and not one more', () => {
  const hold = new Hold(10)
  assert.ok(hold.add(0, head('x'.repeat(6)), 1))
  assert.equal(hold.add(1, head('x'.repeat(5)), 1), false)
  assert.ok(hold.add(1, head('x'.repeat(4)), 1))
  hold.limit = 0
  hold.take(0)
  assert.equal(hold.add(0, head('x'), 1), false)
})

test('what is old is taken from every place, oldest first in each, and places that are empty are no more', () => {
  const hold = new Hold(100)
  hold.add(0, head('a'), 1)
  hold.add(0, head('b'), 3)
  hold.add(1, head('c'), 2)
  assert.equal(hold.takeOlderThan(1), undefined)
  assert.deepEqual(
    [hold.takeOlderThan(3), hold.takeOlderThan(3)].map((slab) => slab?.bytes.toString()),
    ['a', 'c'],
  )
  assert.equal(hold.takeOlderThan(3), undefined)
  assert.deepEqual([hold.places(), hold.bytes, hold.stanzas], [[0], 1, 1])
})

test('what is written down carries a ticket, is not refused when it comes back, and stays when the rest is taken', () => {
  const hold = new Hold(10)
  let carried = 0
  const stored = { retain: () => void carried++, release: () => void carried--, isStored: true }
  const kept: string[] = []
  let isUp = false
  hold.keeper = {
    get isUp() {
      return isUp
    },
    keep: (what, since, deaths) => {
      kept.push(`${what.bytes} ${since} ${deaths}`)
      return { ...stored, isStored: isUp }
    },
  }
  hold.add(0, head('lost'), 1)
  assert.equal(hold.outlives, false)
  isUp = true
  hold.add(0, head('kept'), 2, 1)
  assert.deepEqual([hold.outlives, hold.unsaved, kept, carried], [true, 1, ['lost 1 0', 'kept 2 1'], 2])
  assert.equal(hold.add(0, head('abc'), 3), false, 'it is full')
  assert.equal(kept.length, 2, 'what is refused is not written down')
  assert.equal(hold.add(1, head('new'), 3, 0, stored, true), false, 'it was never within the bound')
  assert.ok(hold.add(1, head('again'), 3, 0, stored), 'once within the bound')
  assert.equal(kept.length, 2, 'it is written down already')
  assert.equal(hold.takeUnsaved().drop(), 1)
  assert.deepEqual([hold.stanzas, hold.bytes, hold.unsaved, carried], [2, 9, 0, 2])
  assert.equal(hold.take(0)?.shift()?.bytes.toString(), 'kept')
})

test('whoever keeps what is held elsewhere, too, knows how much of it waits here', () => {
  const hold = new Hold(100)
  let waiting = 0
  const ticket = {
    isStored: true,
    retain() {},
    release() {},
    held: (bytes: number) => {
      waiting += bytes
    },
  }
  hold.add(0, head('aaaa'), 1, 0, ticket)
  hold.add(0, head('bb'), 5, 0, ticket)
  hold.add(1, head('c'), 5, 0, ticket)
  assert.equal(waiting, 7)
  hold.takeUnsaved()
  assert.equal(waiting, 7)
  assert.equal(hold.takeOlderThan(2)?.end, 4)
  assert.equal(waiting, 3)
  hold.take(0)
  assert.equal(waiting, 1)
  // What another node passed on is taken; what stays behind waits here as before.
  hold.add(1, head('dd'), 6, 0, { ...ticket, hops: 1 })
  assert.equal(
    hold.takePassedOn(1, ({ since }) => since < 6),
    undefined,
  )
  assert.equal(hold.takePassedOn(1)?.bytes, 2)
  assert.deepEqual([waiting, hold.bytes], [1, 1])
})
