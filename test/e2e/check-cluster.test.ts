import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ClusterStore } from '../../src/cluster/cluster-store.ts'
import type { NodeState } from '../../src/cluster/node-state.ts'
import { Post } from '../../src/cluster/post.ts'
import { RedisStore } from '../../src/cluster/redis-store.ts'
import { isVisitor, Tasks } from '../../src/cluster/tasks.ts'
import { realTiming } from '../../src/cluster/timing.ts'
import { createLog } from '../../src/log.ts'
import { fields, nodeState } from '../cluster/states.ts'
import { runProgram, temporaryFile } from '../commands/program.ts'
import { type Redis, startRedis } from '../peers/redis.ts'

/** What a visitor is sent, which must be nothing. */
const sentToVisitors: string[] = []

function storeAt(t: TestContext, redis: Redis): ClusterStore {
  const store = new RedisStore({ urls: [redis.url], prefix: 'test:' })
  t.after(() => store.close())
  const append = store.append.bind(store)
  store.append = (of, entries) => {
    if (isVisitor(of)) sentToVisitors.push(of)
    return append(of, entries)
  }
  return store
}

/** A node that answers tasks with this state, and does nothing else. */
function node(t: TestContext, redis: Redis, state: NodeState): void {
  const store = storeAt(t, redis)
  const { name, incarnation } = state
  const tasks = new Tasks({
    me: () => ({ name, incarnation }),
    nodes: () => [],
    isUp: () => true,
    borrow: () => ({ store, send: () => assert.fail('it asks nobody'), time: Date.now, giveBack: () => {} }),
    handlers: {
      reload: () => null,
      drain: () => null,
      instance: () => null,
      usage: () => null,
      sample: () => null,
      state: () => state,
    },
    seconds: () => 1,
    newId: () => assert.fail('it asks nobody'),
    now: () => performance.now(),
    pause: async () => {},
    log: createLog({ level: 'silent', node: name }),
  })
  const post = new Post({
    ...{ store, me: incarnation, timing: realTiming, random: Math.random, limit: () => 1024 * 1024 },
    handler: {
      run: () => assert.fail('no stanza was sent'),
      confirmed() {},
      answered() {},
      news: (sender, topic, text) => {
        if (topic === 'task') void tasks.handle(text)
        if (isVisitor(sender)) post.forget(sender)
      },
      unreadable: (_sender, _id, reason) => assert.fail(reason),
    },
  })
  post.start()
  t.after(() => post.stop())
}

const configOf = (t: TestContext, redis: Redis): string =>
  temporaryFile(
    t,
    'yard.yaml',
    `listen: [{port: 1}]\ndomains: {a.example: {secret: x}}\ncluster: {redis: "${redis.url}", key_prefix: "test:", task_seconds: 2}\n`,
  )

/** A Redis with a table of two members, whose inboxes are open. */
async function clustered(t: TestContext): Promise<Redis> {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const store = storeAt(t, redis)
  await store.open()
  for (const [epoch, me] of ['inc-1', 'inc-2'].entries()) {
    const delta = epoch === 0 ? new Map(Object.entries(fields)) : new Map()
    assert.equal((await store.commit({ me, epoch, delta, joinFor: 60_000 })).kind, 'done')
    await store.openInbox(me)
  }
  return redis
}

test('check --cluster asks every node by way of Redis, as one that is no member, and finds nothing in health', async (t) => {
  const redis = await clustered(t)
  for (const which of [1, 2] as const) node(t, redis, nodeState(which, { epoch: 2 }))
  const config = configOf(t, redis)
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(await runProgram(t, ['check', '--cluster', '--config', config]), {
      code: 0,
      signal: null,
      out: '2 nodes and Redis agree, at epoch 2: yard-1, yard-2\n',
      err: '',
    })
  }
  assert.deepEqual(sentToVisitors, [])
})

test('a node that does not answer is named, and what differs is listed', async (t) => {
  const redis = await clustered(t)
  node(t, redis, nodeState(1, { epoch: 2 }, { holders: [null, 'yard-2/1'] }))
  const { code, out, err } = await runProgram(t, ['check', '--cluster', '--config', configOf(t, redis)])
  assert.equal(
    out,
    'bucket: a.example: bucket 0 is of nobody as yard-1 knows it, in Redis of red\nsilent: node yard-2 has not answered within 2 s\n',
  )
  assert.deepEqual([code, err], [1, ''])
})

test('a Redis that is not there is an error with exit code 1', async (t) => {
  const redis = await startRedis()
  const config = configOf(t, redis)
  await redis.stop()
  const { code, out, err } = await runProgram(t, ['check', '--cluster', '--config', config])
  assert.match(err, /^the cluster cannot be checked: .*\n$/)
  assert.deepEqual([code, out], [1, ''])
})
