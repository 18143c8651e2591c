import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mostDirect, mostNames, Rendezvous, slotOf, slots } from '../../balancing/rendezvous.ts'

/** The winner's name of every slot. */
function winners(rendezvous: Rendezvous): readonly (string | undefined)[] {
  return Array.from({ length: slots }, (_, slot) => rendezvous.names[rendezvous.pick(slot * 0x1_0000)])
}

const name = fc.oneof(
  fc.nat(60).map((number) => `node/${number}`),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
)
const someNames = (least: number) => fc.uniqueArray(name, { minLength: least, maxLength: 14 })
const few = { numRuns: 25 }

test('with no names there is no winner, and one name wins everything', () => {
  assert.equal(Rendezvous.of([]).pick(123), -1)
  assert.equal(Rendezvous.of(['a']).pick(0xffff_ffff), 0)
})

test('law: the order of joining does not matter', () => {
  fc.assert(
    fc.property(someNames(1), (names) => {
      const all = winners(Rendezvous.of(names))
      assert.deepEqual(winners(Rendezvous.of([...names].reverse())), all)
      const empty = Rendezvous.of([])
      assert.deepEqual(winners(names.reduce((joined, one) => joined.with(one), empty)), all)
    }),
    few,
  )
})

test('law: a table that grew and shrank step by step equals one made at once', () => {
  const step = fc.record({ name, joins: fc.boolean() })
  fc.assert(
    fc.property(someNames(mostDirect), fc.array(step, { maxLength: 12 }), (names, steps) => {
      let rendezvous = Rendezvous.of(names)
      for (const { name: one, joins } of steps) {
        rendezvous.pick(0)
        rendezvous = joins ? rendezvous.with(one) : rendezvous.without(rendezvous.names[one.length] ?? one)
      }
      assert.deepEqual(winners(rendezvous), winners(Rendezvous.of(rendezvous.names)))
    }),
    few,
  )
})

test('law: adding a name moves keys only to it', () => {
  fc.assert(
    fc.property(someNames(1), name, (names, added) => {
      const before = Rendezvous.of(names)
      const had = winners(before)
      for (const [slot, winner] of winners(before.with(added)).entries()) {
        assert.ok(winner === had[slot] || winner === added)
      }
    }),
    few,
  )
})

test('law: removing a name moves only its keys', () => {
  fc.assert(
    fc.property(someNames(2), fc.nat(), (names, choice) => {
      const before = Rendezvous.of(names)
      const removed = names[choice % names.length] ?? ''
      const had = winners(before)
      for (const [slot, winner] of winners(before.without(removed)).entries()) {
        assert.equal(winner === had[slot], had[slot] !== removed)
      }
    }),
    few,
  )
})

test('law: a few names compared directly and a table of winners give equal answers', () => {
  const many = Array.from({ length: mostDirect + 1 }, (_, index) => `node/${index}`)
  const tabled = Rendezvous.of(many)
  const had = winners(tabled)
  for (const removed of many) {
    const direct = winners(tabled.without(removed))
    for (const [slot, winner] of had.entries()) if (winner !== removed) assert.equal(direct[slot], winner)
  }
})

test('law: shares are even to within what chance allows', () => {
  for (const count of [2, 3, 8, 9, 40, 200]) {
    const names = Array.from({ length: count }, (_, index) => `yard-${index % 3}/${index}`)
    const won = new Map(names.map((one) => [one, 0]))
    for (const winner of winners(Rendezvous.of(names))) won.set(winner ?? '', (won.get(winner ?? '') ?? 0) + 1)
    const even = slots / count
    // Five standard deviations of a binomial share.
    const tolerance = 5 * Math.sqrt(even * (1 - 1 / count))
    for (const [one, number] of won) assert.ok(Math.abs(number - even) < tolerance, `${one} of ${count}: ${number}`)
  }
})

test('law: names that are members already, or are none, change nothing', () => {
  const rendezvous = Rendezvous.of(['b', 'a', 'b'])
  assert.deepEqual(rendezvous.names, ['a', 'b'])
  assert.equal(rendezvous.with('a'), rendezvous)
  assert.equal(rendezvous.without('c'), rendezvous)
})

test('a key has the slot of its upper half, and more names than fit are refused', () => {
  assert.equal(slotOf(0xffff_0000), slots - 1)
  assert.equal(slotOf(0x0000_ffff), 0)
  assert.throws(() => Rendezvous.of(Array.from({ length: mostNames + 1 }, (_, index) => `${index}`)), RangeError)
})
