import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Setting } from '../../balancing/chooser.ts'
import { policyFor } from '../../balancing/policy.ts'
import { compare, simulate } from '../../balancing/simulate.ts'
import { termsFor } from '../../balancing/terms.ts'
import type { Traffic } from '../../balancing/traffic.ts'

const normalise = (jid: string) => (jid === '' ? undefined : jid.toLowerCase())
const tools = { normalise }
const named = (...names: readonly string[]) => names.map((name) => ({ name }))
const users: readonly Traffic[] = Array.from({ length: 3000 }, (_, user) => ({
  from: `User${user}@example.org/phone`,
  to: 'echo.localhost',
}))
const threeBuckets = policyFor({ type: 'bare_source', component_number: 3 })

test('each bucket has its share, and the shares are all there is', () => {
  const { shares, weight, unassigned, malformed, imbalance } = simulate(
    { policy: threeBuckets, instances: named('a', 'b', 'c') },
    users,
    tools,
  )
  assert.deepEqual(
    shares.map(({ bucket, instance }) => [bucket, instance]),
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ],
  )
  assert.equal(
    shares.reduce((sum, part) => sum + part.weight, 0),
    weight,
  )
  assert.deepEqual([weight, unassigned, malformed], [3000, 0, 0])
  assert.ok(imbalance >= 1 && imbalance < 1.1)
})

test('the share of a free bucket is shown, and counted as unassigned', () => {
  const { shares, unassigned } = simulate({ policy: threeBuckets, instances: named('a') }, users, tools)
  assert.equal(shares[1]?.instance, undefined)
  assert.equal(unassigned, (shares[1]?.weight ?? 0) + (shares[2]?.weight ?? 0))
  assert.ok(unassigned > 1500)
})

test('the hottest keys come in normal form, heaviest first, and are twenty at most', () => {
  const traffic = [{ from: 'Romeo@example.org/orchard', to: 'echo.localhost', weight: 40 }, ...users]
  const { hottest } = simulate({ policy: threeBuckets, instances: named('a') }, traffic, tools)
  assert.equal(hottest.length, 20)
  assert.equal(hottest[0]?.key, 'romeo@example.org')
})

test('at random even one heavy key is shared out by the weights of the holders, the same at each look, and has no key', () => {
  const policy = policyFor({ type: 'random', component_number: 2 })
  const setting = { policy, instances: named('a', 'b', 'spare') }
  const one: readonly Traffic[] = [{ from: 'hot@example.org', to: 'echo.localhost', weight: 3000 }]
  const { shares, hottest } = simulate(setting, one, tools)
  assert.deepEqual(
    shares.map(({ weight }) => weight),
    [1500, 1500, 0],
  )
  assert.deepEqual(hottest, [])
  assert.equal(simulate({ policy, instances: [] }, one, tools).unassigned, 3000)
  const terms = termsFor({ instances: new Map([['a', { weight: 2 }]]) })
  const weighed = simulate({ policy: policyFor(undefined), instances: named('a', 'b'), terms }, one, tools)
  assert.deepEqual([weighed.shares.map(({ weight }) => weight), weighed.imbalance], [[2000, 1000], 1])
})

test('traffic whose key is no JID is counted apart', () => {
  const { malformed, weight } = simulate({ policy: threeBuckets, instances: [] }, [{ from: '', to: 'x' }], tools)
  assert.deepEqual([malformed, weight], [1, 0])
})

test('with no traffic nothing is shared out and nothing is uneven', () => {
  const { shares, imbalance } = simulate({ policy: threeBuckets, instances: named('a') }, [], tools)
  assert.ok(shares.every(({ share }) => share === 0))
  assert.equal(imbalance, 0)
})

test('law: a setting compared with itself moves nothing', () => {
  const instances = named('a', 'b', 'c')
  for (const policy of [threeBuckets, policyFor({ type: 'source' })]) {
    const { moved, movedKeys, keys } = compare({ policy, instances }, { policy, instances }, users, normalise)
    assert.deepEqual([moved, movedKeys, keys], [0, 0, 3000])
  }
})

