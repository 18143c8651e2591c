import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summary } from '../../config/summary.ts'
import { load, problemsOf } from './loading.ts'

const three = 'instances: {a: {secret: a}, b: {secret: b}, new: {secret: n}}'
const text = (domain: string, balancing = '{type: bare_source}') =>
  `listen: [{port: 1}]\ndomains:\n  x.test: {${domain}}\n${balancing && `domain_balancing: {x.test: ${balancing}}\n`}`
/** The problems of one domain, without their places. */
const complaints = (domain: string, balancing?: string) =>
  problemsOf(text(domain, balancing)).map((problem) => problem.replace(/^\d+:\d+ domains\."x\.test"\./, ''))

test('what sets instances apart is read as it is written, keys in normal form', () => {
  const weighed = 'instances: {a: {secret: a, weight: 0}, b: {secret: b, weight: 1000}, new: {secret: n}}'
  const { config } = load(
    text(`${weighed}, canary: {instance: new, percent: 2.5}, balance_factor: 150, hot_keys: {Juliet@X.test: 12.345}`),
  )
  const domain = config?.domains.get('x.test')
  assert.deepEqual(
    [...(domain?.instances ?? [])].map(([name, { weight }]) => [name, weight]),
    [
      ['a', 0],
      ['b', 1000],
      ['new', undefined],
    ],
  )
  assert.deepEqual({ ...domain?.canary }, { instance: 'new', percent: 2.5 })
  assert.deepEqual([...(domain?.hot_keys ?? [])], [['juliet@x.test', 12.345]])
  assert.ok(config !== undefined)
  assert.match(summary(config), / weights: a 0 b 1000 {2}canary: new 2\.5 % {2}at most 150 %, 1 hot key$/m)
  for (const balancing of ['', '{type: random}', '{component_number: 3}']) {
    const slow = load(text('secret: s, slow_start_seconds: 30', balancing)).config
    assert.equal(slow?.domains.get('x.test')?.slow_start_seconds, 30)
  }
})

test('a weight is refused where buckets decide, at the canary, out of range, and where all are 0', () => {
  const weighed = (weight: string, rest = '') => `instances: {a: {secret: a, weight: ${weight}}, b: {secret: b}}${rest}`
  const buckets = '{type: source, component_number: 3}'
  assert.deepEqual(complaints(weighed('2'), buckets), [
    'instances.a.weight: changes nothing: whoever holds one of the 3 buckets gets all of its keys',
  ])
  assert.deepEqual(complaints(weighed('2', ', canary: {instance: a, percent: 5}')), [
    'instances.a.weight: stands at the canary, whose share is canary.percent',
  ])
  assert.deepEqual(complaints(weighed('1001')), ['instances.a.weight: must be an integer from 0 to 1000, not 1001'])
  assert.deepEqual(complaints('instances: {a: {secret: a, weight: 0}}'), [
    'instances.a.weight: is 0, and so is that of every other: one must be more',
  ])
  assert.deepEqual(complaints(weighed('2'), '{component_number: 3}'), [])
})

test('a canary is one of several named instances, without a bucket', () => {
  const canary = (instance: string, percent = 5) => `, canary: {instance: ${instance}, percent: ${percent}}`
  assert.deepEqual(complaints(`secret: s${canary('new')}`), ['canary.instance: needs instances, of which it names one'])
  assert.deepEqual(complaints(`${three}${canary('old')}`), [
    'canary.instance: is old, which is none of the instances: a, b, new',
  ])
  assert.deepEqual(complaints(`instances: {a: {secret: a}}${canary('a')}`), [
    'canary.instance: is a, the only instance',
  ])
  assert.deepEqual(
    complaints(
      `instances: {a: {secret: a, bucket: 0}, b: {secret: b}}${canary('a')}`,
      '{type: source, component_number: 2}',
    ),
    ['instances.a.bucket: stands at the canary, which holds no bucket'],
  )
  assert.deepEqual(complaints(`${three}${canary('new', 101)}`), [
    'canary.percent: must be percent from 0 to 100, not 101',
  ])
  assert.deepEqual(complaints(`${three}${canary('new', 1.0001)}`), [
    'canary.percent: is 1.0001, finer than thousandths',
  ])
  for (const balancing of ['', '{type: random}', '{type: source}', '{type: source, component_number: 2}']) {
    assert.deepEqual(complaints(`${three}${canary('new')}`, balancing), [])
  }
})

test('slow start is for random stanzas, and bounded load for keys without buckets', () => {
  assert.deepEqual(complaints('secret: s, slow_start_seconds: 30'), [
    'slow_start_seconds: needs random stanzas: by bare_source a key would go from one instance to another and back',
  ])
  for (const balancing of ['', '{type: random}']) {
    assert.deepEqual(complaints('secret: s, balance_factor: 130', balancing), [
      'balance_factor: needs a criterion: random stanzas are even as they are',
    ])
  }
  assert.deepEqual(complaints('secret: s, balance_factor: 130', '{type: source, component_number: 4}'), [
    'balance_factor: cannot move keys between 4 buckets: leave component_number out',
  ])
  assert.deepEqual(complaints('secret: s, balance_factor: 124'), [
    'balance_factor: must be an integer from 125 to 1000, not 124',
  ])
})

test('hot keys are keys, each once, and no more than the whole', () => {
  const hot = (keys: string, factor = 'balance_factor: 125, ') => complaints(`secret: s, ${factor}hot_keys: {${keys}}`)
  assert.deepEqual(hot('a@b: 5', ''), ['hot_keys: needs a balance_factor'])
  assert.deepEqual(hot('a@b: 60, c@b: 40.001'), ['hot_keys: come to 100.001 % of the traffic, more than all of it'])
  assert.deepEqual(hot('a@b: 60, c@b: 40'), [])
  assert.deepEqual(hot('A@b: 5, a@B: 5'), ['hot_keys."a@B": is the same key as a@b, written above'])
  assert.deepEqual(hot('a@b/c: 5'), ['hot_keys."a@b/c": has a resource, and bare_source makes no such key'])
  assert.deepEqual(hot("'@': 5"), ['hot_keys."@": must be a JID, not "@"'])
  assert.deepEqual(hot('a@b: 0'), ['hot_keys."a@b": must be percent from 0.001 to 100, not 0'])
})

test('a problem is where it is written, and our own address has nothing to set apart', () => {
  assert.deepEqual(problemsOf(text('secret: s, balance_factor: 130', '')), [
    '3:23 domains."x.test".balance_factor: needs a criterion: random stanzas are even as they are',
  ])
  const own = `listen: [{port: 1}]\naddress: y.test\ndomains:\n  x.test: {secret: s}\n  y.test: {upstream: {service: 'xmpp://s', secret: s}, slow_start_seconds: 3}\n`
  assert.match(
    problemsOf(own).join(),
    /^5:\d+ domains\."y\.test"\.slow_start_seconds: stands at our own address, to which no instance connects$/,
  )
})
