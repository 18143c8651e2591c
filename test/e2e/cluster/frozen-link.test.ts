import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { RawInstance } from '../../stub/raw-instance.ts'
import { ComponentServer, SERVER_SECRET, type ServerLink } from './server.ts'
import { BOT, named, settings, Traffic, twoBuckets, usersOf } from './traffic.ts'
import { type Member, until, Yard } from './yard.ts'

const nodes = ['a', 'b', 'c']
/** One of them is a spare. */
const names = ['i0', 'i1', 'i2']
const users = usersOf(2, undefined, 30)
/** More than one read takes. */
const MANY = 3000
/** Shorter than a lease is sure to be held for, in milliseconds. */
const SHORT_FREEZE = 2000

interface Bench {
  readonly server: ComponentServer
  readonly yard: Yard
  /** One of each node, in order. */
  readonly instances: readonly RawInstance[]
  /** The one link, and the node that has it. */
  readonly link: ServerLink
  readonly holder: Member
}

/** Three nodes with an instance each, and a server that admits the next link though it has not noticed that one is dead. */
async function bench(t: TestContext, delivery: 'at_least_once' | 'journal'): Promise<Bench> {
  const server = await ComponentServer.listen('several')
  t.after(() => server.close())
  const upstream = { service: `xmpp://127.0.0.1:${server.port}`, secret: SERVER_SECRET, links: 'one' }
  const bot = { instances: named(...names), upstream, delivery }
  const yard = await Yard.start(t, { nodes, settings: settings(bot, twoBuckets) })
  const instances = await Promise.all(names.map((name, n) => yard.node(nodes[n]!).join(BOT, name)))
  await yard.joined(BOT, 3)
  const [link] = await server.linked(1)
  const holder = yard.members.find(({ process }) => process.log.all('link-up', { domain: BOT }).length > 0)
  return { server, yard, instances, link: link!, holder: holder! }
}

describe('the node with the one link stands still', { timeout: 180_000 }, () => {
  for (const delivery of ['at_least_once', 'journal'] as const) {
    test(`past its lease: what its link still brings does not follow what the next has brought (${delivery})`, async (t) => {
      const { server, yard, instances, link, holder } = await bench(t, delivery)
      const before = new Traffic(users, 'before.')
      before.send(link, 300)
      await before.deliveredOnce(instances)

      holder.process.pause()
      const left = new Traffic(users, 'left.')
      left.send(link, MANY)
      await yard.together(nodes.filter((name) => name !== holder.name))
      const [, next] = await server.linked(2)
      const since = new Traffic(users, 'since.')
      since.send(next!, MANY)
      await since.deliveredOnce(instances)
      holder.process.resume()
      await holder.process.log.waitFor('cluster-lost')
      await yard.together()
      await yard.joined(BOT, 3)
      assert.deepEqual(await server.linked(1), [next])

      const after = new Traffic(users, 'after.')
      after.send(next!, 300)
      await after.deliveredOnce(instances)
      assert.deepEqual(
        left.came(instances).map(({ id }) => id),
        [],
      )
      const [unread] = holder.process.log.all('link-unread')
      assert.equal(unread?.domain, BOT)
      assert.ok(Number(unread?.bytes) > 0)
      assert.equal(await holder.metric('switchyard_links_unread_total'), 1)
    })
  }

  test('cut off from Redis instead, it closes the link in order while nobody else may have it, and nothing is lost without a word', async (t) => {
    const { server, yard, instances, link, holder } = await bench(t, 'at_least_once')
    holder.redis.hang()
    const cut = new Traffic(users, 'cut.')
    cut.send(link, 300)
    const { reason } = await holder.process.log.waitFor('link-down')
    assert.equal(reason, 'stopped')
    await yard.together(nodes.filter((name) => name !== holder.name))
    const [next] = await server.linked(1)
    assert.notEqual(next, link)
    await holder.redis.heal()
    await holder.process.log.waitFor('cluster-lost')
    await yard.together()
    const bounced = () => new Set(server.stanzas.filter(({ type }) => type === 'error').map(({ id }) => id))
    await until('each has come, or come back', () => cut.missing(instances).every((id) => bounced().has(id)))
    const after = new Traffic(users, 'after.')
    after.send(next!, 300)
    await after.deliveredOnce(instances)
    assert.deepEqual(holder.process.log.all('link-unread'), [])
  })

  test('for less than its lease: the link goes on, and nothing is lost', async (t) => {
    const { server, instances, link, holder } = await bench(t, 'at_least_once')
    const traffic = new Traffic(users)
    for (let round = 0; round < 3; round++) {
      holder.process.pause()
      traffic.send(link, MANY)
      await wait(SHORT_FREEZE)
      holder.process.resume()
      await traffic.deliveredOnce(instances)
    }
    assert.deepEqual([server.links, server.conflicts], [[link], 0])
    assert.deepEqual(holder.process.log.all('link-unread'), [])
  })
})
