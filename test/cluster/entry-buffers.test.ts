import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntryBuffers } from '../../src/cluster/entry-buffers.ts'
import { decodeEntry, EntryWriter } from '../../src/cluster/entry-codec.ts'

const heading = { number: 1, isNote: false, taken: 0, isAsking: false, isMissing: false }
const to = { domain: 'a', instance: 'x' }

test('the buffer of an entry that was given back is the next one of its size', () => {
  const buffers = new EntryBuffers()
  const first = buffers.take(64 * 1024)
  buffers.give(first.subarray(0, 40_000))
  assert.equal(buffers.take(64 * 1024).buffer, first.buffer)
  assert.notEqual(buffers.take(64 * 1024).buffer, first.buffer, 'one buffer for two')
})

test('a part of a buffer, one of an odd size and a small one are not kept', () => {
  const buffers = new EntryBuffers()
  for (const buffer of [
    Buffer.allocUnsafeSlow(64 * 1024).subarray(1),
    Buffer.allocUnsafeSlow(50_000),
    Buffer.allocUnsafeSlow(1024),
  ]) {
    buffers.give(buffer)
    assert.notEqual(buffers.take(buffer.buffer.byteLength).buffer, buffer.buffer)
  }
})

test('no more than 8 MiB are kept', () => {
  const buffers = new EntryBuffers()
  const given = Array.from({ length: 40 }, () => Buffer.allocUnsafeSlow(256 * 1024))
  for (const buffer of given) buffers.give(buffer)
  const known = new Set<ArrayBufferLike>(given.map(({ buffer }) => buffer))
  const again = given.map(() => buffers.take(256 * 1024)).filter(({ buffer }) => known.has(buffer))
  assert.equal(again.length, 32)
})

test('an entry stays as it was while others are written, until its buffer is given back', () => {
  const buffers = new EntryBuffers()
  const writer = new EntryWriter('a', buffers)
  const entries: Buffer[] = []
  for (let n = 0; n < 20; n++) {
    writer.run(to, n, 0, 0, 1, Buffer.alloc(50_000, n))
    entries.push(writer.seal({ ...heading, number: n + 1 }))
    // Every third has been taken.
    if (n % 3 === 2) buffers.give(entries.splice(0, 1)[0]!)
    for (const entry of entries) {
      const { number, items } = decodeEntry(entry)
      const [run] = items
      assert.ok(run?.kind === 'run' && run.bytes.every((byte) => byte === number - 1))
    }
  }
})
