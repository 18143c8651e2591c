import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { ClusterStore } from '../../src/cluster/cluster-store.ts'
import type { RedisTarget } from '../../src/cluster/redis-client.ts'
import { ACL_RULE } from '../../src/cluster/redis-fitness.ts'
import { RedisStore } from '../../src/cluster/redis-store.ts'
import { clusterStoreSuite } from '../contracts/cluster-store.ts'
import { redisSubject } from '../contracts/redis-world.ts'
import { startRedis } from '../peers/redis.ts'
import { startRedisCluster } from '../peers/redis-cluster.ts'
import { startWatchedRedis } from '../peers/redis-sentinel.ts'

const PASSWORD = 'never/to be:told'
/** What the README says, with the prefix that the suite's keys have. */
const user = { name: 'switchyard', password: PASSWORD, rule: `~test:* ${ACL_RULE}` }
const PREFIX = 'test:'
const LONG = 60_000

clusterStoreSuite(
  'a store of the cluster in Redis over TLS, as a user with the least rights',
  async () => {
    const redis = await startRedis({ user, isTls: true })
    const { url, adminUrl, ca } = redis
    const admin = new Redis(adminUrl, { tls: { ca: ca! } })
    return redisSubject({ target: { urls: [url], ca: ca! }, admins: [admin], stop: redis.stop })
  },
  3,
)

clusterStoreSuite(
  'a store of the cluster in a Redis with a sentinel',
  async () => {
    const redis = await startWatchedRedis(user)
    const admins = [new Redis(redis.master.adminUrl)]
    return redisSubject({ target: { urls: [redis.url], sentinel: redis.name }, admins, stop: redis.stop })
  },
  3,
)

clusterStoreSuite(
  'a store of the cluster in a Redis Cluster, as a user with the least rights',
  async () => {
    const cluster = await startRedisCluster(user)
    const admins = cluster.masters.map(({ adminUrl }) => new Redis(adminUrl))
    return redisSubject({ target: { urls: cluster.urls }, admins, stop: cluster.stop })
  },
  3,
)

function storeOf(t: TestContext, target: RedisTarget): RedisStore {
  const store = new RedisStore({ ...target, prefix: PREFIX })
  t.after(() => store.close())
  return store
}

/** A connection of the test's own, which does not outlive its server. */
function adminOf(t: TestContext, url: string): Redis {
  const admin = new Redis(url)
  admin.on('error', () => {})
  t.after(() => admin.disconnect())
  return admin
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { readonly refused?: boolean }> {
  const error = await promise.then(
    () => undefined,
    (error) => error,
  )
  assert.ok(error instanceof Error)
  assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /never/)
  return error
}

/** Asks until it works, on the connection of what waits, too; says what has been heard before that. */
async function untilWell(store: ClusterStore): Promise<readonly Error[]> {
  const failures: Error[] = []
  for (;;) {
    try {
      await store.renew('a', LONG)
      await store.read('a', '0', 1, 1)
      return failures
    } catch (error) {
      failures.push(error as Error)
      await wait(20)
    }
  }
}

/** Takes connections and says nothing. */
async function startSilence(t: TestContext): Promise<string> {
  const server: Server = createServer(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `redis://127.0.0.1:${address.port}`
}

test('a Redis that evicts is refused, with what to do about it', async (t) => {
  const settings = ['--maxmemory-policy', 'allkeys-lru']
  const redis = await startRedis({ settings })
  t.after(redis.stop)
  const error = await failureOf(storeOf(t, { urls: [redis.url] }).open())
  assert.equal(error.name, 'StoreError')
  assert.match(error.message, /^redis:\/\/127\.0\.0\.1:\d+: its maxmemory-policy is allkeys-lru, .*noeviction/)
})

test('a user who may not ask what Redis is like is served, with a warning', async (t) => {
  const redis = await startRedis({ user: { ...user, rule: `${user.rule} -info` } })
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url] })
  await store.open()
  assert.match(store.warnings.join(), /INFO is not permitted/)
})

test('what the user may not do is said when the store is opened, and no key but ours is seen', async (t) => {
  const redis = await startRedis({ user })
  t.after(redis.stop)
  const store = new RedisStore({ urls: [redis.url], prefix: 'other:' })
  t.after(() => store.close())
  const error = await failureOf(store.open())
  assert.equal(error.name, 'StoreError')
  assert.match(error.message, /NOPERM/)
})

