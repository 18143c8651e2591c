import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startRedis } from '../../peers/redis.ts'
import { BOT, leftAndRight, leftUsers, named, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { until, Yard } from './yard.ts'

const plain = settings({ ...leftAndRight, hold: { seconds: 60 } }, twoBuckets)

/** For a user of Redis who may look whether a cluster can be joined, and may not join: that fails after what can be known before. */
const mayLook = '~* resetchannels -@all +hello +select +info +evalsha +eval +time +get +hexists +hset +hgetall +xrange'

describe('a node joins and leaves a cluster while it serves', { concurrency: true, timeout: 90_000 }, () => {
  test('by reload, twice, and no stream is closed and nothing is lost', async (t) => {
    const yard = await Yard.start(t, { nodes: ['b'], settings: plain })
    const alone = await yard.startNode('a', { cluster: undefined })
    const left = await alone.join(BOT, 'left')
    const sender = await alone.join(USERS, USERS)
    const right = await yard.node('b').join(BOT, 'right')
    const other = await yard.node('b').join(USERS, USERS)
    const streams = [left, sender, right, other]
    const without = await yard.config('a', alone.redis, { cluster: undefined })
    const within = await yard.config('a', alone.redis)
    const local = new Traffic(leftUsers, 'local.')
    const remote = new Traffic(rightUsers, 'remote.')

    for (let round = 1; round <= 2; round++) {
      // Alone it has nobody for the second bucket.
      local.send(sender, 50)
      remote.send(other, 50)
      await local.deliveredOnce([left])
      const across = new Traffic(rightUsers, `across${round}.`)
      across.send(sender, 50)
      alone.process.reload(within)
      local.send(sender, 50)
      remote.send(other, 50)
      across.send(sender, 50)
      await alone.process.log.waitFor('config-reloaded', {}, 2 * round - 1)
      await yard.together()
      await yard.joined(BOT, 2)
      await across.deliveredOnce([right])
      const back = new Traffic(leftUsers, `back${round}.`)
      back.send(other, 50)
      await back.deliveredOnce([left])
      for (const from of [...leftUsers, ...rightUsers]) {
        const said = await Promise.all(yard.members.map((member) => member.explain(BOT, `${from}/x`)))
        assert.deepEqual(
          said.map(({ instance }) => instance),
          Array(2).fill(leftUsers.includes(from) ? 'left' : 'right'),
        )
      }

      across.send(sender, 50)
      back.send(other, 50)
      alone.process.reload(without)
      await alone.process.log.waitFor('config-reloaded', {}, 2 * round)
      await across.deliveredOnce([right])
      await back.deliveredOnce([left])
      await yard.together(['b'])
      await until('node a is alone', async () => (await alone.nodes()).length === 1)
      local.send(sender, 50)
      remote.send(other, 50)
      await local.deliveredOnce([left])
      await remote.deliveredOnce([right])
    }
    assert.ok(streams.every(({ socket }) => !socket.destroyed))
    for (const { stanzas } of [sender, other]) {
      assert.deepEqual(
        stanzas.filter(({ type }) => type === 'error'),
        [],
      )
    }
  })

  test('an instance that comes while its node leaves, or just before, is read, served, and missed when it goes', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    const { process, redis } = yard.node('a')
    const join = (secret: string) => yard.node('a').join(BOT, secret)
    const left = await join('left')
    await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    // So that what it wishes for, and its leaving, take their time.
    redis.delay(200)
    const spare = await join('spare')
    process.reload(await yard.config('a', redis, { cluster: undefined }))
    const right = await join('right')
    await process.log.waitFor('config-reloaded')
    for (const instance of [left, spare, right]) await instance.settled()
    const [local, remote] = [new Traffic(leftUsers, 'local.'), new Traffic(rightUsers, 'remote.')]
    local.send(sender, 50)
    remote.send(sender, 50)
    await local.deliveredOnce([left])
    await remote.deliveredOnce([right])
    await right.kill()
    await until('it is missed', async () => (await yard.node('a').instances(BOT)).length === 2)
    const after = new Traffic(rightUsers, 'after.')
    after.send(sender, 50)
    await after.deliveredOnce([spare])
  })

  test('an instance that waits for its place is closed, too, when it would not be let in any more', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    const { process, redis } = yard.node('a')
    const join = (secret: string) => yard.node('a').join(BOT, secret)
    redis.delay(1000)
    const without = settings({ instances: named(['left', 0], ['right', 1]), hold: { seconds: 60 } }, twoBuckets)
    const spare = await join('spare')
    process.reload(await yard.config('a', redis, without))
    await spare.closed
    assert.equal(spare.streamError, 'reset')
    const left = await join('left')
    process.reload(await yard.config('a', redis, { domains: { [USERS]: { secret: USERS } }, domain_balancing: {} }))
    await left.closed
    assert.equal(left.streamError, 'host-gone')
  })

  test('to another Redis by reload, one after the other, and no stream is closed and nothing is lost', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    const redis = await startRedis()
    t.after(() => redis.stop())
    const [a, b] = [yard.node('a'), yard.node('b')]
    const [left, right] = [await a.join(BOT, 'left'), await b.join(BOT, 'right')]
    const [sender, other] = [await a.join(USERS, USERS), await b.join(USERS, USERS)]
    await yard.joined(BOT, 2)
    const traffics = [
      [sender, new Traffic(leftUsers, 'a1.')],
      [sender, new Traffic(rightUsers, 'a2.')],
      [other, new Traffic(leftUsers, 'b1.')],
      [other, new Traffic(rightUsers, 'b2.')],
    ] as const
    const say = () => {
      for (const [from, traffic] of traffics) traffic.send(from, 50)
    }
    say()
    for (const member of [a, b]) {
      member.process.reload(await yard.config(member.name, member.redis, { cluster: { redis: redis.url } }))
      say()
      await member.process.log.waitFor('config-reloaded')
      say()
    }
    await yard.together()
    await yard.joined(BOT, 2)
    say()
    for (const [, traffic] of traffics) await traffic.deliveredOnce([left, right])
    assert.ok([left, right, sender, other].every(({ socket }) => !socket.destroyed))
    for (const { stanzas } of [sender, other]) assert.ok(stanzas.every(({ type }) => type !== 'error'))
  })

  test('a reload to a Redis that cannot be joined leaves a node where it is, by the configuration that it has', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    const alone = await yard.startNode('c', { cluster: undefined })
    const evicting = await startRedis({ settings: ['--maxmemory-policy', 'allkeys-lru'] })
    const gone = await startRedis()
    const strict = await startRedis({ user: { name: 'yard', password: 'never-to-be-logged', rule: mayLook } })
    t.after(() => Promise.all([evicting.stop(), gone.stop(), strict.stop()]))
    await gone.kill()
    const a = yard.node('a')
    const [left, right] = [await a.join(BOT, 'left'), await yard.node('b').join(BOT, 'right')]
    const sender = await a.join(USERS, USERS)
    await yard.joined(BOT, 2, ['a', 'b'])
    const incarnation = await a.incarnation()
    const traffic = new Traffic(rightUsers)
    const { log } = a.process
    // Other ports, and one domain less: no part of it comes into force.
    const { [BOT]: bot } = (plain as { domains: Record<string, unknown> }).domains
    const changed = { domains: { [BOT]: bot }, listen: [{ port: 0 }, { port: 0 }] }
    for (const [nth, [url, reason]] of [
      [gone.url, /ECONNREFUSED/],
      [evicting.url, /maxmemory-policy is allkeys-lru/],
      [strict.url, /can't run this command/],
    ].entries() as Iterable<[number, [string, RegExp]]>) {
      for (const member of [a, alone]) {
        const more = { ...changed, cluster: { redis: url } }
        member.process.reload(await yard.config(member.name, member.redis, more))
        const refused = await member.process.log.waitFor('config-refused', {}, nth + 1)
        assert.match(String(refused.problems), /cannot join the cluster: /)
        assert.match(String(refused.problems), reason)
        assert.doesNotMatch(member.process.log.text, /never-to-be-logged/)
      }
      await yard.together(['a', 'b'])
      await yard.joined(BOT, 2, ['a', 'b'])
      assert.equal((await alone.nodes()).length, 1)
      assert.deepEqual([await a.metric('switchyard_cluster_up'), await a.metric('switchyard_cluster_nodes')], [1, 2])
      // What could be known before was: only the last one has had it leave.
      assert.equal((await a.incarnation()) === incarnation, url !== strict.url)
      traffic.send(sender, 50)
      await traffic.deliveredOnce([right])
    }
    assert.deepEqual([log.all('cluster-absent'), log.all('config-reloaded')], [[], []])
    assert.ok([left, right, sender].every(({ socket }) => !socket.destroyed))
  })

  test('a node that has lost one Redis and cannot join the other says that it is alone, and comes back by itself', async (t) => {
    const held = settings({ ...leftAndRight, hold: { seconds: 60, store: 'redis' } }, twoBuckets)
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: held, cluster: { retry_seconds: 0.2 } })
    const strict = await startRedis({ user: { name: 'yard', password: 'secret', rule: mayLook } })
    t.after(() => strict.stop())
    const a = yard.node('a')
    const left = await a.join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    const sender = await a.join(USERS, USERS)
    await yard.joined(BOT, 2)
    await yard.redis.kill()
    await a.process.log.waitFor('cluster-down')
    a.process.reload(await yard.config('a', a.redis, { cluster: { redis: strict.url } }))
    const absent = await a.process.log.waitFor('cluster-absent')
    assert.deepEqual([absent.seconds, absent.level], [0.2, 'error'])
    assert.match(String((await a.process.log.waitFor('config-refused')).problems), /can't run this command/)
    const up = () => Promise.all(['cluster', 'hold_store'].map((name) => a.metric(`switchyard_${name}_up`)))
    assert.deepEqual(await up(), [0, 0])
    const local = new Traffic(leftUsers, 'local.')
    local.send(sender, 50)
    await local.deliveredOnce([left])
    const remote = new Traffic(rightUsers, 'remote.')
    remote.send(sender, 50)
    await yard.redis.start()
    await yard.together()
    await yard.joined(BOT, 2)
    assert.deepEqual(await up(), [1, 1])
    await remote.deliveredOnce([right])
    assert.ok([left, right, sender].every(({ socket }) => !socket.destroyed))
  })

  test('one that is stopped in order leaves at once: its share moves, and the others need not wait for its lease', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    const left = await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    const spare = await yard.node('a').join(BOT, 'spare')
    await yard.joined(BOT, 3)
    const sender = await yard.node('a').join(USERS, USERS)
    const traffic = new Traffic(rightUsers)
    traffic.send(sender, 100)
    const stopped = yard.node('b').process.stop()
    traffic.send(sender, 100)
    assert.equal(await stopped, 0)
    traffic.send(sender, 100)
    await traffic.deliveredOnce([right, spare])
    await yard.together(['a'])
    const [line] = yard.node('a').process.log.all('node-left')
    assert.equal(line?.isDead, false, JSON.stringify(line))
    assert.deepEqual(traffic.came([left]), [])
  })
})
