import assert from 'node:assert/strict'
import { test } from 'node:test'

// The page's own files are no part of what the compiler checks here: it checks them as what browsers run.
const { findings, isSlow } = await import(new URL('../../src/admin/page/findings.js', import.meta.url).href)

const { consequence } = await import(new URL('../../src/admin/page/consequences.js', import.meta.url).href)

const healthy = {
  name: 'bot.test',
  type: 'bare_source',
  whenUnassigned: 'hold',
  instances: { active: 3 },
  instancesElsewhere: 0,
  buckets: 3,
  bucketsUnassigned: 0,
  unassigned: [],
  spares: 0,
  missing: [],
  hold: { stanzas: 0, bytes: 0, limitSeconds: 8 },
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

const free = (bucket: number, last: string, stanzas: number) => ({
  bucket,
  last,
  held: { stanzas, bytes: 10 * stanzas },
})

test('what is dead comes before what is slow, and a dead bucket has its name, last holder and stanzas whichever domain is shown', () => {
  const domain = {
    ...{ ...healthy, bucketsUnassigned: 1, unassigned: [free(1, 'coral', 65)], missing: ['coral'] },
    ...{ held: { stanzas: 104, bytes: 9999 }, hold: { stanzas: 70, bytes: 700, limitSeconds: 8 } },
    slowest: { instance: 'red', seconds: 2, others: 0.01 },
  }
  for (const shown of [detail, undefined, { ...detail, name: 'other.test' }]) {
    const found = findings(overviewOf(domain), [], shown, [])
    assert.deepEqual(whatOf(found), ['bad: bucket 1 has no holder', 'warn: instance red is slow: 2 s'])
    assert.equal(
      found[0].hint,
      'Last held by coral, which is not connected. What is for it is held up to 8 s, then bounced (now 65 stanzas on hold, 650 B). Start the missing instance, or lower component_number (the number of buckets).',
    )
  }
  const two = { ...domain, bucketsUnassigned: 2, unassigned: [free(0, 'amber', 1), free(1, 'coral', 2)] }
  const [both] = findings(overviewOf(two), [], undefined, [])
  assert.equal(both.what, '2 of 3 buckets have no holder: 0, 1')
  assert.match(both.hint, /^Last held by amber \(0\), coral \(1\)\. Not connected: coral\. .* 3 stanzas on hold, 30 B/)
})

test('at random a bucket without a holder is no fault while another has one', () => {
  const domain = { ...healthy, type: 'random', bucketsUnassigned: 1, unassigned: [free(1, 'coral', 0)] }
  assert.deepEqual(findings(overviewOf(domain), [], undefined, []), [])
})

test('what can be done with a slow instance depends on who could take its place', () => {
  const hintOf = (changes: object) => {
    const slowest = { instance: 'red', seconds: 2, others: 0.01 }
    return findings(overviewOf({ ...healthy, slowest, ...changes }), [], undefined, [])[0].hint
  }
  assert.match(hintOf({}), /There is no spare: drained, it would leave a bucket without a holder/)
  assert.match(hintOf({ spares: 1 }), /or drain it: its bucket then goes to a spare/)
  assert.match(hintOf({ buckets: 0 }), /or drain it: the other instances get its share/)
  assert.match(hintOf({ buckets: 0, instances: { active: 1 } }), /No other instance is there/)
})

const ending = (changes: object, names = ['red', 'blue'], share?: number) => {
  const limits = { limitSeconds: 8, limitBytes: 1024 }
  const buckets = [{ bucket: 0, holder: 'red', heir: null }]
  const domain = { balancing, buckets, canary: null, whenUnassigned: 'hold', hold: limits, ...changes }
  const instances = names.map((name) => ({ name, state: 'active' }))
  return consequence(domain, instances, 'red', share)
}

test('a drain says what becomes of this instance’s bucket or keys', () => {
  assert.equal(
    ending({}, ['red', 'blue'], 0.25),
    'There is no spare: bucket 0 (25 % of the domain’s traffic lately) will have no holder until an instance connects. What is for it is held up to 8 s, then bounced. At most 1 KiB is held.',
  )
  assert.match(ending({ whenUnassigned: 'bounce' }), /What is for it is bounced at once\.$/)
  assert.match(ending({ whenUnassigned: 'spill' }), /given to the live instances; with none, held up to 8 s/)
  assert.equal(ending({ buckets: [{ bucket: 0, holder: 'red', heir: 'blue' }] }), 'Bucket 0 goes to the spare blue.')
  assert.match(ending({ buckets: [] }), /^Its keys go to the other instance; no other key moves/)
  assert.match(ending({ buckets: [], balancing: null }), /goes to the other instance, at random/)
  assert.match(ending({ buckets: [] }, ['red']), /^It is the only instance/)
  assert.match(ending({ buckets: [{ bucket: 0, holder: 'blue', heir: 'red' }] }), /^It holds no bucket/)
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
