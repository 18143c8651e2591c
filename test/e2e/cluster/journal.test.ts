import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BOT, leftAndRight, leftUsers, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { Yard } from './yard.ts'

const bot = { ...leftAndRight, delivery: 'journal', hold: { seconds: 3600, store: 'redis', bytes: '64MiB' } }
const journalled = settings(bot, twoBuckets)

describe('delivery: journal', { concurrency: true, timeout: 90_000 }, () => {
  test('what a node has confirmed to its source is delivered by its heir when it is killed', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: journalled })
    const left = await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('b').join(USERS, USERS)
    // Their holder is of the node itself, and reads nothing.
    right.pause()
    const toRight = new Traffic(rightUsers, 'right.')
    const toLeft = new Traffic(leftUsers, 'left.')
    toRight.send(sender, 300)
    toLeft.send(sender, 300)
    await sender.settled()
    await yard.kill('b')
    const heir = await yard.node('a').join(BOT, 'right')
    await toRight.delivered([heir])
    toRight.assertOrder([heir])
    await toLeft.delivered([left])
    toLeft.assertOrder([left])
  })

  test('what is held for nobody when the node is killed, and what came by a node that is killed next, too', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b', 'c'], settings: journalled })
    const traffics = ['c', 'b'].map((name) => ({ name, traffic: new Traffic(rightUsers, `${name}.`) }))
    for (const { name, traffic } of traffics) {
      const sender = await yard.node(name).join(USERS, USERS)
      traffic.send(sender, 200)
      await sender.settled()
      await yard.kill(name)
    }
    await yard.together(['a'])
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('a').join(BOT, 'right')
    for (const { traffic } of traffics) {
      await traffic.delivered([right])
      traffic.assertOrder([right])
    }
  })

  test('whoever sends more than cluster.inbox_bytes ahead of what is confirmed waits, and all is delivered in the end', async (t) => {
    const small = { ...journalled, limits: { outbox_bytes: '16MiB' } }
    const yard = await Yard.start(t, { nodes: ['a'], settings: small, cluster: { inbox_bytes: '1MiB' } })
    const { process } = yard.node('a')
    const right = await yard.node('a').join(BOT, 'right')
    const sender = await yard.node('a').join(USERS, USERS)
    right.pause()
    const traffic = new Traffic(rightUsers)
    traffic.send(sender, 30_000)
    await process.log.waitFor('journal-full')
    right.resume()
    await traffic.delivered([right])
    traffic.assertOrder([right])
    assert.equal(await yard.node('a').metric('switchyard_stanzas_bounced_total'), 0)
  })

  test('the only node is killed again and again amid traffic, and what it confirmed is delivered by the next', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a'], settings: journalled })
    const traffic = new Traffic([...leftUsers, ...rightUsers])
    const lives = []
    for (let round = 0; round < 2; round++) {
      const { process } = yard.node('a')
      const [left, sender] = await Promise.all([yard.node('a').join(BOT, 'left'), yard.node('a').join(USERS, USERS)])
      lives.push(left)
      traffic.send(sender, 300)
      await sender.settled()
      await process.kill()
      await yard.startNode('a')
    }
    lives.push(await yard.node('a').join(BOT, 'left'), await yard.node('a').join(BOT, 'right'))
    await traffic.delivered(lives)
  })
})
