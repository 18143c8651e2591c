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
