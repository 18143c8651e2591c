import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance, leaveInstance } from '../src/cluster/instance-wishes.ts'
import { MembershipEnded } from '../src/cluster/membership-errors.ts'
import { ClusterYard } from './stub/cluster-yard.ts'
import { type MemberNode, MemberYard } from './stub/member-yard.ts'

const ranked = 'domains: {a.test: {secret: s, hold: {seconds: 60}}}\ndomain_balancing: {a.test: {type: source}}'
const buckets =
  'domains: {a.test: {secret: s, hold: {seconds: 60}}}\ndomain_balancing: {a.test: {type: source, component_number: 2}}'

async function pair(text = buckets) {
  const yard = new MemberYard(text)
  const [a, b] = (await yard.members('A', 'B')) as [MemberNode, MemberNode]
  return { yard, a, b }
}

/** The names that a node's table has of a domain. */
function recorded({ member }: MemberNode, domain = 'a.test'): readonly string[] {
  return [...(member.membership.table.domain(domain)?.instances.keys() ?? [])].sort()
}
function members({ inner }: MemberNode): readonly string[] {
  return [...inner.domain.members.keys()].sort()
}

/** The store goes back to what it was before `change`, of which `b` has not heard; `a` is a member all the while. */
async function forgets(yard: MemberYard, a: MemberNode, b: MemberNode, change: () => void): Promise<void> {
  b.meets('refused')
  yard.server.interrupt(b.store)
  await yard.pass(50)
  change()
  await yard.pass(100)
  yard.server.forget()
  a.meets('lost')
  b.meets('done')
  await yard.pass(1500)
  a.meets('done')
  await yard.pass(10_000)
}

test('an instance that was written down and forgotten is put before the cluster again, with its bucket', async () => {
  const { yard, a, b } = await pair()
  b.inner.join('y')
  await yard.pass(1000)
  await forgets(yard, a, b, () => a.inner.join('x'))
  assert.deepEqual([a.lost, b.lost], [[], []])
  assert.deepEqual(
    [recorded(a), members(a), members(b)],
    [
      ['x', 'y'],
      ['x', 'y'],
      ['x', 'y'],
    ],
  )
  for (const { inner } of [a, b]) assert.deepEqual(inner.domain.buckets?.holders, ['y', 'x'])
})

test('of several that were forgotten, those that had buckets have them again', async () => {
  const { yard, a, b } = await pair()
  await forgets(yard, a, b, () => {
    for (const name of ['first', 'second', 'spare', 'another']) a.inner.join(name)
  })
  assert.deepEqual(b.inner.domain.buckets?.holders, ['first', 'second'])
  assert.deepEqual(members(b), ['another', 'first', 'second', 'spare'])
})

test('an instance whose end was written down and forgotten is taken out of the table again', async () => {
  const { yard, a, b } = await pair()
  b.inner.join('y')
  const x = a.inner.join('x')
  await yard.pass(1000)
  await forgets(yard, a, b, () => a.inner.leave(x))
  assert.deepEqual([recorded(a), members(a), members(b)], [['y'], ['y'], ['y']])
  assert.deepEqual(b.inner.domain.buckets?.holders, ['y', undefined])
})

test('one that came again under its name, which was forgotten, is the one that the table has', async () => {
  const { yard, a, b } = await pair()
  a.inner.join('x', 'first-route-of-x')
  await yard.pass(1000)
  await forgets(yard, a, b, () => a.inner.join('x', 'other-route-of-x'))
  const record = b.member.membership.table.domain('a.test')?.instances.get('x')
  assert.deepEqual([record?.node, record?.route, members(b)], ['A', 'other-route-of-x', ['x']])
  assert.equal(a.inner.stream('x').isOpen, true)
})

test('what the table has of this node in a domain that it does not serve goes', async () => {
  const { yard, a, b } = await pair()
  const joiner = { node: 'A', route: 'route', since: 0 }
  const wish = b.member.membership.propose((draft) => joinInstance(draft, 'old.test', 'x', joiner))
  await yard.until(wish)
  // Its table is read as a whole after it could not be heard.
  a.meets('refused')
  yard.server.interrupt(a.store)
  await yard.pass(1000)
  a.meets('done')
  await yard.pass(3000)
  assert.deepEqual([recorded(b, 'old.test'), a.lost], [[], []])
})

