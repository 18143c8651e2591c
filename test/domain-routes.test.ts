import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canaryOf, isCanarys } from '../balancing/canary.ts'
import { explainPick } from '../balancing/explain.ts'
import { phash2OfParts } from '../balancing/phash2.ts'
import { DomainRoutes } from '../src/domain-routes.ts'
import { Instance } from '../src/instance.ts'
import { keyText } from '../src/key.ts'
import { settingOf } from '../src/setting.ts'
import { Reframer } from '../src/stream/reframe.ts'
import type { Stream } from '../src/stream/stream.ts'
import { configOf } from './e2e/node.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const owner = { opened() {}, fromInstance() {}, footer() {}, left() {} }

function config(balancing: string, settings = 'secret: s') {
  return configOf(`
listen: [{port: 0}]
domains: {a.test: {${settings}}}
domain_balancing: {${balancing}}
`).domains.get('a.test')!
}

function domainOf(balancing: string, settings?: string, random = () => 0): DomainRoutes {
  return new DomainRoutes(config(balancing, settings), random)
}

/** Routing asks nothing of a stream. */
function instanceOf(domain: DomainRoutes, name: string): Instance {
  return new Instance(owner, domain, {} as Stream, { name, route: name }, 0)
}

function join(domain: DomainRoutes, ...names: string[]): Instance[] {
  const instances = names.map((name) => instanceOf(domain, name))
  for (const instance of instances) domain.join(instance)
  return instances
}

function pick(domain: DomainRoutes, from: string, to = 'room@a.test'): string | undefined {
  let name: string | undefined
  new Reframer(limits).stanzas(Buffer.from(`<message from='${from}' to='${to}'/>`), (head) => {
    name = domain.pick(head)?.name
  })
  return name
}
const users = Array.from({ length: 50 }, (_, i) => `u${i}@x.test/r`)
const spread = (domain: DomainRoutes) => users.map((user) => pick(domain, user))

/** Random numbers that are spread evenly. */
function steps(count: number): () => number {
  let next = 0
  return () => {
    next = (next + 1) % count
    return next / count
  }
}

test('without balancing any instance may get a stanza, and none that reads nothing while another does', () => {
  let next = 0
  const domain = domainOf('', undefined, () => next)
  assert.equal(pick(domain, 'u@x.test'), undefined)
  const [, two] = join(domain, 'one', 'two')
  next = 0.99
  assert.equal(pick(domain, 'u@x.test'), 'two')
  two!.state = 'stalled'
  domain.refresh(two!)
  assert.equal(pick(domain, 'u@x.test'), 'one')
})

test('every spelling of a JID meets the same instance', () => {
  const domain = domainOf('a.test: {type: bare_source, component_number: 7}')
  join(domain, ...Array.from({ length: 7 }, (_, i) => `i${i}`))
  for (const user of ['ann', 'bob', 'zoë', 'ß']) {
    const expected = pick(domain, `${user}@x.test`)
    for (const jid of [`${user.toUpperCase()}@X.test/Home`, `${user}@x.test./a&amp;b`]) {
      if (user !== 'ß') assert.equal(pick(domain, jid), expected, jid)
    }
  }
})

test('a criterion keys by its address only', () => {
  const domain = domainOf('a.test: {type: bare_destination}')
  join(domain, 'one', 'two', 'three')
  const rooms = users.map((_, i) => `room${i}@a.test`)
  assert.ok(new Set(rooms.map((room) => pick(domain, 'u@x.test', room))).size === 3)
  for (const room of rooms) {
    const expected = pick(domain, 'u@x.test', room)
    for (const user of users) assert.equal(pick(domain, user, `${room}/nick`), expected)
  }
})

test('bare_domain: source spreads what is for the bare domain by its sender', () => {
  const usual = domainOf('a.test: {type: bare_destination}')
  const bySource = domainOf('a.test: {type: bare_destination}', 'secret: s, bare_domain: source')
  for (const domain of [usual, bySource]) join(domain, 'one', 'two', 'three')
  const met = (domain: DomainRoutes) => new Set(users.map((user) => pick(domain, user, 'a.test'))).size
  assert.deepEqual([met(usual), met(bySource)], [1, 3])
})

