import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import {
  answerRequests,
  BOT,
  leftAndRight,
  request,
  rightUsers,
  settings,
  Traffic,
  twoBuckets,
  USERS,
  usersOf,
} from './traffic.ts'
import { until, Yard } from './yard.ts'

const nodes = ['a', 'b', 'c']
const plain = settings(leftAndRight, twoBuckets)

describe('a node is killed', { concurrency: true, timeout: 90_000 }, () => {
  test('what was on its way to it, which it never read, reaches its instance on another node, in order', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain })
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    const traffic = new Traffic(rightUsers)
    traffic.send(sender, 50)
    await traffic.delivered([right])
    // It reads nothing more, so what follows is in its inbox when it is killed.
    yard.node('b').process.pause()
    traffic.send(sender, 200)
    sender.send(request(rightUsers[0]!, 'asked'))
    await sender.settled()
    const killed = performance.now()
    await yard.kill('b')
    const heir = await yard.node('c').join(BOT, 'right')
    void answerRequests(heir, 'right')
    await traffic.delivered([right, heir])
    t.diagnostic(`all had come ${Math.round(performance.now() - killed)} ms after the kill`)
    traffic.assertOrder([right, heir])
    // What was written to the inbox is a request that may be asked again.
    const reply = await sender.waitFor(({ id }) => id === 'asked')
    assert.match(reply.type, /^(result|error)$/)
    await yard.together(['a', 'c'])
  })

  test('an instance that is back elsewhere before its node is known to be dead has what it was sent before what came since', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain })
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    const traffic = new Traffic(rightUsers)
    // Sent there, and never read.
    yard.node('b').process.pause()
    traffic.send(sender, 200)
    await sender.settled()
    await yard.kill('b')
    const back = await yard.node('c').join(BOT, 'right')
    await until('a knows where it is now', async () => {
      const [instance] = (await yard.node('a').instances(BOT)).filter(({ name }) => name === 'right')
      return instance?.node === 'c'
    })
    assert.ok((await yard.node('a').nodes()).some(({ name }) => name === 'b'))
    traffic.send(sender, 200)
    await traffic.delivered([right, back])
    traffic.assertOrder([right, back])
  })

  test('under traffic from two nodes a spare on a third inherits its bucket, and nothing is lost', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain })
    const left = await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    const spare = await yard.node('c').join(BOT, 'spare')
    await yard.joined(BOT, 3)
    const senders = [await yard.node('a').join(USERS, USERS), await yard.node('c').join(USERS, USERS)]
    const all = senders.map(
      (_, n) =>
        new Traffic(
          usersOf(2, undefined, 20).filter((_, k) => k % 2 === n),
          `${n}.`,
        ),
    )
    // Paced, so that the kill comes amid them; what counts is what became of each.
    for (let round = 0; round < 60; round++) {
      for (const [n, traffic] of all.entries()) traffic.send(senders[n]!, 20)
      if (round === 20) await yard.kill('b')
      await wait(10)
    }
    const instances = [left, right, spare]
    for (const traffic of all) {
      await traffic.delivered(instances)
      traffic.assertOrder(instances)
    }
  })

  test('requests that its instances had are answered, each once', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain })
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    for (let n = 0; n < 20; n++) sender.send(request(rightUsers[n % 10]!, `q${n}`, n % 2 === 0 ? 'get' : 'set'))
    // It has them, and answers none.
    await right.waitForCount(20)
    await yard.kill('b')
    const heir = await yard.node('c').join(BOT, 'right')
    void answerRequests(heir, 'right')
    for (let n = 0; n < 20; n++) await sender.waitFor(({ id }) => id === `q${n}`)
    await sender.settled()
    const ids = sender.stanzas.filter(({ id }) => /^q\d+$/.test(id)).map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
  })
})