test('what is refused as too much waits already is told, not each time, and made good when nothing waits', async () => {
  const { yard, a, b } = await pair(ranked)
  const old = a.inner.join('old')
  await yard.pass(1000)
  for (const node of [a, b]) node.meets('refused')
  yard.server.interrupt()
  await yard.pass(1500)
  for (let i = 0; i < 25_000; i++) a.inner.leave(a.inner.join('flapping'))
  assert.equal(a.member.membership.waiting, 50_000)
  a.inner.join('new')
  a.inner.leave(old)
  await yard.pass(5000)
  const told = () => a.inner.book.all('cluster-changes-refused').map(({ changes }) => changes)
  assert.deepEqual(told(), [2])
  assert.match(String(a.inner.book.all('cluster-changes-refused')[0]?.reason), /^50000 changes wait for the cluster$/)
  a.inner.join('newer')
  await yard.pass(4000)
  assert.deepEqual(told(), [2], 'once in a while')
  await yard.pass(2000)
  assert.deepEqual(told(), [2, 1])
  for (const node of [a, b]) node.meets('done')
  await yard.pass(10_000)
  assert.deepEqual([recorded(a), members(b), a.member.membership.waiting], [['new', 'newer'], ['new', 'newer'], 0])
})

test('a wish that waits is not made again, and nothing is wished for where nothing differs', () => {
  const yard = new ClusterYard(buckets)
  yard.grant()
  const x = yard.join('x')
  assert.equal(yard.wishes, 1)
  yard.registry.tick()
  yard.registry.follow(yard.domain, yard.table.domain('a.test'), undefined)
  yard.registry.tick()
  assert.equal(yard.wishes, 1)
  yard.grant()
  yard.registry.tick()
  assert.equal(yard.wishes, 0)
  yard.leave(x)
  yard.registry.tick()
  assert.equal(yard.wishes, 1)
  yard.grant()
  yard.registry.tick()
  assert.deepEqual([yard.wishes, yard.table.domain('a.test')?.instances.size ?? 0], [0, 0])
})

test('what was refused is not asked for with each tick', async () => {
  const yard = new ClusterYard(buckets)
  yard.registry.tick()
  const { asked } = yard
  yard.refusal = new Error('no')
  yard.join('x')
  for (const now of [0, 500, 999]) {
    await yard.turn()
    yard.clock.now = now
    yard.registry.tick()
  }
  assert.equal(yard.asked, asked + 1)
  yard.refusal = undefined
  yard.clock.now = 1000
  yard.registry.tick()
  assert.equal(yard.asked, asked + 2)
  yard.grant()
  assert.deepEqual(yard.seated, ['x'])
})

test('that one has left is asked for again where it was refused', async () => {
  const yard = new ClusterYard(buckets)
  const x = yard.join('x')
  yard.grant()
  yard.registry.tick()
  yard.refusal = new Error('no')
  yard.leave(x)
  await yard.turn()
  yard.refusal = undefined
  yard.clock.now = 1000
  yard.registry.tick()
  yard.grant()
  assert.equal(yard.table.domain('a.test')?.instances.size ?? 0, 0)
})

test('what a table lacks, be it read as a whole or told what has changed, is asked for', () => {
  const yard = new ClusterYard(buckets)
  yard.grant()
  yard.registry.tick()
  const { table } = yard
  const x = yard.join('x')
  yard.grant()
  yard.registry.tick()
  assert.equal(yard.wishes, 0)
  yard.table = table
  yard.registry.follow(yard.domain, table.domain('a.test'), undefined)
  yard.registry.tick()
  assert.equal(yard.wishes, 1)
  yard.grant()
  yard.registry.tick()
  yard.agree((draft) => leaveInstance(draft, 'a.test', 'x', 'A', x.route))
  yard.registry.tick()
  assert.equal(yard.wishes, 1)
  yard.grant()
  assert.deepEqual([yard.seated, yard.domain.holders], [['x'], [x, undefined]])
})

