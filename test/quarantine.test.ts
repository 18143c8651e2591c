import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Quarantine } from '../src/quarantine.ts'

const head = { name: 'message', type: undefined, from: 'a@x.test', to: 'b@y.test', id: '1' }

test('what is put in quarantine is there to be read, in order, with its moment, until it is cleared', () => {
  const quarantine = new Quarantine()
  quarantine.add(Buffer.from('<message/>'), 5, head)
  quarantine.add(Buffer.from('<presence/>'), 6, head)
  assert.deepEqual(
    quarantine.entries.map(({ bytes, since }) => [bytes.toString(), since]),
    [
      ['<message/>', 5],
      ['<presence/>', 6],
    ],
  )
  quarantine.clear()
  assert.deepEqual(quarantine.entries, [])
})

test('of more than a hundred the oldest makes room', () => {
  const quarantine = new Quarantine()
  for (let i = 0; i < 101; i++) quarantine.add(Buffer.from('x'), i, head)
  assert.equal(quarantine.entries.length, 100)
  assert.equal(quarantine.entries[0]?.since, 1)
})

test('of more than a mebibyte the oldest make room, and the last one stays however large', () => {
  const quarantine = new Quarantine()
  const half = Buffer.alloc(512 * 1024)
  for (let i = 0; i < 3; i++) quarantine.add(half, i, head)
  assert.deepEqual(
    quarantine.entries.map(({ since }) => since),
    [1, 2],
  )
  quarantine.add(Buffer.alloc(2 * 1024 * 1024), 3, head)
  assert.deepEqual(
    quarantine.entries.map(({ since }) => since),
    [3],
  )
  quarantine.clear()
  quarantine.add(half, 4, head)
  quarantine.add(half, 5, head)
  assert.equal(quarantine.entries.length, 2, 'what was cleared takes no room')
})
