import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hotUnits } from '../../balancing/bounded.ts'
import { hashText } from '../../balancing/hash.ts'
import { type Ranking, rankingFor } from '../../balancing/ranking.ts'
import { slotOf, slots } from '../../balancing/rendezvous.ts'
import { termsFor } from '../../balancing/terms.ts'
import { few, names, winners } from './winners.ts'

type Hot = Readonly<Record<string, number>>

function bounded(all: readonly string[], hot: Hot, factor = 125, weights: Hot = {}): Ranking {
  const instances = new Map(Object.entries(weights).map(([name, weight]) => [name, { weight }]))
  return rankingFor(all, termsFor({ instances, balance_factor: factor, hot_keys: new Map(Object.entries(hot)) }))
}

/** Per name its load over its fair share, as the config has the loads; and whether all of it is hot. */
function loads(ranking: Ranking, hot: Hot, weights: Hot = {}) {
  const rest = hotUnits - Object.values(hot).reduce((sum, percent) => sum + percent * 1000, 0)
  const heavy = new Map<number, number>()
  for (const [key, percent] of Object.entries(hot)) {
    const slot = slotOf(hashText(key))
    heavy.set(slot, (heavy.get(slot) ?? 0) + percent * 1000 * slots)
  }
  const sum = ranking.names.reduce((total, name) => total + (weights[name] ?? 1), 0)
  const found = new Map(ranking.names.map((name) => [name, { load: 0, usual: 0, factor: 0 }]))
  for (const [slot, name] of winners(ranking).entries()) {
    const one = found.get(name ?? '')!
    one.load += rest + (heavy.get(slot) ?? 0)
    if (!heavy.has(slot)) one.usual++
  }
  for (const [name, one] of found) one.factor = (one.load * sum) / (hotUnits * slots * (weights[name] ?? 1))
  return found
}

const hotKeys = fc
  .uniqueArray(fc.nat(999), { maxLength: 6 })
  .chain((ids) =>
    fc
      .array(fc.integer({ min: 1, max: 16 }), { minLength: ids.length, maxLength: ids.length })
      .map(
        (percents): Hot => Object.fromEntries(ids.map((id, index) => [`hot${id}@example.org`, percents[index] ?? 1])),
      ),
  )
const factor = fc.integer({ min: 125, max: 300 })

test('law: whoever is above the bound has nothing but hot keys that no one had room for', () => {
  fc.assert(
    fc.property(names(1), hotKeys, factor, (all, hot, most) => {
      for (const [name, one] of loads(bounded(all, hot, most), hot)) {
        assert.ok(one.factor <= most / 100 + 1e-6 || one.usual === 0, `${name}: ${one.factor}`)
      }
    }),
    few,
  )
})

test('law: the bound is by weight', () => {
  const hot = { 'hot@example.org': 20 }
  const weights = { a: 1, b: 2, c: 5 }
  const found = loads(bounded(['a', 'b', 'c'], hot, 125, weights), hot, weights)
  for (const [name, one] of found) assert.ok(one.factor <= 1.25 + 1e-6, `${name}: ${one.factor}`)
})

test('law: the order of names and of hot keys changes nothing under a bound', () => {
  fc.assert(
    fc.property(names(2), hotKeys, (all, hot) => {
      const had = winners(bounded(all, hot))
      const turned = Object.fromEntries(Object.entries(hot).reverse())
      assert.deepEqual(winners(bounded([...all].reverse(), turned)), had)
    }),
    few,
  )
})

test('law: without one name, what moves beside its keys had or has no room at its first choice', () => {
  fc.assert(
    fc.property(names(3), hotKeys, fc.nat(), (all, hot, choice) => {
      const gone = all[choice % all.length]
      const left = all.filter((name) => name !== gone)
      const [before, after] = [all, left].map((some) => ({ with: winners(bounded(some, hot)), without: firsts(some) }))
      for (let slot = 0; slot < slots; slot++) {
        const [had, has] = [before!.with[slot], after!.with[slot]]
        if (had === has || had === gone) continue
        assert.ok(had !== before!.without[slot] || has !== after!.without[slot])
      }
    }),
    few,
  )
})

const firsts = (all: readonly string[]) => winners(rankingFor(all, termsFor({})))

test('without hot keys, slots are even enough to need no bound', () => {
  const all = Array.from({ length: 20 }, (_, index) => `node/${index}`)
  assert.deepEqual(winners(bounded(all, {})), firsts(all))
})

test('removing one of eight names under a hot key of a fifth moves a seventh of the others at most', () => {
  const all = Array.from({ length: 8 }, (_, index) => `node/${index + 1}`)
  const hot = { 'hot@example.org': 20 }
  const had = winners(bounded(all, hot))
  for (const gone of all) {
    const moved = winners(
      bounded(
        all.filter((name) => name !== gone),
        hot,
      ),
    ).filter((name, slot) => name !== had[slot] && had[slot] !== gone)
    assert.ok(moved.length < slots / 7, `${gone}: ${moved.length}`)
  }
})

test('two hot keys of one instance are parted, and a key above the bound stands alone', () => {
  const all = ['a', 'b', 'c', 'd']
  const same = Array.from({ length: 100 }, (_, index) => `u${index}@example.org`).filter(
    (key) => firsts(all)[slotOf(hashText(key))] === 'b',
  )
  const [one, other] = [same[0]!, same[1]!]
  const slotsOf = winners(bounded(all, { [one]: 20, [other]: 20 }))
  assert.equal(new Set([one, other].map((key) => slotsOf[slotOf(hashText(key))])).size, 2)
  const alone = loads(bounded(all, { [one]: 60 }), { [one]: 60 })
  assert.deepEqual([alone.get('b')?.usual, Math.round((alone.get('b')?.factor ?? 0) * 10)], [0, 24])
})

test('one name has everything, and no name nothing', () => {
  assert.equal(bounded(['a'], {}).pick(1), 0)
  assert.equal(bounded([], {}).pick(1), -1)
})