test('by rendezvous only the keys of the one that leaves move, and they come back to it', () => {
  const domain = domainOf('a.test: {type: bare_source}')
  const [, two] = join(domain, 'one', 'two', 'three')
  const before = spread(domain)
  domain.leave(two!)
  const after = spread(domain)
  for (const [i, name] of before.entries()) if (name !== 'two') assert.equal(after[i], name)
  assert.ok(!after.includes('two'))
  join(domain, 'two')
  assert.deepEqual(spread(domain), before)
})

test('a stalled holder keeps its bucket and its stanzas', () => {
  const domain = domainOf('a.test: {type: bare_source, component_number: 2}')
  const [one] = join(domain, 'one', 'two', 'three')
  const before = spread(domain)
  one!.state = 'stalled'
  domain.refresh(one!)
  assert.deepEqual(spread(domain), before)
  assert.deepEqual(
    [...domain.members.values()].map(({ state, bucket }) => [state, bucket]),
    [
      ['stalled', 0],
      ['active', 1],
      ['spare', undefined],
    ],
  )
})

test('leaving twice, or as one that has been replaced, changes nothing', () => {
  const domain = domainOf('a.test: {type: bare_source, component_number: 2}')
  const [old] = join(domain, 'one')
  const next = instanceOf(domain, 'one')
  domain.replace(next)
  assert.deepEqual(domain.leave(old!), [])
  assert.deepEqual([next.bucket, domain.holders[0]], [0, next])
  assert.equal(domain.leave(next).length, 1)
  assert.deepEqual(domain.leave(next), [])
})

test('a new config says whether stanzas are shared out otherwise; a smaller number of buckets takes the rest away', () => {
  const six = 'a.test: {type: bare_source, component_number: 6}'
  const named = 'instances: {one: {secret: s, bucket: 5}, two: {secret: t}}'
  const domain = domainOf(six, named)
  const [one, two] = join(domain, 'one', 'two')
  assert.equal(domain.configure(config(six, `${named}, iq_seconds: 5`)), false)
  assert.deepEqual([one!.bucket, two!.bucket], [5, 0])
  const three = six.replace('6', '3')
  assert.equal(domain.configure(config(three, named.replace('5', '0'))), true)
  assert.deepEqual([one!.bucket, two!.bucket], [0, 1])
  assert.equal(domain.configure(config(three, `${named.replace('5', '0')}, when_unassigned: spill`)), true)
  assert.ok(!spread(domain).includes(undefined))
})

test('what an instance holds and is called is said of all whom a change is about, whoever came in between', () => {
  const domain = domainOf('a.test: {type: bare_source, component_number: 2}')
  const [one, two, three, four] = join(domain, 'one', 'two', 'three', 'four')
  const told = () => [one, two, three, four].map((instance) => [instance!.state, instance!.bucket])
  assert.deepEqual(told(), [
    ['active', 0],
    ['active', 1],
    ['spare', undefined],
    ['spare', undefined],
  ])
  domain.leave(one!)
  assert.deepEqual(told().slice(1), [
    ['active', 1],
    ['active', 0],
    ['spare', undefined],
  ])
})

const named = 'instances: {a: {secret: a}, b: {secret: b}, new: {secret: n}}, canary: {instance: new, percent: 30}'

test('a canary has the same keys whatever the balancing is, and the others those that they have without it', () => {
  const ways = [
    '{type: bare_source}',
    '{type: bare_source, component_number: 2}',
    '{type: random}',
    '{component_number: 2}',
  ]
  const keys = ways.map((way) => {
    const domain = domainOf(`a.test: ${way}`, named)
    join(domain, 'a', 'b')
    const without = spread(domain)
    const [canary] = join(domain, 'new')
    const has = spread(domain)
    for (const [i, name] of has.entries()) if (name !== 'new') assert.equal(name, without[i])
    assert.deepEqual([canary!.state, canary!.bucket], ['active', undefined])
    domain.leave(canary!)
    assert.deepEqual(spread(domain), without)
    return users.filter((_, i) => has[i] === 'new')
  })
  assert.ok(keys[0]!.length > 5 && keys[0]!.length < 25)
  for (const others of keys) assert.deepEqual(others, keys[0])
})

