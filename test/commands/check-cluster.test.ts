import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClusterStore, StoreError } from '../../src/cluster/cluster-store.ts'
import { decodeEntry } from '../../src/cluster/entry-codec.ts'
import { checkCluster, type OpenStore } from '../../src/commands/check-cluster.ts'
import { fields, nodeState } from '../cluster/states.ts'

const yaml = `
listen: [{port: 1}]
domains: {a.example: {secret: s3cret}}
cluster: {redis: "redis://yard:hunter2@cache.example", task_seconds: 1}
`

interface Asked {
  readonly of: string
  readonly sender: string
  readonly number: number
  readonly text: string
}

/** A store with the healthy table, whose nodes answer with these states; undefined: not at all. */
function stub(states: Readonly<Record<string, unknown>>, changes: Partial<ClusterStore> = {}) {
  const asked: Asked[] = []
  let isClosed = false
  const answers = new Map<string, string[]>()
  const store = {
    open: async () => {},
    close: () => {
      isClosed = true
    },
    time: async () => 5_000_000,
    changes: async (epoch: number) => {
      assert.equal(epoch, 0)
      return { epoch: 7, delta: new Map(Object.entries(fields)), isWhole: true }
    },
    append: async (of: string, entries: readonly Buffer[]) => {
      for (const entry of entries) {
        const { sender, number, items } = decodeEntry(entry)
        const [task] = items
        assert.ok(task?.kind === 'news' && task.topic === 'task' && items.length === 1)
        asked.push({ of, sender, number, text: task.text })
        const { id } = JSON.parse(task.text)
        const value = states[of]
        if (value === undefined) continue
        answers.set(id, [...(answers.get(id) ?? []), JSON.stringify({ incarnation: of, name: 'x', value })])
      }
      return true
    },
    answers: async (id: string, from: number, milliseconds: number) => {
      const there = (answers.get(id) ?? []).slice(from)
      if (there.length === 0) await new Promise((resolve) => setTimeout(resolve, milliseconds))
      return there
    },
    ...changes,
  } as Partial<ClusterStore> as ClusterStore
  const open: OpenStore = async (cluster) => {
    assert.deepEqual(cluster.redis, ['redis://yard:hunter2@cache.example'])
    return store
  }
  return { open, asked, isClosed: () => isClosed }
}

async function run(open: OpenStore, text = yaml) {
  const out: string[] = []
  const err: string[] = []
  const code = await checkCluster(
    'etc/yard.yaml',
    {
      env: {},
      hostname: 'box',
      readFile: () => text,
      stdout: (part) => out.push(part),
      stderr: (part) => err.push(part),
    },
    open,
  )
  return { code, out: out.join(''), err: err.join('') }
}

test('in health it says so, and the exit code is 0', async () => {
  const healthy = stub({ 'inc-1': nodeState(1), 'inc-2': nodeState(2) })
  assert.deepEqual(await run(healthy.open), {
    code: 0,
    out: '2 nodes and Redis agree, at epoch 7: yard-1, yard-2\n',
    err: '',
  })
  assert.deepEqual(
    healthy.asked.map(({ of }) => of),
    ['inc-1', 'inc-2'],
  )
  assert.equal(healthy.isClosed(), true)
})

test('it asks as one that is no member, in a new task each time, with numbers that rise', async () => {
  const behind = stub({ 'inc-1': nodeState(1, { epoch: 6 }), 'inc-2': nodeState(2) })
  await run(behind.open)
  const of = behind.asked.filter((asked) => asked.of === 'inc-2')
  assert.ok(of.length > 1)
  assert.deepEqual(
    of.map(({ number }) => number),
    of.map((_asked, at) => at + 1),
  )
  assert.equal(new Set(behind.asked.map(({ sender }) => sender)).size, 1)
  assert.match(behind.asked[0]?.sender ?? '', /^visitor-[0-9a-f]{16}$/)
  const tasks = of.map(({ text }) => JSON.parse(text))
  assert.deepEqual(new Set(tasks.map(({ what }) => what)), new Set(['state']))
  assert.equal(new Set(tasks.map(({ id }) => id)).size, tasks.length)
  assert.deepEqual(new Set(tasks.map(({ until }) => until)), new Set([5_001_000]))
})

test('every difference is a line, and so is a node that does not answer; the exit code is 1', async () => {
  const { code, out, err } = await run(stub({ 'inc-1': nodeState(1, { epoch: 6 }) }).open)
  assert.equal(out, 'epoch: node yard-1 is at epoch 6, Redis at 7\nsilent: node yard-2 has not answered within 1 s\n')
  assert.deepEqual([code, err], [1, ''])
})

test('a node without an inbox is not waited for', async () => {
  const states = { 'inc-1': nodeState(1), 'inc-2': nodeState(2) }
  const { code, out } = await run(stub(states, { append: async () => false }).open)
  assert.match(out, /^silent: node yard-1 .*\nsilent: node yard-2 /)
  assert.equal(code, 1)
})

test('a cluster without nodes is no health', async () => {
  const empty = stub({}, { changes: async () => ({ epoch: 0, delta: new Map(), isWhole: true }) })
  assert.deepEqual(await run(empty.open), { code: 1, out: 'no node is in the cluster\n', err: '' })
})

test('a Redis that cannot be used is an error that says why, without the password', async () => {
  const unfit = stub(
    {},
    { open: () => Promise.reject(new StoreError('maxmemory-policy is allkeys-lru, not noeviction')) },
  )
  assert.deepEqual(await run(unfit.open), {
    code: 1,
    out: '',
    err: 'the cluster cannot be checked: maxmemory-policy is allkeys-lru, not noeviction\n',
  })
  assert.equal(unfit.isClosed(), true)
})

test('a configuration with problems, or without a cluster, asks nobody', async () => {
  const never: OpenStore = () => assert.fail('opened')
  assert.match((await run(never, 'listen: []')).err, /^etc\/yard\.yaml:1:9 listen: must/m)
  const without = await run(never, 'listen: [{port: 1}]\ndomains: {a.example: {secret: s3cret}}\n')
  assert.deepEqual(without, { code: 1, out: '', err: 'etc/yard.yaml: has no cluster to check\n' })
})
