import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { type Flushable, Flusher } from '../../src/stream/flusher.ts'

/** What notes when it is called, and what it does then. */
function noting(told: string[], name: string, then: () => void = () => {}): Flushable {
  return {
    flush: () => {
      told.push(name)
      then()
    },
    askToConfirm: () => void told.push(`${name}?`),
  }
}

test('what is added in a turn is flushed once the turn has ended, in order; what a flush adds, in the next', async () => {
  const flusher = new Flusher()
  const flushed: string[] = []
  const second = noting(flushed, 'second')
  const first = noting(flushed, 'first', () => flusher.add(second))
  flusher.add(first)
  flusher.add(second)
  assert.deepEqual(flushed, [])
  await new Promise(setImmediate)
  assert.deepEqual(flushed, ['first', 'second'])
  await new Promise(setImmediate)
  assert.deepEqual(flushed, ['first', 'second', 'second'])
})

test('a confirmation is asked for 20 ms after the first that waits for one, by one timer for all, and none after', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const flusher = new Flusher()
    const asked: string[] = []
    flusher.askLater(noting(asked, 'first'))
    mock.timers.tick(19)
    flusher.askLater(noting(asked, 'second'))
    assert.deepEqual(asked, [])
    mock.timers.tick(1)
    assert.deepEqual(asked, ['first?', 'second?'])
    mock.timers.tick(1000)
    assert.deepEqual(asked, ['first?', 'second?'])
    flusher.askLater(noting(asked, 'third'))
    mock.timers.tick(20)
    assert.deepEqual(asked, ['first?', 'second?', 'third?'])
  } finally {
    mock.timers.reset()
  }
})

test('who has read 256 KiB in one turn rests until what was written has been flushed; others read on', async () => {
  const told: string[] = []
  const flusher = new Flusher()
  const reader = { pause: () => void told.push('pause'), resume: () => void told.push('resume') }
  const other = { pause: () => void told.push('other pause'), resume: () => void told.push('other resume') }
  flusher.add(noting(told, 'flush'))
  for (let chunk = 0; chunk < 3; chunk++) flusher.took(reader, 64 * 1024)
  assert.deepEqual(told, [])
  flusher.took(reader, 64 * 1024)
  flusher.took(other, 64 * 1024)
  assert.deepEqual(told, ['pause'])
  await new Promise(setImmediate)
  assert.deepEqual(told, ['pause', 'flush', 'resume'])
})

test('what is read in one turn does not count in the next', async () => {
  const flusher = new Flusher()
  const told: string[] = []
  const reader = { pause: () => void told.push('pause'), resume: () => void told.push('resume') }
  for (let turn = 0; turn < 4; turn++) {
    flusher.took(reader, 128 * 1024)
    flusher.add(noting([], 'flush'))
    await new Promise(setImmediate)
  }
  assert.deepEqual(told, [])
})
