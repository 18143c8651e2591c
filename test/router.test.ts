import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance } from '../src/cluster/instance-wishes.ts'
import type { Past } from '../src/past.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { ClusterYard } from './stub/cluster-yard.ts'
import { idsIn } from './stub/inner-node.ts'
import { SlowKeeper, ticket } from './stub/slow-keeper.ts'

const random = (settings = 'secret: s'): string => `domains: {a.test: {${settings}}}`
const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const message = (id: string): string => `<message from='u@x.test' to='a.test' id='${id}'/>`

/** Another node had sent this here, for an instance; or for the server, with undefined. */
function fromNode(yard: ClusterYard, name: string | undefined, stanza: string, past: Partial<Past> = {}): void {
  new Reframer(limits).stanzas(Buffer.from(stanza), (head) => {
    yard.router.fromNode(yard.domain, name, head, { since: 3, deaths: 0, ...past })
  })
}

/** An instance of this node sends something. */
function fromInstance(yard: ClusterYard, name: string, stanza: string): void {
  new Reframer(limits).stanzas(Buffer.from(stanza), (head) => {
    yard.router.fromInstance(yard.domain.members.get(name)!, head)
  })
}

function there(yard: ClusterYard, name: string, route: string): void {
  yard.agree((draft) => joinInstance(draft, 'a.test', name, { node: 'B', route, since: 0 }, {}))
}

test('what another node means for an instance of this one goes to it, though others might get it, and ends its ticket', async () => {
  const yard = new ClusterYard(random())
  yard.join('red')
  yard.join('blue')
  yard.grant()
  const { counts, ticket: carried } = ticket()
  fromNode(yard, 'blue', message('1'), { ticket: carried })
  assert.equal(counts.carried, 1)
  assert.deepEqual([await yard.received('red'), await yard.received('blue')], [[], ['1']])
  assert.equal(counts.carried, 0)
  assert.equal(yard.domain.counters.receivedFromNodes, 1)
})

test('what was meant for an instance that has left goes to whom it is for now, and for nobody it waits with its ticket', async () => {
  const yard = new ClusterYard(random())
  yard.join('red')
  yard.grant()
  fromNode(yard, 'gone', message('1'))
  assert.deepEqual(await yard.received('red'), ['1'])
  yard.leave(yard.domain.members.get('red')!)
  const { counts, ticket: carried } = ticket()
  fromNode(yard, 'red', message('2'), { ticket: carried })
  assert.deepEqual([counts.carried, yard.domain.hold.stanzas], [1, 1])
})

test('what waits and came by a link that another node has by now comes back to its sender', async () => {
  const yard = new ClusterYard(random())
  const tenure = { isLost: false }
  yard.fromServer(message('1'), tenure)
  yard.fromServer(message('2'))
  assert.equal(yard.domain.hold.stanzas, 2)
  tenure.isLost = true
  yard.join('red')
  yard.grant()
  assert.deepEqual(await yard.received('red'), ['2'])
  const bounces = [...yard.domain.counters.bounces()]
  assert.deepEqual(bounces, [{ condition: 'remote-server-timeout', reason: 'life_over', count: 1 }])
})

test('a stanza goes from node to node ten times, and comes back to its sender when it would go further', async () => {
  const yard = new ClusterYard(random())
  there(yard, 'green', 'g'.repeat(16))
  fromNode(yard, 'gone', message('1'), { ticket: ticket({ hops: 10 }).ticket })
  fromNode(yard, 'gone', message('2'), { ticket: ticket({ hops: 11 }).ticket })
  await yard.turn()
  assert.deepEqual(yard.sent.get('green'), ['1'])
  assert.match(yard.server.text, /^<message type='error' [^>]* id='2'>.*<remote-server-timeout /)
})

test('what another node means for the server goes to the server', async () => {
  const yard = new ClusterYard(random())
  fromNode(yard, undefined, "<message from='a.test' to='u@x.test' id='1'/>")
  await yard.turn()
  assert.deepEqual(idsIn(yard.server.text), ['1'])
})

test('what another node sees to by now ends here; where only this one knows of it, it goes on', async () => {
  const yard = new ClusterYard(random())
  yard.join('red')
  yard.grant()
  fromNode(yard, 'gone', message('1'), { ticket: ticket({ isVoid: true, isStored: true }).ticket })
  fromNode(yard, 'gone', message('2'), { ticket: ticket({ isVoid: true, isStored: false }).ticket })
  assert.deepEqual(await yard.received('red'), ['2'])
  assert.equal(yard.domain.counters.forwarded, 1)
})

test('an instance of another node that asked gets its answer there, with the token, and no other does', async () => {
  const yard = new ClusterYard(random())
  yard.join('red')
  yard.grant()
  const route = 'g'.repeat(16)
  there(yard, 'green', route)
  const reply = `<iq type='result' from='u@x.test' to='a.test' id='sy-${route}p7'/>`
  yard.fromServer(reply)
  await yard.turn()
  assert.equal(yard.texts.get('green'), reply)
  assert.deepEqual(await yard.received('red'), [])
})