test('every one of the least rights is needed', async (t) => {
  const redis = await startRedis({ user })
  t.after(redis.stop)
  const store = storeOf(t, { urls: [`${redis.url}/1`] })
  await useAll(store)
  const admin = adminOf(t, redis.adminUrl)
  const used = (await admin.info('commandstats')).matchAll(/^cmdstat_([^:]+):/gm)
  const commands = new Set(Array.from(used, ([, command]) => command))
  const rights = Array.from(ACL_RULE.matchAll(/ \+(\S+)/g), ([, right]) => right)
  assert.ok(rights.length > 20)
  for (const right of rights) assert.ok(commands.has(right) || right?.startsWith('cluster|'), right)
})

/** Everything that a store is asked. */
async function useAll(store: ClusterStore): Promise<void> {
  await store.open()
  await store.seed(1, new Map([['x', '1']]), ['a'], LONG)
  await store.commit({ me: 'a', epoch: 2, delta: new Map([['x', null]]), expired: ['b'] })
  await store.renew('a', LONG)
  await store.changes(2)
  await store.awaitChange(2, 10)
  await store.openInbox('a')
  await store.append('a', [Buffer.from('1')])
  await store.append('a', [Buffer.from('2'), Buffer.from('3')])
  const mails = await store.read('a', '0', 10, 10)
  const ids = mails.map(({ id }) => id)
  await store.remove('a', ids)
  await store.closeInbox('a')
  await store.answer('t', 'x')
  await store.answers('t', 0, 10)
}

test('a server that does not know the scripts any more is told them', async (t) => {
  const redis = await startRedis()
  t.after(redis.stop)
  const admin = adminOf(t, redis.adminUrl)
  const store = storeOf(t, { urls: [redis.url] })
  await store.commit({ me: 'a', epoch: 0, delta: new Map(), joinFor: LONG })
  for (const epoch of [1, 2]) {
    await admin.script('FLUSH')
    assert.equal((await store.commit({ me: 'a', epoch, delta: new Map() })).kind, 'done')
    await admin.script('FLUSH')
    assert.equal((await store.renew('a', LONG)).isMember, true)
    await admin.script('FLUSH')
    assert.equal((await store.changes(epoch)).epoch, epoch + 1)
    await admin.script('FLUSH')
    await store.openInbox('a')
    await admin.script('FLUSH')
    assert.equal(await store.closeInbox('a'), 'closed')
    await admin.script('FLUSH')
    assert.equal(await store.seed(1, new Map(), [], 1), false)
  }
})

test('a wrong password is told without the password, at once', async (t) => {
  const redis = await startRedis({ user })
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url.replace(encodeURIComponent(PASSWORD), 'never-this')] })
  const error = await failureOf(store.open())
  assert.equal(error.name, 'StoreError')
  assert.match(error.message, /^redis:\/\/127\.0\.0\.1:\d+: WRONGPASS/)
})

test('nobody listens: that is a refusal, by address and without the password', async (t) => {
  const redis = await startRedis({ user })
  await redis.stop()
  const error = await failureOf(storeOf(t, { urls: [redis.url] }).open())
  assert.equal(error.name, 'StoreUnreachable')
  assert.match(error.message, /^redis:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/)
  assert.equal(error.refused, true)
})

test('who says nothing has not refused', async (t) => {
  const url = await startSilence(t)
  const error = await failureOf(storeOf(t, { urls: [url] }).open())
  assert.equal(error.name, 'StoreUnreachable')
  assert.equal(error.refused, false)
})

test('a certificate of somebody else is refused', async (t) => {
  const redis = await startRedis({ isTls: true })
  t.after(redis.stop)
  const error = await failureOf(storeOf(t, { urls: [redis.url] }).open())
  assert.match(error.message, /certificate/)
  assert.equal(error.refused, false)
})

test('Redis killed: what waits fails at once, as refused; back and empty, it is used again', async (t) => {
  const redis = await startRedis()
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url] })
  await store.open()
  await store.openInbox('a')
  const waiting = [store.read('a', '0', 1, 10_000), store.awaitChange(0, 10_000), store.answers('t', 0, 10_000)]
  const failures = Promise.all(waiting.map(failureOf))
  await store.renew('a', LONG)
  await redis.kill()
  for (const { name, refused } of await failures)
    assert.deepEqual({ name, refused }, { name: 'StoreUnreachable', refused: true })
  const calls = [store.renew('a', LONG), store.append('a', [Buffer.from('x')]), store.read('a', '0', 1, 1000)]
  for (const { refused } of await Promise.all(calls.map(failureOf))) assert.equal(refused, true)
  await redis.start()
  const started = performance.now()
  await untilWell(store)
  t.diagnostic(`well again after ${Math.round(performance.now() - started)} ms`)
  assert.equal(await store.append('a', [Buffer.from('x')]), false)
  assert.deepEqual(await store.read('a', '0', 1, 10), [])
})

