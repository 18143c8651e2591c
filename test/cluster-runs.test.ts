import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Run } from '../src/cluster/entry.ts'
import { ClusterRuns } from '../src/cluster-runs.ts'
import { LocalRegistry } from '../src/registry.ts'
import type { Ticket } from '../src/stream/queue.ts'
import { InnerNode, idsIn } from './stub/inner-node.ts'

/** What all nodes' time is ahead of this node's clock by. */
const EPOCH = 1000
const SERVER = Symbol('server')

function bench(settings = 'secret: s') {
  const node: InnerNode = new InnerNode(`domains: {a.test: {${settings}}}`, {
    clock: { now: 50 },
    registry: () => registry,
    keeper: () => undefined,
  })
  const { routes, self, router, redelivery, reframer, shares, log } = node
  const registry = new LocalRegistry({ shares, router, log, seated: () => {} })
  const state = { looks: 0 }
  const runs = new ClusterRuns({
    ...{ routes, self, router, redelivery, reframer, log, time: { epoch: EPOCH } },
    look: () => {
      state.looks++
    },
    nameOf: (incarnation) => (incarnation === 'b' ? 'yard-2' : undefined),
  })
  return { node, runs, state }
}

/** Stanzas for an instance, or for the server. */
function run(text: string, instance: string | typeof SERVER = 'red', fields: Partial<Run> = {}): Run {
  const to = { domain: 'a.test', instance: instance === SERVER ? undefined : instance }
  const bytes = Buffer.from(text)
  return { kind: 'run', to, since: EPOCH + 20, deaths: 0, hops: 0, stanzas: idsIn(text).length, bytes, ...fields }
}
const message = (id: string, to = 'a.test'): string => `<message from='u@x.test' to='${to}' id='${id}'/>`
const request = (id: string, type: string): string =>
  `<iq type='${type}' from='u@x.test' to='a.test' id='${id}'><q xmlns='q'/></iq>`

/** A ticket that counts who carries it, as whoever hands a run out does. */
function ticket() {
  const counts = { carriers: 0 }
  const made: Ticket = {
    isStored: true,
    hops: 0,
    retain: () => {
      counts.carriers++
    },
    release: () => {
      counts.carriers--
    },
  }
  return { counts, ticket: made }
}

test('what another node sends goes to the instance that it is for, in order, and its ticket ends with it', async () => {
  const { node, runs, state } = bench()
  node.join('red')
  node.join('blue')
  const { counts, ticket: carried } = ticket()
  runs.arrived(run(message('1') + message('2')), carried)
  assert.deepEqual([counts.carriers > 0, state.looks], [true, 1])
  runs.arrived(run(message('3')), carried)
  assert.deepEqual([await node.received('red'), await node.received('blue')], [['1', '2', '3'], []])
  assert.deepEqual([counts.carriers, node.domain.counters.receivedFromNodes], [0, 3])
  assert.doesNotMatch(node.stream('red').text, /<delay/, 'it is not late')
})

test('requests among messages stay where they were, and are remembered until they are answered', async () => {
  const { node, runs } = bench()
  const red = node.join('red')
  const { counts, ticket: carried } = ticket()
  runs.arrived(run(message('1') + message('2') + request('3', 'get') + message('4')), carried)
  assert.equal(red.requests.size, 1)
  assert.deepEqual(await node.received('red'), ['1', '2', '3', '4'])
  assert.deepEqual([counts.carriers, node.domain.counters.receivedFromNodes], [0, 4])
})

test('what was held before, and was passed on, too, goes out before messages that come later', async () => {
  const { node, runs } = bench()
  runs.arrived(run(message('1'), 'red'), ticket().ticket)
  node.join('red')
  node.join('blue')
  runs.arrived(run(message('2') + message('3'), 'red'), ticket().ticket)
  assert.deepEqual([...(await node.received('red')), ...(await node.received('blue'))], ['1', '2', '3'])
  assert.equal(node.domain.hold.stanzas, 0)
})

