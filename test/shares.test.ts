import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance, leaveInstance } from '../src/cluster/instance-wishes.ts'
import { ClusterYard } from './stub/cluster-yard.ts'

const route = 'g'.repeat(16)
const domains = (settings = 'secret: s', type = ''): string =>
  `domains: {a.test: {${settings}}}\ndomain_balancing: {${type && `a.test: {${type}}`}}`
const buckets = 'type: bare_source, component_number: 2'
const there = (yard: ClusterYard): void =>
  yard.agree((draft) => joinInstance(draft, 'a.test', 'green', { node: 'B', route, since: 0 }, { count: 2 }))

test('who takes over a bucket from another node gets, in order, what that had not been sent and what came since', async () => {
  const yard = new ClusterYard(domains(undefined, buckets))
  there(yard)
  yard.say('1')
  await yard.turn()
  const green = yard.remote('green')
  green.stream.outbox.stopHanding()
  yard.say('2')
  yard.join('red')
  yard.grant()
  yard.agree((draft) => leaveInstance(draft, 'a.test', 'green', 'B', route))
  const free = yard.domain.buckets?.holders.indexOf(undefined)
  assert.equal(free, 0, 'red has the other bucket')
  yard.leave(yard.domain.members.get('red')!)
  yard.join('blue')
  yard.grant()
  yard.say('3')
  assert.deepEqual(await yard.received('blue'), [])
  green.stream.outbox.resumeHanding()
  await yard.confirm(green)
  assert.deepEqual(await yard.received('blue'), ['2', '3'])
  assert.deepEqual(
    yard.sent.get('green')?.filter((item) => item !== '|'),
    ['1'],
  )
})

test('of what a dead node was asked a get is asked again where the domain says so, and the rest is answered', async () => {
  const yard = new ClusterYard(domains('secret: s, retry_get: true'))
  there(yard)
  yard.ask('get', 'get')
  yard.ask('set', 'set')
  await yard.confirm(yard.remote('green'))
  yard.join('red')
  yard.grant()
  yard.bury('B')
  assert.deepEqual(await yard.received('red'), ['get'])
  assert.match(yard.server.text, /^<iq type='error' [^>]* id='set'>(?:(?!<iq ).)*$/)
})

test('an instance that confirms nothing loses what it was handed, and what it was not goes on before what came since', async () => {
  const yard = new ClusterYard(domains())
  const red = yard.join('red')
  yard.grant()
  red.stream.outbox.attach({ writableLength: 0, write: () => true, cork() {}, uncork() {} })
  yard.say('lost')
  await yard.turn()
  red.stream.outbox.stopHanding()
  yard.say('1')
  yard.leave(red)
  yard.say('2')
  yard.join('blue')
  yard.grant()
  yard.say('3')
  assert.deepEqual(await yard.received('blue'), ['1', '2', '3'])
  assert.deepEqual([...yard.domain.counters.drops()], [{ reason: 'lost_in_flight', count: 1 }])
})

test('what is held is let go where there is an instance for it, and nowhere else', async () => {
  const yard = new ClusterYard(domains(undefined, buckets))
  yard.say('1')
  yard.shares.release(yard.domain)
  assert.equal(yard.domain.hold.stanzas, 1)
  const red = yard.join('red')
  yard.grant()
  yard.domain.keepBack(red)
  yard.say('2')
  yard.shares.release(yard.domain)
  assert.deepEqual([await yard.received('red'), yard.domain.hold.stanzas], [['1'], 1])
  yard.domain.moving.delete(red)
  yard.shares.release(yard.domain)
  assert.deepEqual(await yard.received('red'), ['1', '2'])
})
