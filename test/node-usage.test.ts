import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeUsages } from '../src/node-usage.ts'
import type { NodesAnswer } from '../src/operations.ts'

const usage = { state: 'ready', load: 0.5, memory: 1000 }

function usages(answer: () => Promise<NodesAnswer>) {
  const clock = { now: 0 }
  let asked = 0
  const made = new NodeUsages({
    now: () => clock.now,
    ask: () => {
      asked++
      return answer()
    },
  })
  return { usages: made, clock, asked: () => asked }
}

const answers = (...named: (readonly [string, unknown])[]): NodesAnswer => ({
  answers: new Map(named.map(([node, value]) => [node, { value }])),
  silent: [],
})

test('the nodes are asked once for all who want to know, and again when that is old', async () => {
  const { usages: made, clock, asked } = usages(async () => answers(['b', usage]))
  const [first, second] = await Promise.all([made.current(), made.current()])
  assert.deepEqual([first.get('b'), second.get('b'), asked()], [usage, usage, 1])
  clock.now = 1999
  await made.current()
  assert.equal(asked(), 1)
  clock.now = 2000
  await made.current()
  assert.equal(asked(), 2)
})

test('an answer that is none is left out, as of a node of another release; memory may be unknown', async () => {
  const bad = [null, 'x', { state: 'gone', load: 1, memory: 1 }, { state: 'ready', load: '1' }]
  const named = bad.map((value, n) => [`bad-${n}`, value] as const)
  const { usages: made } = usages(async () => answers(...named, ['c', { state: 'draining', load: 0, memory: null }]))
  assert.deepEqual([...(await made.current())], [['c', { state: 'draining', load: 0, memory: null }]])
})

test('a node that answers no more is known for a while, and then absent; that nobody can be asked is no error', async () => {
  const replies = [async () => answers(['b', usage]), () => Promise.reject(new Error('Redis is away'))]
  const { usages: made, clock } = usages(() => (replies.length > 1 ? replies.shift()! : replies[0]!)())
  assert.equal((await made.current()).size, 1)
  clock.now = 10_000
  assert.equal((await made.current()).size, 1)
  clock.now = 15_001
  assert.equal((await made.current()).size, 0)
})
