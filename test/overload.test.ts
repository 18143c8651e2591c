import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../src/log.ts'
import { Overload } from '../src/overload.ts'

function yard(limit: number | undefined = 1000) {
  const state = { memory: 0 as number | null, pauses: 0, lines: [] as string[] }
  const write = (line: string) => {
    const { code, level, memory } = JSON.parse(line)
    state.lines.push(`${code} ${level} ${memory}`)
  }
  const overload = new Overload({
    memory: () => state.memory,
    limits: () => (limit === undefined ? {} : { memory_bytes: limit }),
    sources: () => [{ pause: () => state.pauses++, resume: () => state.pauses-- }],
    log: createLog({ level: 'info', node: 'yard' }, { write }),
  })
  /** The level at so much memory, and in how many of ten ticks nothing was read. */
  const at = (memory: number | null): readonly [number, number] => {
    state.memory = memory
    let unread = 0
    for (let tick = 0; tick < 10; tick++) {
      overload.tick()
      unread += state.pauses
    }
    return [overload.level, unread]
  }
  return { at, state }
}

test('above 80 % nobody new comes in, above the limit sources are read a fifth of the time, and it ends lower than it began', () => {
  const { at, state } = yard()
  assert.deepEqual(at(799), [0, 0])
  assert.deepEqual(at(800), [1, 0])
  assert.deepEqual(at(701), [1, 0])
  assert.deepEqual(at(699), [0, 0])
  assert.deepEqual(at(1000), [2, 8])
  assert.deepEqual(at(901), [2, 8])
  assert.deepEqual(at(899), [1, 0])
  assert.deepEqual(at(10), [0, 0])
  assert.equal(state.pauses, 0)
  assert.deepEqual(
    state.lines.map((line) => line.replace(/ \d+ /, ' ')),
    ['overload 800', 'overload-over 699', 'overload 1000', 'overload 899', 'overload-over 10'],
  )
})

test('without a limit, or where memory is not known, nothing is ever paused', () => {
  const unbounded = new Overload({
    memory: () => assert.fail('memory is read'),
    limits: () => ({}),
    sources: () => [],
    log: createLog({ level: 'silent', node: 'yard' }),
  })
  unbounded.tick()
  assert.equal(unbounded.level, 0)
  assert.deepEqual(yard().at(null), [0, 0])
})