test('losing an instance moves its share under rendezvous, and a new number of buckets moves most', () => {
  const policy = policyFor({ type: 'bare_source' })
  const lost = compare(
    { policy, instances: named('a', 'b', 'c') },
    { policy, instances: named('a', 'b') },
    users,
    normalise,
  )
  const before = simulate({ policy, instances: named('a', 'b', 'c') }, users, tools)
  assert.equal(lost.moved, before.shares[2]?.weight)
  const four = policyFor({ type: 'bare_source', component_number: 4 })
  const instances = named('a', 'b', 'c', 'd')
  const resized = compare({ policy: threeBuckets, instances }, { policy: four, instances }, users, normalise)
  assert.ok(resized.moved > 2000)
})

test('without instances on either side it is the buckets that are compared', () => {
  const four = policyFor({ type: 'bare_source', component_number: 4 })
  const { moved } = compare({ policy: threeBuckets, instances: [] }, { policy: four, instances: [] }, users, normalise)
  assert.ok(moved > 2000 && moved < 2500)
})

test('what a random policy does to a stanza is unpredictable, not moved', () => {
  const instances = named('a', 'b')
  const { moved, unpredictable, keys } = compare(
    { policy: policyFor(undefined), instances },
    { policy: threeBuckets, instances },
    users,
    normalise,
  )
  assert.deepEqual([moved, unpredictable, keys], [0, 3000, 0])
})

test('law: weight is moved, unpredictable or stays, and no more keys move than there are', () => {
  const jid = fc.constantFrom('', 'a@x/1', 'a@x/2', 'A@x', 'b@y/1', 'y', 'y/1')
  const traffic = fc.array(fc.record({ from: jid, to: jid, weight: fc.integer({ min: 1, max: 5 }) }))
  const setting: fc.Arbitrary<Setting> = fc.record({
    policy: fc.constantFrom(threeBuckets, policyFor({ type: 'destination' }, 'source'), policyFor({})),
    instances: fc.constantFrom(named(), named('a'), named('a', 'b', 'c')),
  })
  fc.assert(
    fc.property(setting, setting, traffic, (before, after, all) => {
      const { weight, moved, unpredictable, keys, movedKeys, malformed } = compare(before, after, all, normalise)
      assert.ok(moved + unpredictable <= weight && movedKeys <= keys && malformed <= all.length)
    }),
  )
})

test('a bound with its hot keys makes even what those had made uneven, and says how uneven', () => {
  const traffic = [...users, { from: 'hot@example.org', to: 'echo.localhost', weight: 1000 }]
  const policy = policyFor({ type: 'bare_source' })
  const instances = named('a', 'b', 'c', 'd')
  const without = simulate({ policy, instances }, traffic, tools)
  const terms = termsFor({ balance_factor: 125, hot_keys: new Map([['hot@example.org', 25]]) })
  const bounded = simulate({ policy, instances, terms }, traffic, tools)
  assert.ok(without.imbalance > 1.6 && bounded.imbalance < 1.35, `${without.imbalance} -> ${bounded.imbalance}`)
  assert.equal(bounded.imbalanceUnbounded, without.imbalance)
  assert.equal(without.imbalanceUnbounded, undefined)
})

test('the canary has a part of its own beside the buckets, and imbalance is by weight without it', () => {
  const canary = { instance: 'new', percent: 20 }
  const bucketed = simulate(
    { policy: threeBuckets, instances: named('a', 'new', 'b', 'c'), terms: termsFor({ canary }) },
    users,
    tools,
  )
  assert.deepEqual(
    bucketed.shares.map(({ bucket, instance }) => [bucket, instance]),
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [undefined, 'new'],
    ],
  )
  assert.ok(Math.abs((bucketed.shares[3]?.share ?? 0) - 0.2) < 0.03 && bucketed.imbalance < 1.1)
  const weights = termsFor({ instances: new Map([['a', { weight: 9 }]]) })
  const weighed = simulate(
    { policy: policyFor({ type: 'source' }), instances: named('a', 'b'), terms: weights },
    users,
    tools,
  )
  assert.ok((weighed.shares[0]?.share ?? 0) > 0.85 && weighed.imbalance < 1.25)
})