test('by the hash of ejabberd, too, the canary has its part of each bucket, and all others keep the buckets that ejabberd gives them', () => {
  const way = 'a.test: {type: bare_source, component_number: 3}'
  const domain = domainOf(way, `hash: erlang_phash2, ${named}`)
  join(domain, 'a', 'b', 'new')
  // Without a holder: what falls there waits, as that of the others, and the canary has its part of it all the same.
  const holders = ['a', 'b', undefined]
  const found = holders.map(() => ({ all: 0, canarys: 0 }))
  for (let number = 0; number < 3000; number++) {
    const hash = phash2OfParts(`User${number}`.toLowerCase(), 'x.test', '')
    const met = pick(domain, `User${number}@x.test`)
    const isNew = isCanarys(canaryOf('new', 30), hash)
    const explained = explainPick(settingOf(domain), `User${number}@x.test`, 'a.test', keyText)
    assert.equal(met, isNew ? 'new' : holders[hash % 3])
    assert.equal(explained?.instance, met)
    found[hash % 3]!.all++
    if (isNew) found[hash % 3]!.canarys++
  }
  for (const { all, canarys } of found) assert.ok(Math.abs(canarys / all - 0.3) < 0.05, `${canarys} of ${all}`)
})

test('where nobody else lives the canary has everything, but for buckets, which nobody holds then', () => {
  const met = (way: string, settings = '') => {
    const domain = domainOf(`a.test: ${way}`, named + settings)
    join(domain, 'new')
    return new Set(spread(domain))
  }
  for (const way of ['{type: bare_source}', '{type: random}', '{component_number: 2}']) {
    assert.deepEqual(met(way), new Set(['new']), way)
  }
  assert.deepEqual(met('{type: bare_source, component_number: 2}'), new Set(['new', undefined]))
  assert.deepEqual(met('{type: bare_source, component_number: 2}', ', when_unassigned: spill'), new Set(['new']))
})

test("what is for a canary that is being drained waits at its place, and others' is not touched", () => {
  const domain = domainOf('a.test: {type: bare_source, component_number: 2}', named)
  const [, , canary] = join(domain, 'a', 'b', 'new')
  const before = spread(domain)
  domain.pause(canary!)
  assert.deepEqual(
    spread(domain),
    before.map((name) => (name === 'new' ? undefined : name)),
  )
  assert.equal(domain.placeHeldBy(canary!), 'new')
  assert.ok(domain.isMoving('new') && !domain.isServed('new'))
})

test('a reload that makes another the canary gives its bucket on, and moves no other', () => {
  const domain = domainOf('a.test: {type: bare_source, component_number: 2}', named)
  join(domain, 'a', 'b', 'new')
  const other = named.replace('instance: new', 'instance: a')
  assert.equal(domain.configure(config('a.test: {type: bare_source, component_number: 2}', other)), true)
  assert.deepEqual(
    domain.holders.map((holder) => holder?.name),
    ['new', 'b'],
  )
  const same = domain.configure(config('a.test: {type: bare_source, component_number: 2}', other))
  assert.equal(same, false)
  const raised = other.replace('percent: 30', 'percent: 31')
  assert.equal(domain.configure(config('a.test: {type: bare_source, component_number: 2}', raised)), true)
})

test('one of weight 0 gets nothing as long as another lives, and a weight decides how often one is met', () => {
  const weights = 'instances: {a: {secret: a, weight: 3}, b: {secret: b}, c: {secret: c, weight: 0}}'
  for (const way of ['{type: bare_source}', '{type: random}']) {
    const domain = domainOf(`a.test: ${way}`, weights, steps(50))
    const [a, b] = join(domain, 'a', 'b', 'c')
    const counts = (name: string) => spread(domain).filter((met) => met === name).length
    assert.ok(counts('a') > 2 * counts('b') && counts('b') > 5, way)
    assert.equal(counts('c'), 0)
    domain.leave(a!)
    domain.leave(b!)
    assert.equal(counts('c'), users.length)
  }
})

test('an instance that joins a random domain gets more and more, and its full share in the end', () => {
  const clock = { now: 1000 }
  const domain = new DomainRoutes(
    config('a.test: {type: random}', 'secret: s, slow_start_seconds: 10'),
    steps(1000),
    undefined,
    clock,
  )
  const old = instanceOf(domain, 'old')
  domain.join(old)
  const late = instanceOf(domain, 'late')
  late.joinedAt = clock.now
  domain.join(late)
  const shares = [0, 2500, 5000, 7500, 10_000, 60_000].map((since) => {
    clock.now = 1000 + since
    const met = Array.from({ length: 1000 }, () => pick(domain, 'u@x.test'))
    return Math.round(met.filter((name) => name === 'late').length / 10)
  })
  // Of 1 and 0.1, 0.325, 0.55, 0.775 and 1.
  assert.deepEqual(shares, [9, 25, 35, 44, 50, 50])
})
