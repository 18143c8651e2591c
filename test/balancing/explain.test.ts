import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainPick } from '../../balancing/explain.ts'
import { hashText } from '../../balancing/hash.ts'
import { policyFor } from '../../balancing/policy.ts'
import { termsFor } from '../../balancing/terms.ts'

const normalise = (jid: string) => (jid === '' ? undefined : jid.toLowerCase())
const instances = [{ name: 'a' }, { name: 'blue', bucket: 0 }]

test('buckets are explained from the address to the holder', () => {
  const policy = policyFor({ type: 'bare_source', component_number: 2 })
  const hash = hashText('juliet@example.org')
  const found = explainPick({ policy, instances }, 'Juliet@example.org/balcony', 'room@muc.localhost', normalise)
  const bucket = hash % 2
  assert.deepEqual(found, {
    criterion: 'bare_source',
    key: 'juliet@example.org',
    hash,
    bucket,
    slot: undefined,
    instance: ['blue', 'a'][bucket],
    why: [
      'bare_source makes the bare JID in `from` the key: juliet@example.org',
      `its murmur3 hash is ${hash}`,
      `${hash} modulo 2 buckets is bucket ${bucket}`,
      `${['blue', 'a'][bucket]} holds the bucket`,
    ],
  })
})

test('a stanza without localpart says so where bare_domain changes its criterion', () => {
  const policy = policyFor({ type: 'bare_destination' }, 'source')
  const found = explainPick({ policy, instances: [] }, 'juliet@example.org', 'muc.localhost', normalise)
  assert.equal(found?.why[0], 'its `to` has no localpart, so bare_source stands in for bare_destination')
  assert.equal(found?.why.at(-1), 'there are no instances: when_unassigned decides')
  assert.equal(found?.instance, undefined)
})

test('a free bucket leaves it to when_unassigned', () => {
  const policy = policyFor({ type: 'source', component_number: 1000 })
  const found = explainPick({ policy, instances: [] }, 'a@b/c', 'd', normalise)
  assert.equal(found?.why.at(-1), 'the bucket has no holder: when_unassigned decides')
})

test('rendezvous is explained by its slot', () => {
  const found = explainPick({ policy: policyFor({ type: 'destination' }), instances }, 'a@b', 'c@d/e', normalise)
  assert.equal(found?.key, 'c@d/e')
  assert.equal(found?.slot, hashText('c@d/e') >>> 16)
  assert.match(found?.why.at(-1) ?? '', /^(a|blue) has the slot's highest score of 2$/)
})

test('a random policy has no key to explain', () => {
  for (const balancing of [undefined, {}, { component_number: 2 }]) {
    const found = explainPick({ policy: policyFor(balancing), instances }, 'a@b', 'c', normalise)
    assert.equal(found?.key, undefined)
    assert.equal(found?.why.length, 1)
  }
})

test('an address that is no JID explains nothing, unless the key does not come from it', () => {
  const policy = policyFor({ type: 'source', component_number: 2 })
  assert.equal(explainPick({ policy, instances }, '', 'c', normalise), undefined)
  assert.notEqual(explainPick({ policy, instances }, 'a@b', '', normalise), undefined)
})

test('a canary is explained by where the key falls, and by whether it is there', () => {
  const terms = termsFor({ canary: { instance: 'new', percent: 50 } })
  const why = (type: 'bare_source' | 'random', from: string, names: readonly string[]) => {
    const setting = { policy: policyFor({ type }), terms, instances: names.map((name) => ({ name })) }
    return explainPick(setting, from, 'x.test', normalise)?.why.join('; ')
  }
  assert.match(
    why('bare_source', 'a@c.test', ['a', 'new']) ?? '',
    /; canary new, 50 %: the key falls at 2\.63 %, so it is the canary's$/,
  )
  assert.match(
    why('bare_source', 'juliet@example.com', ['a', 'new']) ?? '',
    /canary new, 50 %: the key falls at 85\.56 %, so it is not the canary's; .*a has the slot/,
  )
  assert.match(
    why('bare_source', 'juliet@example.com', ['new']) ?? '',
    /falls at 85\.56 %, but nobody else is there; .*new has the slot/,
  )
  assert.match(
    why('bare_source', 'juliet@example.com', ['a']) ?? '',
    /canary new, 50 %: it is not there, so all is as without it; /,
  )
  assert.match(
    why('random', 'juliet@example.com', ['a', 'new']) ?? '',
    /^canary new, 50 %: bare_source falls at 85\.56 %, so it is not the canary's; random: any/,
  )
})

test('weights and a bound are explained, with whom the key would meet without it', () => {
  const weighed = new Map([
    ['a', { weight: 3 }],
    ['b', {}],
  ])
  const names = [{ name: 'a' }, { name: 'b' }]
  const why = (type: 'bare_source' | 'random', settings: object, from = 'u@x') =>
    explainPick({ policy: policyFor({ type }), instances: names, terms: termsFor(settings) }, from, 'y', normalise)
  assert.match(why('bare_source', { instances: weighed })?.why.at(-1) ?? '', /highest score of 2, by weight [31] of 4$/)
  assert.match(
    why('random', { instances: weighed, slow_start_seconds: 9 })?.why.join('; ') ?? '',
    /; weights: a 3, b 1; .* within 9 s$/,
  )
  const bound = { balance_factor: 125, hot_keys: new Map([['hot@x', 60]]) }
  const words = Array.from({ length: 400 }, (_, user) => why('bare_source', bound, `u${user}@x`))
  const full = words.find((found) => found?.instance !== found?.unbounded)
  assert.match(
    full?.why.at(-1) ?? '',
    /^balance_factor 125 %: ([ab]) is full, so (?!\1)[ab] is next of those with room$/,
  )
  assert.ok(words.some((found) => /^balance_factor 125 %: [ab] has room for it$/.test(found?.why.at(-1) ?? '')))
})
