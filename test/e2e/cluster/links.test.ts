import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { RawInstance, Stanza } from '../../stub/raw-instance.ts'
import { ComponentServer, SERVER_SECRET } from './server.ts'
import { BOT, named, settings, Traffic, usersOf } from './traffic.ts'
import { type Member, type Settings, until, Yard } from './yard.ts'

const nodes = ['a', 'b', 'c']
const names = ['i0', 'i1', 'i2']

interface Bench {
  readonly server: ComponentServer
  readonly yard: Yard
  /** One of each node, in order. */
  readonly instances: readonly RawInstance[]
}

/** Three nodes with an instance each, and a server behind them. */
async function bench(t: TestContext, links: 'one' | 'each', balancing?: Settings): Promise<Bench> {
  const server = await ComponentServer.listen(links === 'one' ? 'one' : 'several')
  t.after(() => server.close())
  const upstream = { service: `xmpp://127.0.0.1:${server.port}`, secret: SERVER_SECRET, links }
  const yard = await Yard.start(t, { nodes, settings: settings({ instances: named(...names), upstream }, balancing) })
  const instances = await Promise.all(names.map((name, n) => yard.node(nodes[n]!).join(BOT, name)))
  await yard.joined(BOT, 3)
  await server.linked(links === 'one' ? 1 : 3)
  return { server, yard, instances }
}

/** The node that has the one link. */
function holderOf(yard: Yard): Member {
  const holders = yard.members.filter(({ process }) => process.log.all('link-up', { domain: BOT }).length > 0)
  assert.equal(holders.length, 1)
  return holders[0]!
}

const isAsked = ({ name, type }: Stanza): boolean => name === 'iq' && type === 'get'

describe('links of several nodes', { concurrency: true, timeout: 90_000 }, () => {
  for (const links of ['one', 'each'] as const) {
    test(`with links: ${links} each of three instances that ask under one id has its own answer`, async (t) => {
      const { server, instances, yard } = await bench(t, links)
      const claims = yard.members.flatMap(({ process }) => process.log.all('link-claimed', { domain: BOT }))
      const urls = links === 'one' ? [`xmpp://127.0.0.1:${server.port}`] : []
      assert.deepEqual(
        claims.map((line) => line.server),
        urls,
      )
      for (const [n, instance] of instances.entries()) {
        const who = `<who xmlns='urn:x'>${names[n]}</who>`
        instance.send(`<iq type='get' from='${BOT}' to='juliet@localhost/x' id='same'>${who}</iq>`)
      }
      await server.until(() => server.stanzas.filter(isAsked).length === 3)
      const asked = server.stanzas.filter(isAsked)
      assert.equal(new Set(asked.map(({ id }) => id)).size, 3)
      // By another link than the question came by, where there are several.
      for (const [n, { id, text }] of asked.entries()) {
        const reply = `<iq type='result' from='juliet@localhost/x' to='${BOT}' id='${id}'>${/<who.*who>/.exec(text)}</iq>`
        server.links[n % server.links.length]!.send(reply)
      }
      for (const [n, instance] of instances.entries()) {
        const reply = await instance.waitFor(({ type }) => type === 'result')
        assert.deepEqual([reply.id, /<who[^>]*>(.*)<\/who>/.exec(reply.text)?.[1]], ['same', names[n]])
      }
    })
  }

  test('what instances of nodes without the link send leaves by the one that there is, in order', async (t) => {
    const { server, instances } = await bench(t, 'one')
    const count = 300
    for (const [n, instance] of instances.entries()) {
      for (let k = 0; k < count; k++) {
        instance.send(`<message from='${names[n]}@${BOT}' to='juliet@localhost' id='${k}'><body>x</body></message>`)
      }
    }
    await server.until(() => server.stanzas.length >= 3 * count)
    for (const name of names) {
      const ids = server.stanzas.filter(({ from }) => from === `${name}@${BOT}`).map(({ id }) => Number(id))
      assert.deepEqual(
        ids,
        Array.from({ length: count }, (_, k) => k),
        name,
      )
    }
    assert.deepEqual([server.links.length, server.conflicts], [1, 0])
  })

  test('with a link per node a key reaches the same instance from each of them', async (t) => {
    const { server, instances } = await bench(t, 'each', { type: 'bare_source', component_number: 3 })
    const users = usersOf(3, undefined, 20)
    const traffic = new Traffic(users)
    for (const link of await server.linked(3)) traffic.send(link, users.length)
    await traffic.delivered(instances)
    assert.deepEqual(traffic.doubles(instances), [])
    for (const user of users) {
      const who = instances.filter(({ stanzas }) => stanzas.some(({ from }) => from === `${user}/x`))
      assert.equal(who.length, 1, user)
    }
  })

  test('[XEP-0356 §4] what the server grants is told to the instances of every node, and to those that join later', async (t) => {
    const { server, yard, instances } = await bench(t, 'one')
    const privilege = `<privilege xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/></privilege>`
    server.links[0]!.send(`<message from='localhost' to='${BOT}' id='grant'>${privilege}</message>`)
    const isGrant = ({ id }: Stanza): boolean => id === 'grant'
    for (const instance of instances) await instance.waitFor(isGrant)
    for (const [n, name] of names.entries()) {
      await instances[n]!.kill()
      const later = await yard.node(nodes[n]!).join(BOT, name)
      await later.waitFor(isGrant)
    }
  })

  test('when the node that holds the link is killed another takes it, and what waits for the server comes', async (t) => {
    const { server, yard, instances } = await bench(t, 'one')
    const holder = holderOf(yard).name
    const others = instances.filter((_, n) => nodes[n] !== holder)
    const gone = instances[nodes.indexOf(holder)]!
    await yard.kill(holder)
    await gone.closed
    for (const [n, instance] of others.entries()) {
      for (let k = 0; k < 100; k++) {
        instance.send(`<message from='o${n}@${BOT}' to='juliet@localhost' id='${k}'><body>x</body></message>`)
      }
    }
    await server.linked(1)
    await server.until(() => new Set(server.stanzas.map(({ from, id }) => `${from} ${id}`)).size === 200)
    const traffic = new Traffic(usersOf(2))
    const [link] = await server.linked(1)
    traffic.send(link!, 50)
    await until('the server is heard', () => traffic.missing(others).length === 0)
  })

  test('when the server ends the link, and takes it up again, nothing that waited is lost', async (t) => {
    const { server, yard, instances } = await bench(t, 'one')
    server.links[0]!.kill()
    await holderOf(yard).process.log.waitFor('link-down', { domain: BOT })
    for (const [n, instance] of instances.entries()) {
      for (let k = 0; k < 100; k++) {
        instance.send(`<message from='${names[n]}@${BOT}' to='juliet@localhost' id='${k}'><body>x</body></message>`)
      }
    }
    await server.until(() => new Set(server.stanzas.map(({ from, id }) => `${from} ${id}`)).size === 300)
  })
})
