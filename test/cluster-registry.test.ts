import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance, leaveInstance } from '../src/cluster/instance-wishes.ts'
import { leaveNode } from '../src/cluster/node-wishes.ts'
import type { Wish } from '../src/cluster/proposals.ts'
import { configOf } from './e2e/node.ts'
import { announced, ClusterYard } from './stub/cluster-yard.ts'

const buckets = (settings = 'secret: s'): string =>
  `domains: {a.test: {${settings}}}\ndomain_balancing: {a.test: {type: bare_source, component_number: 2}}`
const ranked = 'domains: {a.test: {secret: s}}\ndomain_balancing: {a.test: {type: bare_source}}'
const random = 'domains: {a.test: {secret: s}}'

const joins = (name: string, node = 'B', count: number | undefined = undefined): Wish => {
  const joiner = { node, route: name.padEnd(16, 'r'), since: 0 }
  return (draft) => joinInstance(draft, 'a.test', name, joiner, { count })
}
const leaves = (name: string, node = 'B'): Wish => {
  return (draft) => leaveInstance(draft, 'a.test', name, node, name.padEnd(16, 'r'))
}
/** Another node has the first bucket, and a third one the other. */
function fill(yard: ClusterYard): void {
  yard.agree(joins('there', 'B', 2))
  yard.agree(joins('other', 'C', 2))
}

test('an instance has its place when the nodes agree, and then what waited for it, in order', async () => {
  const yard = new ClusterYard(buckets())
  yard.say('1')
  yard.join('here')
  yard.say('2')
  assert.deepEqual([yard.seated, await yard.received('here'), yard.domain.hold.stanzas], [[], [], 2])
  yard.grant()
  yard.say('3')
  assert.deepEqual([yard.seated, await yard.received('here')], [['here'], ['1', '2', '3']])
  assert.equal(yard.domain.joining.size, 0)
})

test('an instance that left before the nodes agreed is not put before them any more', () => {
  const yard = new ClusterYard(buckets())
  const instance = yard.join('here')
  yard.leave(instance)
  yard.grant()
  assert.equal(yard.table.domain('a.test')?.instances.has('here') ?? false, false)
  assert.deepEqual([yard.seated, yard.domain.joining.size], [[], 0])
})

test("a stanza for another node's instance goes there, and is counted when that node has confirmed it", async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  yard.say('1', '2')
  await yard.turn()
  assert.deepEqual(yard.sent.get('there'), ['1', '2'])
  assert.equal(yard.domain.counters.forwarded, 0)
  await yard.confirm(yard.remote('there'))
  assert.equal(yard.domain.counters.forwarded, 2)
})

test('who comes back under its name while its old stream ends in order gets nothing before that has ended', async () => {
  const yard = new ClusterYard(buckets())
  const old = yard.join('red')
  yard.grant()
  const stream = yard.stream('red')
  // It has ended its stream, and may still read what it was written.
  old.isLeaving = true
  stream.outbox.stopHanding()
  yard.say('1')
  yard.domain.pause(old)
  yard.say('2')
  yard.join('red')
  yard.grant()
  yard.say('3')
  assert.deepEqual([stream.condition, await yard.received('red'), yard.seated], [undefined, [], ['red', 'red']])
  yard.leave(old)
  assert.deepEqual(await yard.received('red'), ['1', '2', '3'])
  assert.equal(yard.domain.departing.size, 0)
})

test('an instance whose name another node has now is closed, and what it was not written goes there', async () => {
  const yard = new ClusterYard(buckets())
  const old = yard.join('red')
  yard.grant()
  old.stream.outbox.stopHanding()
  yard.say('1')
  yard.agree(joins('red'))
  yard.say('2')
  await yard.turn()
  assert.equal(yard.stream('red').condition, 'conflict')
  assert.deepEqual(
    yard.sent.get('red')?.filter((item) => item !== '|'),
    ['1', '2'],
  )
  assert.equal(yard.domain.members.get('red')?.node, 'B')
  // That the old one has left is nobody's business.
  yard.grant()
  assert.equal(yard.table.domain('a.test')?.instances.get('red')?.node, 'B')
})

test('a bucket that leaves a live node for this one waits until that node has confirmed what it was sent', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  yard.join('here')
  yard.grant()
  yard.say('1', '2')
  await yard.turn()
  const gone = yard.remote('there')
  yard.agree(leaves('there'))
  yard.say('3')
  yard.registry.tick()
  assert.equal(yard.remote('there'), gone, 'it is remembered while it has not confirmed')
  assert.deepEqual(await yard.received('here'), [])
  await yard.confirm(gone)
  yard.say('4')
  assert.deepEqual(await yard.received('here'), ['3', '4'])
  assert.deepEqual(
    yard.sent.get('there')?.filter((item) => item !== '|'),
    ['1', '2'],
  )
  yard.registry.tick()
  assert.equal(yard.remote('there'), undefined)
})

