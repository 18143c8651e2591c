import assert from 'node:assert/strict'
import { test } from 'node:test'

// The page's own files are no part of what the compiler checks here: it checks them as what browsers run.
const { findings, isSlow } = await import(new URL('../../src/admin/page/findings.js', import.meta.url).href)

const healthy = {
  name: 'bot.test',
  whenUnassigned: 'hold',
  instances: { active: 3 },
  instancesElsewhere: 0,
  buckets: 3,
  bucketsUnassigned: 0,
  held: { stanzas: 0, bytes: 0 },
  link: 'online',
  received: 1,
  quarantined: 0,
  slowest: { instance: 'red', seconds: 0.01, others: 0.005 },
}
const balancing = { type: 'bare_source', component_number: 3 }
const detail = {
  name: 'bot.test',
  balancing,
  buckets: ['red', null, 'blue'].map((holder, bucket) => ({ bucket, holder })),
}
const overviewOf = (...domains: object[]) => ({ cluster: { up: true, held: true }, domains })
const whatOf = (found: { readonly level: string; readonly what: string }[]) =>
  found.map(({ level, what }) => `${level}: ${what}`)

test('of what is in order nothing is said', () => {
  assert.deepEqual(findings(overviewOf(healthy), [{ name: 'n', state: 'ready' }], undefined, []), [])
})

test('what is dead comes before what is slow, and a dead bucket is named where it is known', () => {
  const domain = { ...healthy, bucketsUnassigned: 1, slowest: { instance: 'red', seconds: 2, others: 0.01 } }
  assert.deepEqual(whatOf(findings(overviewOf(domain), [], detail, [])), [
    'bad: bucket 1 has no holder',
    'warn: instance red is slow: 2 s',
  ])
  assert.deepEqual(whatOf(findings(overviewOf(domain), [], undefined, []))[0], 'bad: bucket has no holder')
})

test('links, quarantine, states, Redis, fences and draining nodes are said, each with what to do', () => {
  const domain = { ...healthy, link: 'waiting', quarantined: 2, instances: { active: 1, stalled: 2, unconfirmed: 1 } }
  const overview = { cluster: { up: false, held: false }, domains: [domain] }
  const found = findings(overview, [{ name: 'n-2', state: 'draining' }], undefined, [])
  assert.deepEqual(whatOf(found).toSorted(), [
    'bad: 2 instances: each accepts nothing',
    'bad: 2 stanzas in quarantine',
    'bad: Redis cannot be reached',
    'bad: link is waiting',
    'bad: this node is fenced',
    'warn: an instance never confirms',
    'warn: node is draining',
  ])
  for (const { hint } of found) assert.ok(hint.length > 20)
})

test('why a link is not up is said with it, of the domain that is looked at', () => {
  const down = overviewOf({ ...healthy, link: 'waiting' })
  const link = { reason: 'stream error from the server: not-authorized' }
  assert.deepEqual(whatOf(findings(down, [], { ...detail, name: healthy.name, link }, [])), [
    'bad: link is waiting: stream error from the server: not-authorized',
  ])
  assert.deepEqual(whatOf(findings(down, [], { ...detail, name: 'other.test', link }, [])), ['bad: link is waiting'])
})

test('a domain without any instance is said once, and not where other nodes have some', () => {
  const empty = { ...healthy, buckets: 0, instances: { active: 0 } }
  assert.deepEqual(whatOf(findings(overviewOf(empty), [], undefined, [])), ['warn: no instance'])
  assert.deepEqual(findings(overviewOf({ ...empty, instancesElsewhere: 1 }), [], undefined, []), [])
})

test('slow is who takes a quarter of a second, and four times what the others take', () => {
  assert.equal(isSlow({ instance: 'a', seconds: 0.24, others: 0.001 }), false)
  assert.equal(isSlow({ instance: 'a', seconds: 0.25, others: 0.001 }), true)
  assert.equal(isSlow({ instance: 'a', seconds: 0.9, others: 0.3 }), false)
  assert.equal(isSlow({ instance: 'a', seconds: 0.3, others: null }), true)
  assert.equal(isSlow(null), false)
})

test('one that gets far more than its share points at the keys; at random, or with little traffic, none does', () => {
  const instances = [50, 10, 10].map((rate, at) => ({ name: `i${at}`, state: 'active', deliveredPerSecond: rate }))
  const [hot] = findings(overviewOf(healthy), [], detail, instances)
  assert.deepEqual([hot.go, hot.instance, hot.what], ['keys', 'i0', 'i0 gets 71 % of the traffic'])
  assert.deepEqual(findings(overviewOf(healthy), [], { ...detail, balancing: { type: 'random' } }, instances), [])
  const idle = instances.map((instance) => ({ ...instance, deliveredPerSecond: instance.deliveredPerSecond / 20 }))
  assert.deepEqual(findings(overviewOf(healthy), [], detail, idle), [])
})
