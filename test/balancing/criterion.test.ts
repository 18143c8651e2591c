import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bareDomains, criteria, criterionFor, keyingFor } from '../../balancing/criterion.ts'

test('a criterion says which address is the key and how much of it', () => {
  const rules = criteria.map((criterion) => keyingFor(criterion).usual)
  assert.deepEqual(
    rules.map(({ criterion, keyed, address, bare }) => [criterion, keyed, address, bare]),
    [
      ['random', false, 'to', false],
      ['source', true, 'from', false],
      ['destination', true, 'to', false],
      ['bare_source', true, 'from', true],
      ['bare_destination', true, 'to', true],
    ],
  )
  for (const { address, fromSource } of rules) assert.equal(fromSource, address === 'from')
})

test('law: bare_domain moves only stanzas without localpart, and only under a destination criterion', () => {
  for (const criterion of criteria) {
    for (const bareDomain of bareDomains) {
      const moved = bareDomain === 'source' && criterion.endsWith('destination')
      assert.equal(criterionFor(criterion, bareDomain, true), criterion)
      assert.equal(criterionFor(criterion, bareDomain, false), moved ? 'bare_source' : criterion)
      const { usual, withoutLocal } = keyingFor(criterion, bareDomain)
      assert.equal(usual.criterion, criterion)
      assert.equal(usual !== withoutLocal, moved, 'the router compares the two by identity')
    }
  }
})
