import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flusher } from '../../src/stream/flusher.ts'

test('what is added in a turn is flushed once the turn has ended, in order; what a flush adds, in the next', async () => {
  const flusher = new Flusher()
  const flushed: string[] = []
  const second = { flush: () => void flushed.push('second') }
  const first = {
    flush: () => {
      flushed.push('first')
      flusher.add(second)
    },
  }
  flusher.add(first)
  flusher.add(second)
  assert.deepEqual(flushed, [])
  await new Promise(setImmediate)
  assert.deepEqual(flushed, ['first', 'second'])
  await new Promise(setImmediate)
  assert.deepEqual(flushed, ['first', 'second', 'second'])
})