test('what was sent to an instance that leaves is taken back when its node dies before it confirms', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  yard.join('here')
  yard.grant()
  yard.say('1')
  await yard.turn()
  yard.agree(leaves('there'))
  yard.say('2')
  yard.bury('B')
  yard.registry.tick()
  await yard.turn()
  assert.deepEqual(await yard.received('here'), ['1', '2'])
  assert.deepEqual([...yard.registry.remotes.values()], ['C'])
})

test('what a dead node was sent and had not confirmed goes to the heir of its buckets, before anything newer', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  yard.join('here')
  yard.grant()
  yard.say('1')
  await yard.confirm(yard.remote('there'))
  yard.say('2')
  await yard.turn()
  const remote = yard.remote('there')
  remote.stream.outbox.stopHanding()
  yard.say('3')
  yard.bury('B')
  yard.say('4')
  assert.deepEqual(await yard.received('here'), ['2', '3', '4'])
  assert.match(yard.stream('here').text, /id='2'[^>]*><delay /)
  assert.deepEqual([[...yard.domain.members.keys()].sort(), yard.registry.remotes.size], [['here', 'other'], 1])
  const { counters } = yard.domain
  assert.deepEqual([counters.receivedFromLink, counters.forwarded, yard.domain.hold.stanzas], [4, 1, 0])
})

test('a request that a dead node had not answered is answered here, once', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  yard.ask('q')
  await yard.confirm(yard.remote('there'))
  yard.bury('B')
  await yard.turn()
  assert.match(yard.server.text, /^<iq type='error' from='a\.test' to='u\d+@x\.test' id='q'>.*remote-server-timeout/)
  assert.equal(yard.server.text.match(/<iq /g)?.length, 1)
})

test('a reply for an instance whose node is taken for dead waits: it may have been frozen, and come back with the instance', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  const { route } = yard.remote('there')
  const reply = (to: string, id: string): string =>
    `<iq type='result' from='${yard.sender}' to='a.test' id='sy-${to}p${id}'/>`
  yard.bury('B')
  yard.fromServer(reply(route, '1'))
  yard.fromServer(reply('z'.repeat(16), 'q'))
  yard.shares.release(yard.domain)
  assert.deepEqual(
    [yard.domain.hold.stanzas, [...yard.domain.counters.drops()]],
    [1, [{ reason: 'gone_asker', count: 1 }]],
  )
  yard.agree(announced('B2'))
  yard.agree((draft) => joinInstance(draft, 'a.test', 'there', { node: 'B2', route, since: 0 }, { count: 2 }))
  await yard.turn()
  assert.equal(yard.domain.hold.stanzas, 0)
  assert.match(yard.texts.get('there')!, /<iq type='result'.*p1'/)
})

test('a node that may have been given up hands out nothing by key, and goes on when it may act again', async () => {
  const yard = new ClusterYard(buckets())
  yard.join('here')
  yard.grant()
  yard.authority.isHeld = false
  yard.say('1', '2')
  assert.deepEqual([await yard.received('here'), yard.domain.hold.stanzas], [[], 2])
  yard.authority.isHeld = true
  yard.shares.release(yard.domain)
  assert.deepEqual(await yard.received('here'), ['1', '2'])
})

test('a node that may have been given up bounces nothing that another may have somebody for', () => {
  const yard = new ClusterYard(buckets('secret: s, when_unassigned: bounce'))
  yard.authority.isHeld = false
  yard.say('1')
  assert.deepEqual([yard.domain.hold.stanzas, yard.server.text], [1, ''])
})

test('without buckets keys wait when an instance of a live node leaves, until that has confirmed', async () => {
  const yard = new ClusterYard(ranked)
  yard.join('here')
  yard.grant()
  // One that the key ranks first.
  yard.agree(joins('there1'))
  yard.say('1')
  await yard.turn()
  assert.deepEqual(yard.sent.get('there1'), ['1'])
  const gone = yard.remote('there1')
  yard.agree(leaves('there1'))
  yard.say('2')
  assert.deepEqual([await yard.received('here'), yard.domain.hold.stanzas], [[], 1])
  await yard.confirm(gone)
  yard.say('3')
  assert.deepEqual(await yard.received('here'), ['2', '3'])
})

test('what waits for an instance whose share is still moving comes after what a dead node had of it', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  const here = yard.join('here')
  yard.grant()
  yard.say('1')
  await yard.turn()
  yard.domain.handovers.freeze()
  yard.say('2')
  yard.bury('B')
  yard.domain.handovers.thaw()
  yard.shares.release(yard.domain)
  assert.deepEqual(await yard.received('here'), ['1', '2'])
  assert.equal(here.bucket, 0)
})

