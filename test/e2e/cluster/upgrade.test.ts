import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { fieldOf, TABLE_FORM } from '../../../src/cluster/records.ts'
import { RedisStore } from '../../../src/cluster/redis-store.ts'
import { FakeMember } from './fake-member.ts'
import { BOT, named, rightUsers, settings, Traffic, USERS } from './traffic.ts'
import { until, Yard } from './yard.ts'

const plain = settings({ instances: named('right'), hold: { seconds: 60 } })

/** As a later release writes it: with what is not known here. */
const later = { version: '9.9.9', since: 0, configs: {}, zone: { rack: 7 }, talents: ['to-come'] }

/** What the nodes share, as one of them sees it. */
async function storeOf(t: TestContext, yard: Yard): Promise<RedisStore> {
  const urls = [`redis://127.0.0.1:${yard.redis.port}`]
  const store = new RedisStore({ urls, prefix: 'switchyard:' })
  t.after(() => store.close())
  await store.open()
  return store
}

describe('releases that are not alike', { concurrency: true, timeout: 90_000 }, () => {
  for (const form of [TABLE_FORM + 1, TABLE_FORM - 1]) {
    test(`a member of form ${form} is one like any other, and what is not known of its record is kept`, async (t) => {
      const yard = await Yard.start(t, { nodes: ['a'], settings: plain })
      const store = await storeOf(t, yard)
      const record = { ...later, name: 'z', form }
      const fake = await FakeMember.join(t, store, record, {
        [fieldOf.instance(BOT, 'right')]: { node: '$me', route: 'zzzz', since: 0, order: 1, mood: 'good' },
        'novelty/x': { kept: true },
      })
      await yard.startNode('b')
      for (const member of yard.members) {
        await until('it is seen', async () => (await member.nodes()).some(({ name }) => name === 'z'))
        await until('so is its instance', async () => (await member.instances(BOT)).some(({ node }) => node === 'z'))
      }
      const sender = await yard.node('b').join(USERS, USERS)
      const traffic = new Traffic(rightUsers)
      traffic.send(sender, 20)
      await until('its inbox has them', async () => {
        const text = await fake.inbox()
        return traffic.sent.every((id) => text.includes(`id='${id}'`))
      })
      // It dies with them: they go to whoever there is.
      fake.die()
      await yard.together()
      const right = await yard.node('a').join(BOT, 'right')
      await traffic.deliveredOnce([right])
      const { delta } = await store.changes(0)
      assert.equal(delta.get('novelty/x'), '{"kept":true}')
      assert.ok(!delta.has(fieldOf.node(fake.incarnation)))
    })
  }

  test('beside a member two forms away a node does not start, and says why', async (t) => {
    const yard = await Yard.start(t, { nodes: [], settings: plain })
    const store = await storeOf(t, yard)
    await FakeMember.join(t, store, { ...later, name: 'z', form: TABLE_FORM + 2 })
    await assert.rejects(yard.startNode('a'), /has ended \(1\): .*\bz\b.*9\.9\.9/s)
  })
})