test('that a life is over is no trouble that anybody need be told of', async () => {
  const yard = new ClusterYard(buckets)
  yard.refusal = new MembershipEnded('it has left')
  yard.join('x')
  await yard.turn()
  yard.registry.tick()
  assert.deepEqual(yard.log.all('cluster-changes-refused'), [])
  yard.refusal = new Error('another')
  yard.join('y')
  await yard.turn()
  yard.registry.tick()
  assert.deepEqual(
    yard.log.all('cluster-changes-refused').map(({ changes, reason }) => [changes, reason]),
    [[1, 'another']],
  )
})

test('all is compared when the others can be heard again', () => {
  const yard = new ClusterYard(buckets)
  yard.registry.tick()
  yard.join('x')
  yard.lose()
  yard.isUp = false
  yard.registry.tick()
  assert.deepEqual([yard.seated, yard.wishes], [['x'], 0])
  yard.isUp = true
  yard.registry.tick()
  assert.equal(yard.wishes, 1)
  yard.grant()
  assert.deepEqual(yard.table.domain('a.test')?.buckets?.holders, ['x', undefined])
})

test('one that comes while it is to be taken out of the table stays there, with its bucket', async () => {
  const yard = new ClusterYard(buckets)
  const joiner = { node: 'A', route: 'x'.padEnd(16, 'q'), since: 0 }
  yard.agree((draft) => joinInstance(draft, 'a.test', 'x', joiner, { count: 2 }))
  for (const name of ['y', 'spare']) {
    yard.agree((draft) => joinInstance(draft, 'a.test', name, { node: 'B', route: name, since: 0 }))
  }
  yard.registry.tick()
  assert.equal(yard.wishes, 1)
  yard.join('x')
  await yard.turn()
  yard.grant()
  yard.registry.tick()
  assert.deepEqual([yard.seated, yard.table.domain('a.test')?.buckets?.holders], [['x'], ['x', 'y']])
})

test('one that gives its share away, and wants it again before the nodes have heard of it, has it again', async () => {
  const yard = new ClusterYard(buckets)
  const x = yard.join('x')
  yard.grant()
  // As a drain that is cancelled does.
  yard.registry.leave(yard.domain, x)
  yard.registry.join(yard.domain, x)
  assert.equal(yard.stream('x').isPaused, true)
  await yard.turn()
  yard.grant()
  yard.registry.tick()
  assert.deepEqual(
    [yard.stream('x').isPaused, yard.domain.joining.size, yard.domain.holders],
    [false, 0, [x, undefined]],
  )
})

test('one that waits for its place when the others can be heard no more is served, as one that comes later', async () => {
  const { yard, a } = await pair(ranked)
  a.meets('refused')
  a.inner.join('early')
  assert.equal(a.inner.stream('early').isPaused, true, 'nobody knows of it yet')
  await yard.pass(1500)
  a.inner.join('late')
  await yard.pass(500)
  assert.deepEqual([a.member.reach, members(a)], ['refused', ['early', 'late']])
  assert.deepEqual(
    ['early', 'late'].map((name) => a.inner.stream(name).isPaused),
    [false, false],
  )
  a.meets('done')
  await yard.pass(5000)
  assert.deepEqual([recorded(a), a.seated, a.inner.domain.joining.size], [['early', 'late'], ['early', 'late'], 0])
})

test("one that has the name of another node's waits as long as that cannot be heard", async () => {
  const { yard, a, b } = await pair(ranked)
  b.inner.join('x')
  await yard.pass(1000)
  a.meets('refused')
  await yard.pass(1500)
  a.inner.join('x')
  await yard.pass(500)
  assert.deepEqual([a.inner.stream('x').isPaused, a.inner.domain.members.get('x')?.node], [true, 'B'])
  a.meets('done')
  await yard.pass(5000)
  assert.deepEqual([a.inner.stream('x').isPaused, b.inner.stream('x').condition], [false, 'conflict'])
  assert.equal(b.inner.domain.members.get('x')?.node, 'A')
})
