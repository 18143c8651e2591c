import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StanzaQueue } from '../../src/stream/queue.ts'
import { SlabPool } from '../../src/stream/slab-pool.ts'

const stanza = Buffer.from('<message/>')

test('the buffer of a spent slab is used for the next one of its size', () => {
  const pool = new SlabPool()
  const queue = new StanzaQueue(pool)
  queue.append(stanza, 0, stanza.length)
  const first = queue.shift()!
  first.release()
  queue.append(stanza, 0, stanza.length)
  assert.equal(queue.first!.buffer, first.buffer)
})

test('a buffer that a socket may still be writing is never used again', () => {
  const pool = new SlabPool()
  const queue = new StanzaQueue(pool)
  queue.append(stanza, 0, stanza.length)
  const handed = queue.shift()!
  handed.isHanded = true
  handed.release()
  queue.append(stanza, 0, stanza.length)
  assert.notEqual(queue.first!.buffer, handed.buffer)
})

test('the buffer of a slab with a ticket is used again too: whoever gave the ticket has a copy of its own', () => {
  const pool = new SlabPool()
  const queue = new StanzaQueue(pool)
  const ticket = { retain: () => {}, release: () => {} }
  queue.append(stanza, 0, stanza.length, 0, 0, ticket)
  const kept = queue.shift()!
  kept.release()
  queue.append(stanza, 0, stanza.length)
  assert.equal(queue.first!.buffer, kept.buffer)
})

test('a pool keeps 16 MiB and no more', () => {
  const pool = new SlabPool()
  const size = 64 * 1024
  const buffers: Buffer[] = Array.from({ length: 300 }, () => Buffer.allocUnsafeSlow(size))
  for (const buffer of buffers) pool.give(buffer)
  const taken = Array.from({ length: 300 }, () => pool.take(size))
  assert.equal(taken.filter((buffer) => buffers.includes(buffer)).length, 256)
})

test('a burst of large stanzas leaves room for the usual slabs', () => {
  const pool = new SlabPool()
  for (let i = 0; i < 40; i++) pool.give(Buffer.alloc(8 * 64 * 1024))
  const usual = Buffer.alloc(64 * 1024)
  pool.give(usual)
  assert.equal(pool.take(64 * 1024), usual)
})