test('whether this node may act is looked at before anything is routed', async () => {
  const { node, runs, state } = bench()
  node.join('red')
  const seen: number[] = []
  const { fromNode } = node.router
  node.router.fromNode = (...given) => {
    seen.push(state.looks)
    return fromNode.apply(node.router, given)
  }
  runs.arrived(run(request('1', 'get')), ticket().ticket)
  assert.deepEqual(seen, [1])
})

test("what another node means for a domain's server goes to the server", async () => {
  const { node, runs } = bench()
  runs.arrived(run(message('1', 'u@x.test'), SERVER), ticket().ticket)
  await node.turn()
  assert.deepEqual(idsIn(node.server.text), ['1'])
})

test('what is to wait keeps the time when it first came, by this node’s clock, and its ticket', () => {
  const { node, runs } = bench()
  const { counts, ticket: carried } = ticket()
  runs.arrived(run(message('1'), 'gone', { deaths: 1 }), carried)
  assert.deepEqual([counts.carriers, node.domain.hold.stanzas], [1, 1])
  const slab = node.domain.hold.takeOlderThan(21)
  assert.deepEqual([slab?.since, slab?.deaths], [20, 1])
})

test('what a dead node had been given goes on, with the time since when it is late', async () => {
  const { node, runs } = bench()
  node.join('blue')
  const { counts, ticket: carried } = ticket()
  runs.inherited(run(message('1') + request('2', 'get') + message('3')), carried)
  assert.deepEqual(await node.received('blue'), ['1', '2', '3'])
  assert.equal(node.stream('blue').text.match(/<delay [^>]*stamp='1970-01-01T00:00:00.020Z'/g)?.length, 2)
  assert.deepEqual([node.domain.counters.receivedFromStore, counts.carriers], [3, 0])
})

test('a request that a dead node may have had carried out is answered, and not given to another', async () => {
  const { node, runs } = bench()
  node.join('blue')
  runs.inherited(run(request('1', 'set') + message('2')), ticket().ticket)
  assert.deepEqual(await node.received('blue'), ['2'])
  assert.match(node.server.text, /^<iq type='error' [^>]*to='u@x\.test' id='1'>.*remote-server-timeout/)
})

test("what a dead node had for a domain's server goes there as it was", async () => {
  const { node, runs } = bench()
  const stanza = message('1', 'u@x.test')
  runs.inherited(run(stanza, SERVER), ticket().ticket)
  await node.turn()
  assert.equal(node.server.text, stanza)
})

test('what is for a domain that is not served here is told and counted, and harms nothing else', async () => {
  const { node, runs } = bench()
  node.join('red')
  const to = { domain: 'b.test', instance: 'red' }
  for (const way of ['arrived', 'inherited'] as const) {
    runs[way](run(message('1') + message('2'), 'red', { to }), ticket().ticket)
  }
  assert.deepEqual(
    node.book.all('inbox-unserved').map(({ domain, stanzas }) => `${stanzas} for ${domain}`),
    ['2 for b.test', '2 for b.test'],
  )
  assert.deepEqual([...node.self.counters.drops()], [{ reason: 'unserved', count: 4 }])
  assert.equal(node.self.counters.receivedTotal, 4)
  runs.arrived(run(message('3')), ticket().ticket)
  assert.deepEqual(await node.received('red'), ['3'])
})

test('what cannot be read is told, and what comes next is read', async () => {
  const { node, runs } = bench()
  node.join('red')
  runs.arrived(run(`${message('1')}<message`), ticket().ticket)
  runs.arrived(run(`<a></b>`), ticket().ticket)
  runs.inherited(run(`</a>`), ticket().ticket)
  runs.unreadable('b', '7-1', 'it is <torn>')
  runs.unreadable('c', '7-2', 'so is this')
  runs.arrived(run(message('2')), ticket().ticket)
  assert.deepEqual(await node.received('red'), ['1', '2'])
  const told = node.book.all('inbox-unreadable')
  assert.deepEqual(
    told.slice(-2).map(({ name, id }) => [name, id]),
    [
      ['yard-2', '7-1'],
      ['c', '7-2'],
    ],
  )
  assert.equal(told.length, 5)
})
