import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance, leaveInstance } from '../src/cluster/instance-wishes.ts'
import type { Wish } from '../src/cluster/proposals.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { ClusterYard } from './stub/cluster-yard.ts'

const text = `
domains: {a.test: {secret: s}}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
`
const reframer = new Reframer({ stanza_bytes: 1e6, depth: 8, elements: 16, attributes: 8, namespaces: 4 })

const joins = (name: string, node: string): Wish => {
  const joiner = { node, route: name.padEnd(16, 'r'), since: 0 }
  return (draft) => joinInstance(draft, 'a.test', name, joiner, { count: 2 })
}
const leaves = (name: string, node: string): Wish => {
  return (draft) => leaveInstance(draft, 'a.test', name, node, name.padEnd(16, 'r'))
}

/** `red` of node B has had the first bucket and was sent `1` and `2`; then it left, and `here`, of this node, has it. */
async function departed() {
  const yard = new ClusterYard(text)
  yard.agree(joins('red', 'B'))
  yard.agree(joins('blue', 'C'))
  yard.clock.now = 100
  yard.say('1', '2')
  await yard.turn()
  const here = yard.join('here')
  yard.grant()
  const red = yard.remote('red')
  yard.agree(leaves('red', 'B'))
  yard.clock.now = 200
  yard.say('3')
  /** B passes on what it had been sent. */
  const comes = (id: string, since: number): void =>
    reframer.stanzas(Buffer.from(`<message from='${yard.sender}' to='a.test' id='${id}'/>`), (head) => {
      const ticket = { hops: 1, retain() {}, release() {}, isStored: true }
      yard.router.fromNode(yard.domain, 'here', head, { since, deaths: 0, ticket })
    })
  const to = (name: string) => yard.sent.get(name)?.filter((item) => item !== '|')
  return { yard, red, here, comes, to }
}

test('what waits for one that has left goes on waiting when the bucket passes on once more', async () => {
  const { yard, red, here, to } = await departed()
  yard.agree(joins('green', 'C'))
  yard.leave(here)
  yard.grant()
  yard.say('4')
  await yard.turn()
  assert.deepEqual([to('green'), yard.domain.hold.stanzas], [[], 2])
  await yard.confirm(red)
  assert.deepEqual([to('green'), yard.domain.hold.stanzas], [['3', '4'], 0])
})

test('what another node passes on, and this one cannot deliver either, goes on before what waits for it', async () => {
  const { yard, red, here, comes, to } = await departed()
  here.stream.outbox.stopHanding()
  comes('1', 100)
  comes('2', 100)
  yard.agree(joins('green', 'C'))
  yard.leave(here)
  yard.grant()
  await yard.turn()
  assert.deepEqual([to('green'), yard.domain.hold.stanzas], [['1', '2'], 1])
  comes('5', 400)
  await yard.turn()
  assert.deepEqual([to('green'), yard.domain.hold.stanzas], [['1', '2'], 2], 'it is newer than what is waited for')
  await yard.confirm(red)
  assert.deepEqual(to('green'), ['1', '2', '3', '5'])
})

test('a bucket that nobody had for a while waits for the last that had it', async () => {
  const { yard, red, here, comes } = await departed()
  yard.leave(here)
  yard.grant()
  yard.join('next')
  yard.grant()
  comes('2', 100)
  assert.deepEqual(await yard.received('next'), ['2'])
  await yard.confirm(red)
  assert.deepEqual(await yard.received('next'), ['2', '3'])
})

test('an instance that takes the name of one that has left gets what was passed on to that one first', async () => {
  const { yard, here, comes } = await departed()
  yard.leave(here)
  comes('1', 100)
  assert.equal(yard.domain.hold.stanzas, 2)
  yard.join('here', 'n'.repeat(16))
  comes('2', 150)
  assert.deepEqual([await yard.received('here'), yard.domain.hold.stanzas], [['1', '2'], 1])
})

/** `here` is there; what is `inherited` was read by a dead node. */
function inheriting() {
  const yard = new ClusterYard(text)
  yard.join('here')
  yard.grant()
  const inherits = (id: string): void =>
    reframer.stanzas(Buffer.from(`<message from='${yard.sender}' to='a.test' id='${id}'/>`), (head) => {
      const ticket = { hops: 0, retain() {}, release() {}, isStored: true }
      yard.router.toInstance(yard.domain, head, undefined, { since: 0, deaths: 0, ticket })
    })
  return { yard, inherits }
}

test('what a node reads while it hands out what a dead one had read comes after it', async () => {
  const { yard, inherits } = inheriting()
  yard.shares.inheriting(yard.domain, true)
  yard.say('2')
  yard.say('3')
  inherits('1')
  assert.deepEqual(await yard.received('here'), ['1'])
  yard.shares.inheriting(yard.domain, false)
  assert.deepEqual(await yard.received('here'), ['1', '2', '3'])
})

test('so it does when what the dead one had read has to wait, too, for whoever had the bucket', async () => {
  const { yard, inherits } = inheriting()
  const here = yard.domain.members.get('here')!
  const wait = yard.domain.keepBack(here)
  yard.say('2')
  yard.shares.inheriting(yard.domain, true)
  yard.say('3')
  inherits('1')
  yard.shares.release(yard.domain)
  yard.shares.inheriting(yard.domain, false)
  assert.deepEqual(await yard.received('here'), [])
  yard.say('4')
  yard.domain.moving.end(wait)
  yard.shares.release(yard.domain)
  assert.deepEqual(await yard.received('here'), ['1', '2', '3', '4'])
})

test('what waited behind the dead stays in order when nobody is there any more to take it', async () => {
  const { yard, inherits } = inheriting()
  yard.shares.inheriting(yard.domain, true)
  inherits('1')
  await yard.turn()
  yard.say('2')
  yard.leave(yard.domain.members.get('here')!)
  yard.grant()
  yard.shares.inheriting(yard.domain, false)
  yard.say('3')
  yard.join('next')
  yard.grant()
  assert.deepEqual((await yard.received('next')).slice(-2), ['2', '3'])
})
