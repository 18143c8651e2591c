import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashText } from '../balancing/hash.ts'
import { rankingFor } from '../balancing/ranking.ts'
import { noTerms } from '../balancing/terms.ts'
import { joinInstance, leaveInstance } from '../src/cluster/instance-wishes.ts'
import type { Instance } from '../src/instance.ts'
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

const roads = ['here', 'there', 'third', 'fourth']

/** Somebody whose key goes from one of `roads` to another when a third party comes or goes: only a bound has that. */
function mover(
  yard: ClusterYard,
  from: string,
  to: string,
  before: readonly string[],
  after: readonly string[],
): string {
  const { terms } = yard.domain
  const [had, has] = [before, after].map((names) => rankingFor(names, terms))
  for (let user = 0; user < 10_000; user++) {
    const hash = hashText(`u${user}@x.test`)
    if (had!.names[had!.pick(hash)] === from && has!.names[has!.pick(hash)] === to) return `u${user}@x.test`
  }
  throw new Error(`no key goes from ${from} to ${to}`)
}

const saying = (yard: ClusterYard, from: string) => (id: string) =>
  yard.fromServer(`<message from='${from}' to='a.test' id='${id}'/>`)
const joins = (name: string) => (draft: Parameters<typeof joinInstance>[0]) =>
  joinInstance(draft, 'a.test', name, { node: 'B', route: `r${name}`.padEnd(16, 'x'), since: 0 })

/** Changes who is there, and sees that a key which goes from `there`, far away, to `here` waits until that has confirmed. */
async function isInOrder(
  yard: ClusterYard,
  before: readonly string[],
  after: readonly string[],
  change: () => unknown,
): Promise<void> {
  const say = saying(yard, mover(yard, 'there', 'here', before, after))
  say('1')
  await yard.turn()
  assert.deepEqual(
    yard.sent.get('there')?.filter((item) => item !== '|'),
    ['1'],
  )
  change()
  say('2')
  await yard.turn()
  assert.deepEqual([await yard.received('here'), yard.domain.hold.stanzas], [[], 1])
  await yard.confirm(yard.remote('there'))
  say('3')
  assert.deepEqual(await yard.received('here'), ['2', '3'])
}

/**
 * `here` is of this node and `there` of another.
 * @param heavy who has a key of 40 %: all of its share of four, and most of that of three
 */
function bounded(heavy: string, ...others: readonly string[]): ClusterYard {
  const ranking = rankingFor(roads, noTerms)
  const key = Array.from({ length: 1000 }, (_, i) => `hot${i}@x.test`).find(
    (hot) => ranking.names[ranking.pick(hashText(hot))] === heavy,
  )
  const bound = `secret: s, balance_factor: 125, hot_keys: {${key}: 40}`
  const yard = new ClusterYard(domains(bound, 'type: bare_source'))
  yard.join('here')
  yard.grant()
  for (const name of ['there', ...others]) yard.agree(joins(name))
  return yard
}

test('within a bound, a key that another instance takes over from a third waits for what it was sent before', async () => {
  const [three, four] = [roads.slice(0, 3), roads]
  const coming = bounded('there', 'third')
  await isInOrder(coming, three, four, () => coming.agree(joins('fourth')))
  const going = bounded('here', 'third', 'fourth')
  const route = going.remote('fourth').route
  await isInOrder(going, four, three, () => {
    going.agree((draft) => leaveInstance(draft, 'a.test', 'fourth', 'B', route))
  })
})

test('within a bound, the same holds for an instance of this node that leaves, dies or is drained', async () => {
  const ends: readonly ((yard: ClusterYard, gone: Instance) => void)[] = [
    (yard, gone) => yard.leave(gone),
    (yard, gone) => yard.shares.handOver(yard.domain, () => yard.registry.leave(yard.domain, gone)),
  ]
  for (const end of ends) {
    const yard = bounded('here', 'third')
    const gone = yard.join('fourth')
    yard.grant()
    await yard.turn()
    await isInOrder(yard, roads, roads.slice(0, 3), () => end(yard, gone))
  }
})
