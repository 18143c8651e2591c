import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SlowProxy } from '../../peers/slow-proxy.ts'
import { RawInstance } from '../../stub/raw-instance.ts'
import { BOT, leftAndRight, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { Yard } from './yard.ts'

const plain = settings({ ...leftAndRight, hold: { seconds: 60 } }, twoBuckets)

describe('a node is cut off', { concurrency: true, timeout: 90_000 }, () => {
  test('from Redis only: others take over, its instances stay connected, and it takes part again when it is back', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b', 'c'], settings: plain })
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    const spare = await yard.node('c').join(BOT, 'spare')
    await yard.joined(BOT, 3)
    const senders = { a: await yard.node('a').join(USERS, USERS), b: await yard.node('b').join(USERS, USERS) }
    const before = new Traffic(rightUsers, 'before.')
    before.send(senders.a, 20)
    await before.delivered([right])
    const incarnation = await yard.node('b').incarnation()

    const { process, redis } = yard.node('b')
    // A busy machine may have fenced it for a moment before.
    const fences = process.log.all('cluster-fenced').length
    redis.hang()
    const onTheWay = new Traffic(rightUsers, 'way.')
    onTheWay.send(senders.a, 100)
    await process.log.waitFor('cluster-fenced', {}, fences + 1)
    // It is alive, and reads: but it may not know who has the bucket.
    const cutOff = new Traffic(rightUsers, 'cut.')
    cutOff.send(senders.b, 100)
    await senders.b.settled()
    await yard.together(['a', 'c'])
    const since = new Traffic(rightUsers, 'since.')
    since.send(senders.a, 100)
    await since.deliveredOnce([spare])
    await onTheWay.deliveredOnce([spare])
    assert.ok(!right.socket.destroyed && !senders.b.socket.destroyed)
    assert.deepEqual([onTheWay.came([right]), cutOff.came([right, spare])], [[], []])

    await redis.heal()
    await process.log.waitFor('cluster-lost')
    await cutOff.deliveredOnce([spare])
    await yard.together()
    await yard.joined(BOT, 3)
    assert.notEqual(await yard.node('b').incarnation(), incarnation)
    assert.deepEqual(cutOff.came([right]), [])
    await spare.kill()
    for (const [name, sender] of Object.entries(senders)) {
      const after = new Traffic(rightUsers, `after-${name}.`)
      after.send(sender, 50)
      await after.deliveredOnce([right])
    }
    assert.ok(!right.socket.destroyed)
  })

  test('from Redis for a moment: nothing happens', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    const before = await Promise.all(yard.members.map((member) => member.incarnation()))
    const traffic = new Traffic(rightUsers)
    for (const { redis } of yard.members) {
      traffic.send(sender, 50)
      redis.cut()
      traffic.send(sender, 50)
      await sender.settled()
      await traffic.deliveredOnce([right])
    }
    for (const { redis } of yard.members) {
      await redis.refuse()
      traffic.send(sender, 50)
      await sender.settled()
      await redis.heal()
      await traffic.deliveredOnce([right])
    }
    assert.deepEqual(await Promise.all(yard.members.map((member) => member.incarnation())), before)
  })

  test('from its instances only: they come back elsewhere, and nothing is lost', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    await yard.node('a').join(BOT, 'left')
    const network = await SlowProxy.open(yard.node('b').process.port)
    t.after(() => network.close())
    const right = await RawInstance.connect({ port: network.port, domain: BOT, secret: 'right' })
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    const traffic = new Traffic(rightUsers)
    traffic.send(sender, 100)
    // The last of them may have been written to it, and not confirmed.
    network.hang()
    traffic.send(sender, 100)
    await sender.settled()
    await network.refuse()
    await right.closed
    traffic.send(sender, 100)
    const again = await yard.node('a').join(BOT, 'right')
    await traffic.delivered([right, again])
    traffic.assertOrder([right, again])
    await yard.together()
  })
})
