import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reframer } from '../src/stream/reframe.ts'
import { ClusterYard } from './stub/cluster-yard.ts'

const text = `
domains: {a.test: {secret: s, when_unassigned: hold}}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
`
const reframer = new Reframer({ stanza_bytes: 1e6, depth: 8, elements: 16, attributes: 8, namespaces: 4 })

function bench() {
  const yard = new ClusterYard(text)
  yard.isAlone = false
  /** Another node lets go what it held for the bucket. */
  const comes = (id: string, since: number): void =>
    reframer.stanzas(Buffer.from(`<message from='${yard.sender}' to='a.test' id='${id}'/>`), (head) =>
      yard.router.fromNode(yard.domain, 'here', head, { since, deaths: 0 }),
    )
  const at = (now: number): void => {
    yard.clock.now = now
    yard.registry.tick()
  }
  return { yard, comes, at }
}

test('what several nodes hold for a bucket that nobody had goes on in the order in which it was read', async () => {
  const { yard, comes, at } = bench()
  at(1000)
  yard.say('3', '4')
  at(2000)
  yard.join('here')
  yard.grant()
  comes('1', 500)
  comes('5', 1900)
  comes('2', 600)
  at(2149)
  assert.deepEqual(await yard.received('here'), [])
  at(2150)
  assert.deepEqual(await yard.received('here'), ['1', '2', '3', '4', '5'])
  yard.say('6')
  comes('7', 2200)
  assert.deepEqual(await yard.received('here'), ['1', '2', '3', '4', '5', '6', '7'])
  assert.equal(yard.domain.hold.stanzas, 0)
})

test('a bucket that passes from one instance to another is not gathered', async () => {
  const { yard, comes, at } = bench()
  at(1000)
  const first = yard.join('here')
  yard.join('other')
  yard.grant()
  at(1150)
  const spare = yard.join('spare')
  yard.grant()
  yard.leave(first)
  yard.grant()
  assert.equal(yard.domain.moving.isGathering(spare), false)
  yard.say('1')
  assert.deepEqual(await yard.received('spare'), ['1'])
  comes('2', 0)
  assert.deepEqual(await yard.received('spare'), ['1', '2'])
})

test('an instance that leaves while its bucket is gathered leaves all to the next', async () => {
  const { yard, comes, at } = bench()
  at(1000)
  yard.say('2')
  const first = yard.join('here')
  yard.grant()
  comes('1', 500)
  yard.leave(first)
  yard.grant()
  at(1150)
  assert.equal(yard.domain.hold.stanzas, 2)
  yard.join('next')
  yard.grant()
  at(1300)
  assert.deepEqual(await yard.received('next'), ['1', '2'])
})

test('a node alone gathers nothing', async () => {
  const { yard } = bench()
  yard.isAlone = true
  yard.say('1')
  yard.join('here')
  yard.grant()
  assert.deepEqual(await yard.received('here'), ['1'])
})
