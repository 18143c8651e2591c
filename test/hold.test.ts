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
