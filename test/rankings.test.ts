import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Rendezvous } from '../balancing/rendezvous.ts'
import { noTerms, termsFor } from '../balancing/terms.ts'
import type { Instance } from '../src/instance.ts'
import { Rankings } from '../src/rankings.ts'

function members(names: readonly string[]): ReadonlyMap<string, Instance> {
  return new Map(names.map((name) => [name, { name } as unknown as Instance]))
}

test('a ranking that is made from the one before is the one that would be made anew', () => {
  const some = fc.uniqueArray(fc.constantFrom(...Array.from({ length: 12 }, (_, i) => `i${i}`)))
  fc.assert(
    fc.property(some, some, (before, after) => {
      const rankings = new Rankings()
      rankings.of(members(before), noTerms)
      const ranking = rankings.of(members(after), noTerms)
      const anew = Rendezvous.of(after)
      assert.deepEqual([...ranking.names].sort(), [...after].sort())
      for (let hash = 0; hash < 2 ** 32 && after.length > 0; hash += 2 ** 27 + 12345) {
        assert.equal(ranking.names[ranking.pick(hash)], anew.names[anew.pick(hash)])
      }
    }),
  )
})

test('the same members by the same terms have the ranking that they had; others, or by other terms, a new one', () => {
  const rankings = new Rankings()
  const terms = termsFor({ balance_factor: 125, hot_keys: new Map([['a@x.test', 40]]) })
  const first = rankings.of(members(['a', 'b', 'c']), terms)
  assert.equal(rankings.of(members(['c', 'b', 'a']), terms), first)
  assert.notEqual(rankings.of(members(['a', 'b']), terms), first)
  assert.notEqual(rankings.of(members(['a', 'b', 'c']), noTerms), first)
  assert.deepEqual(rankings.none().names, [])
  assert.deepEqual(rankings.of(members(['a', 'b', 'c']), terms).names, ['a', 'b', 'c'])
})