test('an answer that comes by way of another node finds the instance that asked here, with its own id', async () => {
  const yard = new ClusterYard(random())
  yard.join('red', 'r'.repeat(16))
  yard.join('blue')
  yard.grant()
  fromInstance(yard, 'red', "<iq type='get' from='a.test' to='u@x.test' id='7'><q xmlns='q'/></iq>")
  await yard.turn()
  const token = / id='(sy-[^']*)'/.exec(yard.server.text)?.[1]
  fromNode(yard, 'red', `<iq type='result' from='u@x.test' to='a.test' id='${token}'/>`)
  assert.deepEqual([await yard.received('red'), await yard.received('blue')], [['7'], []])
})

test('a request that came from another node is told to be answered there, once it is', () => {
  const yard = new ClusterYard(random())
  yard.join('red')
  yard.grant()
  const { counts, ticket: carried } = ticket()
  fromNode(yard, 'red', "<iq type='get' from='u@x.test' to='a.test' id='q'><q xmlns='q'/></iq>", { ticket: carried })
  assert.deepEqual([counts.asked, counts.answered], [1, []])
  fromInstance(yard, 'red', "<iq type='result' from='a.test' to='u@x.test' id='q'/>")
  assert.deepEqual(counts.answered, ['u@x.test\na.test\nq'])
})

test('with delivery: journal a stanza goes on when it is written down, in order, and an answer to the server waits too', async () => {
  const yard = new ClusterYard(
    random('secret: s, delivery: journal').replace('domains', 'cluster: {redis: "redis://127.0.0.1"}\ndomains'),
  )
  const keeper = new SlowKeeper()
  yard.keeper = keeper
  yard.join('red')
  yard.grant()
  yard.clock.now = 9
  yard.say('1', '2')
  yard.fromServer(`<iq type='get' from='x.test' to='${yard.address}' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
  assert.deepEqual([await yard.received('red'), yard.server.text], [[], ''])
  assert.deepEqual(keeper.kept, ['1 in 9', '2 in 9'])
  keeper.write()
  // What was asked about first has been written; what came after the question waits for the next answer.
  assert.deepEqual(await yard.received('red'), ['1'])
  keeper.write()
  assert.deepEqual(await yard.received('red'), ['1', '2'])
  assert.match(yard.server.text, /^<iq type='result' [^>]* id='p'/)
  assert.equal(keeper.counts.counts.carried, 0)
})

test('with delivery: journal what an instance sends is written down for the server', async () => {
  const yard = new ClusterYard(
    random('secret: s, delivery: journal').replace('domains', 'cluster: {redis: "redis://127.0.0.1"}\ndomains'),
  )
  const keeper = new SlowKeeper()
  yard.join('red')
  yard.grant()
  yard.keeper = keeper
  fromInstance(yard, 'red', "<message from='a.test' to='u@x.test' id='1'/>")
  await yard.turn()
  assert.deepEqual([keeper.kept, idsIn(yard.server.text)], [['1 out 0'], ['1']])
})

test('with delivery: journal what is held for nobody is bounded as ever: what is new and too much is bounced and kept no more, what comes back never', async () => {
  const size = message('1').length
  const yard = new ClusterYard(
    random(`secret: s, delivery: journal, hold: {bytes: ${2 * size}}`).replace(
      'domains',
      'cluster: {redis: "redis://127.0.0.1"}\ndomains',
    ),
  )
  const keeper = new SlowKeeper()
  yard.keeper = keeper
  for (const id of ['1', '2', '3']) {
    // Each in a slab of its own, which carries the ticket.
    yard.clock.now++
    yard.fromServer(message(id))
  }
  assert.equal(keeper.counts.counts.carried, 3)
  keeper.write()
  keeper.write()
  await yard.turn()
  const { hold, counters } = yard.domain
  assert.deepEqual([hold.stanzas, hold.bytes, keeper.counts.counts.carried], [2, 2 * size, 2])
  assert.match(
    yard.server.text,
    /^<message type='error' from='a\.test' to='u@x\.test' id='3'>.*<error type='wait'><resource-constraint [^/]*\/><\/error><\/message>$/,
  )
  // A dead node had written this down.
  const inherited = ticket()
  fromNode(yard, 'gone', message('4'), { ticket: inherited.ticket })
  assert.deepEqual([hold.stanzas, inherited.counts.carried], [3, 1])
  // What is released, and finds nobody after all, is back.
  const held = yard.domain.hold.take(yard.domain.hold.places()[0]!)!
  yard.router.reroute(yard.domain, held)
  assert.deepEqual([hold.stanzas, hold.bytes], [3, 3 * size])
  yard.join('red')
  yard.grant()
  yard.shares.release(yard.domain)
  assert.deepEqual(await yard.received('red'), ['1', '2', '4'])
  assert.deepEqual([keeper.counts.counts.carried, inherited.counts.carried, counters.receivedFromSelf], [0, 0, 1])
})