test('while the store is away an instance is served at once, and what cannot go elsewhere waits for so long', async () => {
  const yard = new ClusterYard(buckets('secret: s, hold: {seconds: 5, bytes: 1MiB}').replace(/domain_b.*$/, ''))
  yard.agree(joins('there'))
  yard.isUp = false
  yard.join('here')
  assert.deepEqual(yard.seated, ['here'])
  yard.say('1')
  assert.deepEqual(await yard.received('here'), ['1'])
  yard.clock.now = 7000
  yard.registry.tick()
  assert.deepEqual(yard.givenUp, [2000])
  yard.isUp = true
  yard.grant()
  assert.equal(yard.table.domain('a.test')?.instances.get('here')?.node, 'A')
  assert.deepEqual(yard.seated, ['here'], 'once')
})

test('local instances come first, and those of another node only where there is none here', async () => {
  const yard = new ClusterYard(random)
  yard.agree(joins('there'))
  const here = yard.join('here')
  yard.grant()
  yard.say('1')
  assert.deepEqual(await yard.received('here'), ['1'])
  yard.leave(here)
  yard.say('2')
  await yard.turn()
  assert.deepEqual(yard.sent.get('there'), ['2'])
})

test('a node that leaves takes its instances out of the table, and keeps what it has for them', async () => {
  const yard = new ClusterYard(buckets())
  yard.agree(joins('there'))
  yard.join('here')
  yard.grant()
  yard.registry.part(() => assert.fail('each has its place'))
  yard.grant()
  assert.deepEqual([...(yard.table.domain('a.test')?.instances.keys() ?? [])], ['there'])
  assert.deepEqual([...yard.domain.members.keys()], ['here'])
  yard.say('1')
  assert.deepEqual(await yard.received('here'), ['1'])
  assert.deepEqual(yard.sent.get('there'), [])
})

test('an instance stays where an older table comes back, in which a former life of its node has it', () => {
  const yard = new ClusterYard(buckets())
  yard.join('here')
  yard.grant()
  yard.agree((draft) => {
    leaveNode(draft, 'A', { estate: false })
    joins('here')(draft)
  })
  assert.equal(yard.stream('here').condition, undefined)
  assert.equal(yard.domain.members.get('here')?.node, undefined)
})

test('what a node that leaves has read for another node goes there, and nothing that comes later', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  yard.join('here')
  yard.grant()
  // Read, and not handed over before it leaves.
  yard.say('1', '2')
  yard.registry.part(() => assert.fail('each has its place'))
  yard.say('3')
  await yard.turn()
  assert.deepEqual([yard.sent.get('there'), await yard.received('here')], [['1', '2'], []])
  await yard.confirm(yard.remote('there'))
  assert.deepEqual(await yard.received('here'), ['3'])
  assert.deepEqual(
    yard.sent.get('there')?.filter((item) => item !== '|'),
    ['1', '2'],
  )
})

test('who has the cluster’s table no more passes on what it had not sent, and forgets what it had', async () => {
  const yard = new ClusterYard(buckets())
  fill(yard)
  yard.say('1')
  await yard.turn()
  yard.remote('there').stream.outbox.stopHanding()
  yard.say('2')
  yard.registry.dismissAll()
  assert.deepEqual([yard.registry.remotes.size, yard.domain.hold.stanzas, yard.domain.members.size], [0, 1, 0])
})

const canary = (name: string, percent = 50): string =>
  buckets(
    `instances: {a: {secret: a}, b: {secret: b}, c: {secret: c}}, canary: {instance: ${name}, percent: ${percent}}`,
  )

test('a canary holds no bucket in the table of all nodes, and one that was it takes the bucket of who is it now', async () => {
  const yard = new ClusterYard(canary('c'))
  for (const name of ['c', 'a', 'b']) yard.join(name)
  yard.grant()
  assert.deepEqual(yard.table.domain('a.test')?.buckets?.holders, ['a', 'b'])
  assert.deepEqual([yard.domain.members.get('c')?.state, yard.domain.members.get('c')?.bucket], ['active', undefined])
  // It answers again, and is what it was.
  yard.registry.reinstate(yard.domain, yard.domain.members.get('c')!)
  yard.grant()
  assert.deepEqual(yard.table.domain('a.test')?.buckets?.holders, ['a', 'b'])
  yard.domain.configure(configOf(`listen: [{port: 0}]\n${canary('a')}`).domains.get('a.test')!)
  yard.registry.serve(yard.domain)
  yard.grant()
  assert.deepEqual(yard.table.domain('a.test')?.buckets?.holders, ['c', 'b'])
  const record = yard.table.domain('a.test')?.instances.get('c')
  assert.deepEqual([record?.isCanary, record?.isSidelined], [undefined, undefined])
  assert.deepEqual([...yard.domain.members.values()].map(({ name, bucket }) => [name, bucket]).sort(), [
    ['a', undefined],
    ['b', 1],
    ['c', 0],
  ])
})