test('Redis hangs: nothing is refused, every call ends, and it is used again when it goes on', async (t) => {
  const redis = await startRedis()
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url] })
  await store.open()
  await store.openInbox('a')
  redis.pause()
  const calls = [
    store.renew('a', LONG),
    store.append('a', [Buffer.from('x')]),
    store.read('a', '0', 1, 50),
    store.awaitChange(0, 50),
  ]
  for (const error of await Promise.all(calls.map(failureOf))) {
    assert.equal(error.name, 'StoreUnreachable')
    assert.equal(error.refused, false)
  }
  redis.resume()
  await untilWell(store)
})

test('a replica takes no writes: that is a refusal', async (t) => {
  const redis = await startRedis({ settings: ['--replicaof', '127.0.0.1', '1'] })
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url] })
  const error = await failureOf(store.commit({ me: 'a', epoch: 0, delta: new Map(), joinFor: LONG }))
  assert.match(error.message, /READONLY|MASTERDOWN/)
  assert.equal(error.refused, true)
})

test('a Redis whose memory is full takes no entries, says so, and lets nodes live', async (t) => {
  const redis = await startRedis({ settings: ['--maxmemory', '4mb'] })
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url] })
  await store.open()
  await store.openInbox('a')
  await store.commit({ me: 'a', epoch: 0, delta: new Map(), joinFor: LONG })
  let full: Error | undefined
  while (full === undefined)
    await store.append('a', [Buffer.alloc(100_000)]).catch((error) => {
      full = error
    })
  assert.equal(full.name, 'StoreError')
  assert.match(full.message, /OOM/)
  assert.equal((await store.renew('a', LONG)).isMember, true)
  assert.equal((await store.commit({ me: 'a', epoch: 1, delta: new Map([['x', '1']]) })).kind, 'done')
  const mails = await store.read('a', '0', 1000, 1)
  await store.remove(
    'a',
    mails.map(({ id }) => id),
  )
  assert.equal(await store.closeInbox('a'), 'closed')
})

test('an inbox goes by itself a day after it was last read, answers after a minute, and every key has the prefix', async (t) => {
  const redis = await startRedis()
  t.after(redis.stop)
  let now = 0
  const store = new RedisStore({ urls: [redis.url], prefix: 'mine:', now: () => now })
  t.after(() => store.close())
  const admin = adminOf(t, redis.adminUrl)
  const inbox = 'mine:inbox:{a}'
  await store.openInbox('a')
  await store.commit({ me: 'a', epoch: 0, delta: new Map([['x', '1']]), joinFor: LONG })
  await store.answer('t', 'x')
  assert.deepEqual((await admin.keys('*')).sort(), [
    inbox,
    'mine:task:{t}',
    ...['changes', 'epoch', 'fields', 'leases'].map((name) => `mine:{table}:${name}`),
  ])
  // Longer than anything may be held.
  const longest = 8 * 24 * 60 * 60
  const isLong = (seconds: number) => assert.ok(seconds > longest - 60 && seconds <= longest, `${seconds}`)
  isLong(await admin.ttl(inbox))
  assert.ok((await admin.ttl('mine:task:{t}')) > 0)
  for (const [milliseconds, isRefreshed] of [
    [0, true],
    [3_599_999, false],
    [3_600_000, true],
  ] as const) {
    now = milliseconds
    await admin.expire(inbox, 100)
    await store.read('a', '0', 1, 1)
    // It goes out after the reading, on the same connection.
    await store.renew('a', LONG)
    if (isRefreshed) isLong(await admin.ttl(inbox))
    else assert.ok((await admin.ttl(inbox)) <= 100)
  }
})

test('one address of a Redis Cluster is no Redis, and two Redis are no Redis Cluster', async (t) => {
  const cluster = await startRedisCluster()
  t.after(cluster.stop)
  const [url = ''] = cluster.urls
  const error = await failureOf(storeOf(t, { urls: [url] }).open())
  assert.equal(error.name, 'StoreError')
  assert.match(error.message, /a node of a Redis Cluster/)
  await storeOf(t, { urls: [url, url] }).open()
  const redis = await startRedis()
  t.after(redis.stop)
  const other = await failureOf(storeOf(t, { urls: [redis.url, redis.url] }).open())
  assert.equal(other.name, 'StoreError')
  assert.match(other.message, /cluster support disabled/)
})

