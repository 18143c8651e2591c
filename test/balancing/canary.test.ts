import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketOf } from '../../balancing/buckets.ts'
import { canaryOf, isCanarys, percentOf, pointOf } from '../../balancing/canary.ts'
import { hashText } from '../../balancing/hash.ts'
import { rankingFor } from '../../balancing/ranking.ts'
import { termsFor } from '../../balancing/terms.ts'
import { names } from './winners.ts'

const hash = fc.integer({ min: 0, max: 0xffff_ffff })
const percent = fc.double({ min: 0, max: 100, noNaN: true })
const withCanary = (share: number) => termsFor({ canary: { instance: 'new', percent: share } })

test('law: raising the percentage moves keys to the canary only, and never between others', () => {
  fc.assert(
    fc.property(names(1), percent, percent, fc.array(hash, { minLength: 50 }), (all, one, other, hashes) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)]
      const [before, after] = [low, high].map((share) => rankingFor([...all, 'new'], withCanary(share)))
      for (const key of hashes) {
        const had = before!.names[before!.pick(key)]
        const has = after!.names[after!.pick(key)]
        assert.ok(has === had || has === 'new', `${had} -> ${has}`)
      }
    }),
  )
})

test('law: who is not below the percentage meets whom it would meet without a canary', () => {
  fc.assert(
    fc.property(names(1), percent, fc.array(hash, { minLength: 50 }), (all, share, hashes) => {
      const [without, apart] = [rankingFor(all, termsFor({})), rankingFor([...all, 'new'], withCanary(share))]
      for (const key of hashes) {
        const met = apart.names[apart.pick(key)]
        assert.equal(met, isCanarys(canaryOf('new', share), key) ? 'new' : without.names[without.pick(key)])
      }
    }),
  )
})

test('at 0 the canary has no key, at 100 every one, and alone every one at any percentage', () => {
  const every = [0, 1, 0x8000_0000, 0xffff_ffff, 12345]
  const met = (all: readonly string[], share: number) => {
    const ranking = rankingFor(all, withCanary(share))
    return new Set(every.map((key) => ranking.names[ranking.pick(key)]))
  }
  assert.deepEqual(met(['old', 'new'], 0), new Set(['old']))
  assert.deepEqual(met(['old', 'new'], 100), new Set(['new']))
  assert.deepEqual(met(['new'], 0), new Set(['new']))
  assert.deepEqual(met(['old'], 100), new Set(['old']))
})

test('the canary takes its percentage of every bucket and of every part of the slots', () => {
  const canary = canaryOf('new', 10)
  const found = Array.from({ length: 7 + 8 }, () => ({ all: 0, canarys: 0 }))
  for (let user = 0; user < 70_000; user++) {
    const key = hashText(`user${user}@example.org`)
    for (const part of [bucketOf(key, 7), 7 + (key >>> 29)]) {
      found[part]!.all++
      if (isCanarys(canary, key)) found[part]!.canarys++
    }
  }
  for (const { all, canarys } of found) assert.ok(Math.abs(canarys / all - 0.1) < 0.02, `${canarys} of ${all}`)
})

test('where a key falls is what it has been in every release', () => {
  assert.equal(pointOf(hashText('juliet@example.com')), 3674868186)
  assert.equal(percentOf(hashText('juliet@example.com')).toFixed(2), '85.56')
})
