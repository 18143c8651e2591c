import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Run } from '../../src/cluster/entry.ts'
import { MergedRuns } from '../../src/cluster/merged-runs.ts'
import { VirtualTime } from './virtual-time.ts'

function bench() {
  const time = new VirtualTime()
  const state = { isReading: true, idle: 0 }
  const out: string[] = []
  const kept = new Set<string>()
  const merged = new MergedRuns({
    handOut: ({ bytes }) => {
      out.push(bytes.toString().slice(0, 9))
    },
    isReading: () => state.isReading,
    idle: () => {
      state.idle++
    },
    timing: time,
  })
  const add = (text: string, since: number, isOwn = false, bytes = Buffer.from(text), sender = text): void => {
    const run: Run = {
      kind: 'run',
      to: { domain: 'a.test', instance: '' },
      since,
      deaths: 0,
      hops: 0,
      stanzas: 1,
      bytes,
    }
    const ticket = { retain: () => void kept.add(text), release: () => void kept.delete(text) }
    merged.add(run, ticket, { inbox: isOwn ? sender : 'other', sender })
  }
  return { time, state, out, kept, merged, add }
}

test('runs wait, with their tickets, until all has been read, and go on by their age; what is whole before its copies', async () => {
  const { time, state, out, kept, merged, add } = bench()
  add('copy of 2', 20)
  add('3', 30, true)
  add('1', 10, true)
  add('2', 20, true)
  merged.proceed()
  await time.pass(10)
  assert.deepEqual([out, kept.size, merged.isIdle, state.idle], [[], 4, false, 0])
  state.isReading = false
  merged.proceed()
  await time.pass(10)
  assert.deepEqual([out, kept.size, merged.isIdle, state.idle], [['1', '2', 'copy of 2', '3'], 0, true, 1])
  add('4', 5)
  assert.equal(out.at(-1), '4', 'with nothing left to read nothing waits')
})

test('above four MiB what is there goes on, in its own order', async () => {
  const { time, out, add } = bench()
  const large = Buffer.alloc(2 * 1024 * 1024, 'b')
  add('b', 20, true, large)
  add('a', 10, true, Buffer.alloc(2 * 1024 * 1024, 'a'))
  await time.pass(10)
  assert.deepEqual(out, [])
  add('c', 30)
  await time.pass(10)
  assert.deepEqual(out, ['aaaaaaaaa', 'bbbbbbbbb', 'c'])
})

test('nothing goes on while it is paused, and none of it once it is closed', async () => {
  const { time, state, out, kept, merged, add } = bench()
  merged.pause()
  state.isReading = false
  add('1', 10)
  merged.proceed()
  await time.pass(10)
  assert.deepEqual(out, [])
  merged.resume()
  await time.pass(10)
  assert.deepEqual(out, ['1'])
  state.isReading = true
  add('2', 20)
  merged.close()
  state.isReading = false
  merged.proceed()
  await time.pass(10)
  assert.deepEqual([out, [...kept]], [['1'], ['2']], 'it is kept where it was read')
})

test('a sender whose idea of the time was corrected stays in its own order; what came to it from elsewhere does not', async () => {
  const { time, state, out, merged, add } = bench()
  add('1', 1000, true, undefined, 'dead')
  add('2', 900, true, undefined, 'dead')
  add('3', 1010, true, undefined, 'dead')
  add('0', 400, true, undefined, 'dead')
  add('4', 905, true, undefined, 'other')
  state.isReading = false
  merged.proceed()
  await time.pass(10)
  assert.deepEqual(out, ['0', '4', '1', '2', '3'])
})
