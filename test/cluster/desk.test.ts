import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../src/cluster/cluster-store.ts'
import { Desk } from '../../src/cluster/desk.ts'
import type { TaskName } from '../../src/cluster/task-text.ts'
import type { TaskNode } from '../../src/cluster/tasks.ts'
import { fields, nodeState } from './states.ts'

const me = { name: 'yard-1', incarnation: 'inc-1' }
const other = { name: 'yard-2', incarnation: 'inc-2' }

/** A desk at yard-1, and what was asked of whom; undefined: of everybody. */
function desk(table?: () => Promise<Change>) {
  const asked: (readonly [TaskName, readonly string[] | undefined])[] = []
  const made = new Desk({
    me: () => me,
    table: table ?? (async () => undefined),
    pause: async () => {},
    tasks: {
      everybody: [me, other],
      ask: async (what: TaskName, _value?: unknown, among?: readonly TaskNode[]) => {
        asked.push([what, among?.map(({ name }) => name)])
        const states = (among ?? []).map(({ name }) => [name, { value: nodeState(name === 'yard-1' ? 1 : 2) }] as const)
        return { answers: new Map(states), silent: [] }
      },
    },
  })
  return { desk: made, asked }
}

const healthy: Change = { epoch: 7, delta: new Map(Object.entries(fields)), isWhole: true }

test('the check asks the members that the table names', async () => {
  const { desk: made, asked } = desk(async () => healthy)
  assert.equal((await made.consistency()).consistent, true)
  assert.deepEqual(asked, [['state', ['yard-1', 'yard-2']]])
})

test('this node is asked, too, when the table does not know it', async () => {
  const forgotten = new Map([...healthy.delta].filter(([field]) => !/yard-1$|inc-1$/.test(field)))
  const { desk: made, asked } = desk(async () => ({ ...healthy, delta: forgotten }))
  const { differences } = await made.consistency()
  assert.deepEqual(asked[0], ['state', ['yard-2', 'yard-1']])
  assert.equal(differences[0]?.kind, 'node-unknown')
})

test('who asks for the check while it is made gets the same one; later there is a new one', async () => {
  const { desk: made, asked } = desk(async () => healthy)
  const [first, second] = await Promise.all([made.consistency(), made.consistency()])
  assert.equal(first, second)
  assert.equal(asked.length, 1)
  await made.consistency()
  assert.equal(asked.length, 2)
})

test('a store that cannot be asked is no health, and does not spoil the next check', async () => {
  let isDown = true
  const { desk: made } = desk(async () => (isDown ? assert.fail('down') : healthy))
  await assert.rejects(made.consistency(), /down/)
  isDown = false
  assert.equal((await made.consistency()).consistent, true)
})

test('without a cluster a node agrees with itself', async () => {
  const { desk: made, asked } = desk()
  assert.deepEqual(await made.consistency(), {
    consistent: true,
    epoch: 0,
    nodes: ['yard-1'],
    differences: [],
    silent: [],
  })
  assert.deepEqual(asked, [])
})

test('a reload is asked of everybody, a drain of the node that is named', async () => {
  const { desk: made, asked } = desk()
  await made.reload()
  await made.drain('yard-2')
  assert.equal(await made.drain('yard-9'), undefined)
  assert.deepEqual(asked, [
    ['reload', undefined],
    ['drain', ['yard-2']],
  ])
})
