import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audit, membersOf } from '../../src/cluster/audit.ts'
import type { Change } from '../../src/cluster/cluster-store.ts'
import type { TaskAnswer } from '../../src/cluster/task-text.ts'
import { fields, nodeState } from './states.ts'

const table = (epoch = 7): Change => ({ epoch, delta: new Map(Object.entries(fields)), isWhole: true })
const healthy: Readonly<Record<string, TaskAnswer>> = {
  'yard-1': { value: nodeState(1) },
  'yard-2': { value: nodeState(2) },
}

/** An audit whose looks meet these answers, one after the other, the last again and again. */
async function run(looks: readonly Readonly<Record<string, TaskAnswer>>[], silent: readonly string[] = []) {
  let look = 0
  let pauses = 0
  const found = await audit({
    table: async () => table(),
    ask: async () => {
      const answers = looks[Math.min(look++, looks.length - 1)] ?? {}
      return { answers: new Map(Object.entries(answers)), silent }
    },
    pause: async () => {
      pauses++
    },
  })
  return { ...found, pauses }
}

test('in health it is consistent at the first look', async () => {
  assert.deepEqual(await run([healthy]), {
    consistent: true,
    epoch: 7,
    nodes: ['yard-1', 'yard-2'],
    differences: [],
    silent: [],
    pauses: 0,
  })
})

test('what is only on its way is no difference: it is looked again', async () => {
  const behind = { ...healthy, 'yard-1': { value: nodeState(1, { epoch: 6 }) } }
  const { consistent, pauses } = await run([behind, behind, healthy])
  assert.deepEqual([consistent, pauses], [true, 2])
})

test('what stays is told after some looks', async () => {
  const { consistent, differences, pauses } = await run([
    { ...healthy, 'yard-1': { value: nodeState(1, { epoch: 6 }) } },
  ])
  assert.deepEqual([consistent, differences.map(({ kind }) => kind), pauses], [false, ['epoch'], 3])
})

test('a node that does not answer is not asked again, and is no difference but not health either', async () => {
  const { consistent, differences, silent, nodes, pauses } = await run(
    [{ 'yard-2': { value: nodeState(2) } }],
    ['yard-1'],
  )
  assert.deepEqual(
    { consistent, differences, silent, nodes, pauses },
    {
      consistent: false,
      differences: [],
      silent: ['yard-1'],
      nodes: ['yard-1', 'yard-2'],
      pauses: 0,
    },
  )
})

test('a node that answers with an error, or in a form that is not known, is a difference', async () => {
  const { differences } = await run([{ 'yard-1': { error: 'out of order' }, 'yard-2': { value: { name: 'yard-2' } } }])
  assert.deepEqual(
    differences.map(({ text }) => text),
    ['node yard-1: out of order', 'node yard-2: its state cannot be read: it is of another release'],
  )
})

test('the members of a table are those with a record', () => {
  assert.deepEqual(membersOf(table()), [
    { name: 'yard-1', incarnation: 'inc-1' },
    { name: 'yard-2', incarnation: 'inc-2' },
  ])
})
