import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BOT, leftAndRight, leftUsers, named, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { until, Yard } from './yard.ts'

const plain = settings({ ...leftAndRight, hold: { seconds: 60 } }, twoBuckets)

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
