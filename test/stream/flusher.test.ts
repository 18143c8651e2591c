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

const turn = () => new Promise(setImmediate)

test('before anything is written it is asked what may have become of this node since that was read', async () => {
  const flusher = new Flusher()
  const said: string[] = []
  const outbox = { flush: () => void said.push('flush'), askToConfirm() {} }
  flusher.onInput = () => void said.push('look')
  flusher.add(outbox)
  await new Promise(setImmediate)
  assert.deepEqual(said, ['look', 'flush'])
})

test('a confirmation is asked for 20 ms after the first that waits for one, by one timer for all, and none after', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const flusher = new Flusher()
    const asked: string[] = []
    flusher.askLater(noting(asked, 'first'))
    mock.timers.tick(19)
    flusher.askLater(noting(asked, 'second'))
    await turn()
    assert.deepEqual(asked, [])
    mock.timers.tick(1)
    await turn()
    assert.deepEqual(asked, ['first?', 'second?'])
    mock.timers.tick(1000)
    await turn()
    assert.deepEqual(asked, ['first?', 'second?'])
    flusher.askLater(noting(asked, 'third'))
    mock.timers.tick(20)
    await turn()
    assert.deepEqual(asked, ['first?', 'second?', 'third?'])
  } finally {
    mock.timers.reset()
  }
})

test('what is flushed when it is time for confirmations asks with its flush; the others ask after it', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    let now = 0
    const flusher = new Flusher(() => now)
    const told: string[] = []
    const idle = noting(told, 'idle')
    const busy: Flushable = noting(told, 'busy', () => flusher.askLater(busy))
    flusher.add(busy)
    await turn()
    flusher.askLater(idle)
    now = 19
    flusher.add(busy)
    await turn()
    assert.deepEqual(told, ['busy', 'busy'])
    // The timer is late, as behind a long turn.
    now = 20
    flusher.add(busy)
    await turn()
    assert.deepEqual(told.slice(2, 4), ['busy', 'busy?'])
    assert.ok(told.slice(4).includes('idle?'))
    told.length = 0
    mock.timers.tick(1000)
    await turn()
    assert.deepEqual(told, [])
  } finally {
    mock.timers.reset()
  }
})

test('a flush that takes long is not followed by the confirmations of what it wrote', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const flusher = new Flusher()
    const told: string[] = []
    const box: Flushable = noting(told, 'box', () => flusher.askLater(box))
    flusher.add(box)
    flusher.add(noting(told, 'long', () => mock.timers.tick(25)))
    await turn()
    await turn()
    assert.deepEqual(told, ['box', 'long'])
    mock.timers.tick(20)
    await turn()
    assert.deepEqual(told, ['box', 'long', 'box?'])
  } finally {
    mock.timers.reset()
  }
})

/** A flusher with its clock, and so many that have something to write. */
function crowd(size: number) {
  const clock = { now: 0 }
  const flusher = new Flusher(() => clock.now)
  const flushed: string[] = []
  const add = (count: number) => {
    for (let i = 0; i < count; i++) flusher.add(noting(flushed, 'one'))
  }
  add(size)
  return { clock, flushed, add }
}

test('many that have something to write wait for more while each turn brings further ones', async () => {
  const { flushed, add } = crowd(64)
  await turn()
  add(1)
  await turn()
  add(1)
  await turn()
  assert.equal(flushed.length, 0)
  await turn()
  assert.equal(flushed.length, 66, 'a turn that brings nobody further is the last')
})

test('many wait no longer than it would take to write to them', async () => {
  const { clock, flushed, add } = crowd(100)
  await turn()
  add(25)
  clock.now = 0.9
  await turn()
  assert.equal(flushed.length, 0)
  add(25)
  clock.now = 1.3
  await turn()
  assert.equal(flushed.length, 150)
  add(10_000)
  await turn()
  add(1)
  clock.now += 8
  await turn()
  assert.equal(flushed.length, 10_151)
})

test('a few that have something to write wait for nobody', async () => {
  const { flushed } = crowd(63)
  await turn()
  assert.equal(flushed.length, 63)
})

test('who has been read for 2 ms in one turn rests until what was written has been flushed; others read on', async () => {
  const told: string[] = []
  let now = 0
  const flusher = new Flusher(() => now)
  const reader = { pause: () => void told.push('pause'), resume: () => void told.push('resume') }
  const other = { pause: () => void told.push('other pause'), resume: () => void told.push('other resume') }
  flusher.add(noting(told, 'flush'))
  flusher.took(reader)
  now = 1.9
  flusher.took(reader)
  assert.deepEqual(told, [])
  now = 2
  flusher.took(reader)
  flusher.took(other)
  assert.deepEqual(told, ['pause'])
  await turn()
  assert.deepEqual(told, ['pause', 'flush', 'resume'])
})

test('for how long one was read in one turn does not count in the next', async () => {
  const told: string[] = []
  let now = 0
  const flusher = new Flusher(() => now)
  const reader = { pause: () => void told.push('pause'), resume: () => void told.push('resume') }
  for (let n = 0; n < 4; n++) {
    flusher.took(reader)
    now += 1.5
    flusher.took(reader)
    // Whether or not something is written.
    if (n > 1) flusher.add(noting([], 'flush'))
    await turn()
  }
  assert.deepEqual(told, [])
})
