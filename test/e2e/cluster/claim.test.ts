import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RawInstance } from '../../stub/raw-instance.ts'
import { BOT, named, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { type InstanceView, until, Yard } from './yard.ts'

const ROUNDS = 15

/** Resolves with what all nodes say of the domain's instances, once they say the same, and so many. */
async function agreed(yard: Yard, count: number): Promise<readonly InstanceView[]> {
  let said: (readonly InstanceView[])[] = []
  const digest = (items: readonly InstanceView[]): string =>
    items
      .map(({ name, node, bucket }) => `${name} ${node} ${bucket}`)
      .sort()
      .join()
  await until(`all nodes agree on ${count} instances`, async () => {
    said = await Promise.all(yard.members.map((member) => member.instances(BOT)))
    return said.every((items) => items.length === count && digest(items) === digest(said[0]!))
  })
  return said[0]!
}

describe('two nodes claim the same at once', { concurrency: true, timeout: 90_000 }, () => {
  test('one bucket has one holder, whom every node knows, round after round', async (t) => {
    const bot = { instances: named(['left', 0], 'one', 'two'), hold: { seconds: 60 } }
    const yard = await Yard.start(t, { nodes: ['a', 'b', 'c'], settings: settings(bot, twoBuckets) })
    await yard.node('c').join(BOT, 'left')
    const senders = await Promise.all(yard.members.map((member) => member.join(USERS, USERS)))
    const wins = { one: 0, two: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      const pair = await Promise.all([yard.node('a').join(BOT, 'one'), yard.node('b').join(BOT, 'two')])
      // Sent while they claim: each meets a holder sooner or later, and both nodes the same.
      const traffic = new Traffic(rightUsers, `${round}.`)
      for (const sender of senders) traffic.send(sender, 10)
      const instances = await agreed(yard, 3)
      const holders = instances.filter(({ bucket }) => bucket === 1).map(({ name }) => name as 'one' | 'two')
      assert.equal(holders.length, 1, JSON.stringify(instances))
      assert.equal(instances.filter(({ bucket }) => bucket === null).length, 1)
      wins[holders[0]!]++
      await traffic.delivered(pair)
      const [winner, loser] = holders[0] === 'one' ? pair : [pair[1], pair[0]]
      assert.deepEqual([traffic.came([winner]).length, traffic.came([loser]).length], [30, 0])
      await Promise.all(pair.map((instance) => instance.leave()))
      await agreed(yard, 1)
    }
    t.diagnostic(`won: ${JSON.stringify(wins)}`)
  })

  test('one name has one instance', async (t) => {
    const bot = { instances: named('only'), on_conflict: 'refuse', hold: { seconds: 60 } }
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: settings(bot) })
    const sender = await yard.node('a').join(USERS, USERS)
    for (let round = 0; round < ROUNDS; round++) {
      const joined: RawInstance[] = []
      const tries = yard.members.map((member) =>
        member.join(BOT, 'only').then(
          (instance) => joined.push(instance),
          (error: Error) => assert.match(error.message, /conflict/),
        ),
      )
      await Promise.all(tries)
      await agreed(yard, 1)
      // Let in before the cluster had decided, and closed when it had.
      const open = () => joined.filter(({ socket }) => !socket.destroyed)
      await until('one is connected', () => open().length === 1)
      const [winner] = open()
      const traffic = new Traffic(rightUsers, `${round}.`)
      traffic.send(sender, 10)
      await traffic.deliveredOnce([winner!])
      for (const { streamError } of joined.filter((instance) => instance !== winner))
        assert.equal(streamError, 'conflict')
      await winner!.leave()
      await agreed(yard, 0)
    }
  })
})
