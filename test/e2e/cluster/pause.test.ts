import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BOT, leftAndRight, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { Yard } from './yard.ts'

const plain = settings(leftAndRight, twoBuckets)

describe('a node is paused beyond its lease, and resumed', { concurrency: true, timeout: 90_000 }, () => {
  test('nothing of its bucket is delivered by it once another has that, and it comes back as another', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b', 'c'], settings: plain })
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    const spare = await yard.node('c').join(BOT, 'spare')
    await yard.joined(BOT, 3)
    const senders = { a: await yard.node('a').join(USERS, USERS), b: await yard.node('b').join(USERS, USERS) }
    const before = new Traffic(rightUsers, 'before.')
    before.send(senders.a, 20)
    before.send(senders.b, 20)
    await before.delivered([right])
    const incarnation = await yard.node('b').incarnation()

    const { process } = yard.node('b')
    process.pause()
    const onTheWay = new Traffic(rightUsers, 'way.')
    onTheWay.send(senders.a, 100)
    await senders.a.settled()
    await yard.together(['a', 'c'])
    const since = new Traffic(rightUsers, 'since.')
    since.send(senders.a, 100)
    await since.deliveredOnce([spare])
    await onTheWay.delivered([spare])
    // It has these in its socket when it awakes: it must not believe that the bucket is still its instance's.
    const stale = new Traffic(rightUsers, 'stale.')
    stale.send(senders.b, 100)
    process.resume()
    await process.log.waitFor('cluster-lost')
    await stale.deliveredOnce([spare])
    await yard.together()
    assert.notEqual(await yard.node('b').incarnation(), incarnation)
    for (const traffic of [onTheWay, since, stale]) assert.deepEqual(traffic.came([right]), [])
    assert.ok(!right.socket.destroyed, 'the stream of its instance was closed')

    // It takes part again: its instance is a spare now, and inherits.
    await yard.joined(BOT, 3)
    await spare.kill()
    for (const [name, sender] of Object.entries(senders)) {
      const after = new Traffic(rightUsers, `after-${name}.`)
      after.send(sender, 50)
      await after.deliveredOnce([right])
    }
  })

  test('what is for one that reads nothing fills cluster.inbox_bytes of Redis, which is said once, and waits here; all of it comes', async (t) => {
    const small = { ...plain, limits: { outbox_bytes: '16MiB' } }
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: small, cluster: { inbox_bytes: '1MiB' } })
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 1)
    const sender = await yard.node('a').join(USERS, USERS)
    yard.node('b').process.pause()
    const traffic = new Traffic(rightUsers)
    traffic.send(sender, 20_000)
    const { name, bytes } = await yard.node('a').process.log.waitFor('inbox-full')
    yard.node('b').process.resume()
    assert.equal(name, 'b')
    assert.ok(Number(bytes) > 1024 ** 2)
    await traffic.delivered([right])
    traffic.assertOrder([right])
    assert.equal(yard.node('a').process.log.all('inbox-full').length, 1)
  })

  test('one that is paused for less than its lease goes on as it was', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    const incarnation = await yard.node('b').incarnation()
    const traffic = new Traffic(rightUsers)
    for (let round = 0; round < 3; round++) {
      yard.node('b').process.pause()
      traffic.send(sender, 100)
      await sender.settled()
      yard.node('b').process.resume()
      traffic.send(sender, 100)
      await traffic.deliveredOnce([right])
    }
    assert.equal(await yard.node('b').incarnation(), incarnation)
  })
})
