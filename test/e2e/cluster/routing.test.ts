import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RawInstance } from '../../stub/raw-instance.ts'
import { BOT, named, settings, Traffic, USERS, usersOf } from './traffic.ts'
import { Yard } from './yard.ts'

const nodes = ['a', 'b', 'c']
const criteria = {
  'four buckets': { type: 'bare_source', component_number: 4 },
  rendezvous: { type: 'bare_source' },
}

/** To whom each user's messages came: names. */
function reached(instances: Readonly<Record<string, RawInstance>>): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const [name, { stanzas }] of Object.entries(instances)) {
    for (const { from } of stanzas) found.set(from, (found.get(from) ?? new Set()).add(name))
  }
  return found
}

describe('routing across nodes', { concurrency: true, timeout: 90_000 }, () => {
  for (const [way, balancing] of Object.entries(criteria)) {
    test(`with ${way} a key reaches the same instance from every node, as each node's explain says`, async (t) => {
      const names = ['i0', 'i1', 'i2', 'i3']
      const yard = await Yard.start(t, { nodes, settings: settings({ instances: named(...names) }, balancing) })
      const instances: Record<string, RawInstance> = {}
      for (const [n, name] of names.entries()) instances[name] = await yard.node(nodes[n % 3]!).join(BOT, name)
      await yard.joined(BOT, 4)
      const traffic = new Traffic(usersOf(4, undefined, 40))
      // Each user has one message from each node.
      for (const name of nodes) traffic.send(await yard.node(name).join(USERS, USERS), traffic.users.length)
      await traffic.delivered(Object.values(instances))
      assert.deepEqual(traffic.doubles(Object.values(instances)), [])
      for (const [from, who] of reached(instances)) {
        const said = await Promise.all(yard.members.map((member) => member.explain(BOT, from)))
        assert.deepEqual(
          said.map(({ instance }) => instance),
          nodes.map(() => [...who].join()),
          from,
        )
      }
      for (const [name, { stanzas }] of Object.entries(instances)) assert.ok(stanzas.length > 0, `${name} got nothing`)
    })
  }

  test('without balancing an instance of the same node is taken, and one of another when there is none', async (t) => {
    const yard = await Yard.start(t, {
      nodes: ['a', 'b'],
      settings: settings({ instances: named('here', 'there') }),
    })
    const here = await yard.node('a').join(BOT, 'here')
    const there = await yard.node('b').join(BOT, 'there')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    const traffic = new Traffic(usersOf(2))
    traffic.send(sender, 100)
    await traffic.deliveredOnce([here])
    await here.leave()
    const rest = new Traffic(usersOf(2))
    rest.send(sender, 100)
    await rest.deliveredOnce([there])
  })

  test('a second stream under a name takes its place on another node', async (t) => {
    const yard = await Yard.start(t, {
      nodes: ['a', 'b'],
      settings: settings({ instances: named('only') }),
    })
    const first = await yard.node('a').join(BOT, 'only')
    await yard.joined(BOT, 1)
    const sender = await yard.node('a').join(USERS, USERS)
    const before = new Traffic(usersOf(2))
    before.send(sender, 20)
    await before.deliveredOnce([first])
    const second = await yard.node('b').join(BOT, 'only')
    await first.closed
    assert.equal(first.streamError, 'conflict')
    const after = new Traffic(usersOf(2))
    after.send(sender, 20)
    await after.deliveredOnce([second])
    for (const member of yard.members) {
      const [found, ...others] = await member.instances(BOT)
      assert.deepEqual([found?.name, found?.node, others], ['only', 'b', []])
    }
  })

  test('or is refused there, as on_conflict says', async (t) => {
    const yard = await Yard.start(t, {
      nodes: ['a', 'b'],
      settings: settings({ instances: named('only'), on_conflict: 'refuse' }),
    })
    const first = await yard.node('a').join(BOT, 'only')
    await yard.joined(BOT, 1)
    // What is refused may have been let in for a moment: the cluster decides.
    const second = yard.node('b').join(BOT, 'only')
    const condition = await second.then(
      (instance) => instance.closed.then(() => instance.streamError),
      (error: Error) => /conflict/.exec(error.message)?.[0],
    )
    assert.equal(condition, 'conflict')
    const traffic = new Traffic(usersOf(2))
    traffic.send(await yard.node('b').join(USERS, USERS), 20)
    await traffic.deliveredOnce([first])
  })

  test('a second node under a live name does not start, and says why', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a'], settings: settings({ instances: named('only') }) })
    const first = yard.node('a')
    const incarnation = await first.incarnation()
    await assert.rejects(yard.startNode('a'), /has ended \(1\): .*\ba\b/s)
    assert.equal(await first.incarnation(), incarnation)
  })
})
