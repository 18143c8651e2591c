import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Rendezvous, slots } from '../../balancing/rendezvous.ts'
import { Weighted } from '../../balancing/weighted.ts'
import { each, few, names, winners } from './winners.ts'

const weight = fc.integer({ min: 1, max: 1000 })
const weighted = (least: number) =>
  names(least).chain((all) => fc.tuple(fc.constant(all), fc.array(weight, { minLength: all.length })))
const weightsOf = (all: readonly string[], weights: readonly number[]) =>
  new Map(all.map((name, index) => [name, weights[index] ?? 1]))

test('law: with equal weights, whatever they are, each key meets whom it would meet without any', () => {
  fc.assert(
    fc.property(names(1), weight, (all, same) => {
      const weights = new Map(all.map((name) => [name, same]))
      assert.deepEqual(winners(Weighted.of(all, weights)), winners(Rendezvous.of(all)))
    }),
    few,
  )
})

test('law: shares are as the weights to within what chance allows', () => {
  for (const weights of [
    { a: 1, b: 2, c: 3 },
    { a: 1, b: 1000 },
    { a: 50, b: 100, c: 100, d: 100, e: 10, f: 100, g: 100, h: 100, i: 100, j: 100 },
  ]) {
    const all = Object.entries<number>(weights)
    const sum = all.reduce((total, [, one]) => total + one, 0)
    const won = each(Weighted.of(Object.keys(weights), new Map(all)))
    for (const [name, one] of all) {
      const expected = (slots * one) / sum
      const tolerance = 5 * Math.sqrt(expected * (1 - one / sum))
      assert.ok(Math.abs((won.get(name) ?? 0) - expected) < tolerance, `${name}: ${won.get(name)} of ${expected}`)
    }
  }
})

test('law: raising a weight moves keys only to its instance, and lowering it only away from it', () => {
  fc.assert(
    fc.property(weighted(2), weight, ([all, weights], other) => {
      const before = weightsOf(all, weights)
      const name = all[0] ?? ''
      const after = new Map(before).set(name, other)
      const raised = other > (before.get(name) ?? 1)
      const had = winners(Weighted.of(all, before))
      for (const [slot, winner] of winners(Weighted.of(all, after)).entries()) {
        if (winner !== had[slot]) assert.equal(raised ? winner : had[slot], name)
      }
    }),
    few,
  )
})

test('law: without one of weighted names only its keys move, and the order of names does not matter', () => {
  fc.assert(
    fc.property(weighted(2), fc.nat(), ([all, list], choice) => {
      const weights = weightsOf(all, list)
      const had = winners(Weighted.of(all, weights))
      assert.deepEqual(winners(Weighted.of([...all].reverse(), weights)), had)
      const removed = all[choice % all.length]
      const left = all.filter((name) => name !== removed)
      for (const [slot, winner] of winners(Weighted.of(left, weights)).entries()) {
        assert.equal(winner === had[slot], had[slot] !== removed)
      }
    }),
    few,
  )
})

test('the winners are what they have been in every release', () => {
  const ranking = Weighted.of(
    ['blue', 'green', 'red', 'größe'],
    new Map([
      ['blue', 3],
      ['red', 10],
    ]),
  )
  const every = Array.from({ length: 32 }, (_, index) => ranking.names[ranking.pick(index * 0x0800_0000)])
  assert.equal(every.map((name) => name?.at(0)).join(''), GOLDEN)
})

const GOLDEN = 'brrbrrbbrrrggrbrrrbbrbrrrrgrrbbr'