test('a Redis Cluster that evicts on one master is refused, by that master’s address', async (t) => {
  const cluster = await startRedisCluster()
  t.after(cluster.stop)
  const bad = cluster.masters[1]!
  const admin = adminOf(t, bad.adminUrl)
  await admin.config('SET', 'maxmemory-policy', 'volatile-ttl')
  const error = await failureOf(storeOf(t, { urls: cluster.urls }).open())
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${bad.port}: its maxmemory-policy is volatile-ttl`))
})

test('a master of a Redis Cluster is killed, and comes back empty', async (t) => {
  const cluster = await startRedisCluster(user)
  t.after(cluster.stop)
  const store = storeOf(t, { urls: cluster.urls })
  await store.open()
  for (const master of cluster.masters) {
    await master.kill()
    const failures = [await failureOf(untilFailure(store))]
    for (const { name, refused } of failures)
      assert.deepEqual({ name, refused }, { name: 'StoreUnreachable', refused: true })
    await master.start()
    await cluster.settled()
    await untilWell(store)
  }
  await Promise.all(cluster.masters.map((master) => master.kill()))
  for (let i = 0; i < 3; i++) assert.equal((await failureOf(untilFailure(store))).refused, true)
  await Promise.all(cluster.masters.map((master) => master.start()))
  await cluster.settled()
  await untilWell(store)
})

/** A cluster that has lost a master says so after a while. */
async function untilFailure(store: ClusterStore): Promise<void> {
  for (;;) await store.renew('a', LONG)
}

test('a master that is killed is followed to the replica that the sentinel makes the master', async (t) => {
  const redis = await startWatchedRedis(user)
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url], sentinel: redis.name })
  await store.open()
  await store.commit({ me: 'a', epoch: 0, delta: new Map([['x', '1']]), joinFor: LONG })
  await store.openInbox('a')
  await untilReplicated(redis.replica.adminUrl, `${PREFIX}inbox:{a}`)
  await redis.master.kill()
  const started = performance.now()
  await failureOf(untilFailure(store))
  const failures = await untilWell(store)
  t.diagnostic(`well again after ${Math.round(performance.now() - started)} ms and ${failures.length} failures`)
  for (const failure of failures) assert.equal(failure.name, 'StoreUnreachable')
  assert.equal((await store.changes(0)).epoch, 1)
  assert.equal(await store.append('a', [Buffer.from('x')]), true)
  assert.equal((await store.read('a', '0', 1, 1000)).length, 1)
})

test('a master that has become a replica is left for the new one', async (t) => {
  const redis = await startWatchedRedis()
  t.after(redis.stop)
  const store = storeOf(t, { urls: [redis.url], sentinel: redis.name })
  await store.open()
  await store.openInbox('a')
  await untilReplicated(redis.replica.adminUrl, `${PREFIX}inbox:{a}`)
  const sentinel = adminOf(t, redis.url)
  const admin = adminOf(t, redis.replica.adminUrl)
  await sentinel.call('SENTINEL', 'FAILOVER', redis.name)
  const started = performance.now()
  const after = () => `${Math.round(performance.now() - started)} ms`
  const isMaster = async () => /role:master/.test(await admin.info('replication'))
  while (!(await isMaster())) await wait(10)
  t.diagnostic(`there is a new master after ${after()}`)
  const leases = `${PREFIX}{table}:leases`
  while ((await admin.exists(leases)) === 0) {
    await store.commit({ me: 'a', epoch: 0, delta: new Map(), joinFor: LONG }).catch(() => {})
    await wait(20)
  }
  t.diagnostic(`it is used after ${after()}`)
})

async function untilReplicated(url: string, key: string): Promise<void> {
  const admin = new Redis(url)
  while ((await admin.exists(key)) === 0) await wait(10)
  admin.disconnect()
}

test('a sentinel that does not know the master says so', async (t) => {
  const redis = await startWatchedRedis()
  t.after(redis.stop)
  const error = await failureOf(storeOf(t, { urls: [redis.url], sentinel: 'another' }).open())
  assert.equal(error.name, 'StoreUnreachable')
  assert.match(error.message, /sentinels of another/)
})
