import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyingFor } from '../../balancing/criterion.ts'
import { policyFor, randomIndex } from '../../balancing/policy.ts'

test('a domain that domain_balancing does not name takes a random instance of its own node', () => {
  assert.deepEqual(policyFor(undefined), { kind: 'local_random' })
})

test('type random needs no keys, whether there are buckets or not, and is the default', () => {
  assert.deepEqual(policyFor({ type: 'random' }), { kind: 'random', count: undefined })
  assert.deepEqual(policyFor({ component_number: 3 }), { kind: 'random', count: 3 })
})

test('a keyed type with component_number has buckets, and without it rendezvous', () => {
  const keying = keyingFor('bare_source')
  assert.deepEqual(policyFor({ type: 'bare_source' }), { kind: 'rendezvous', keying })
  assert.deepEqual(policyFor({ type: 'bare_source', component_number: 3 }), { kind: 'buckets', keying, count: 3 })
  const byDestination = policyFor({ type: 'destination' }, 'source')
  assert.deepEqual(byDestination, { kind: 'rendezvous', keying: keyingFor('destination', 'source') })
})

test('law: a random index is one of those that there are', () => {
  assert.equal(
    randomIndex(() => 0, 0),
    -1,
  )
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(999), (random, more) => {
      const index = randomIndex(() => random, more + 1)
      assert.ok(Number.isInteger(index) && index >= 0 && index <= more)
    }),
  )
})
