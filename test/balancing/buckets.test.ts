import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type BucketTable,
  bucketOf,
  bucketTable,
  type Change,
  free,
  holder,
  join,
  leave,
  spares,
} from '../../balancing/buckets.ts'

/** `a` joins without a wish, `a:1` wishes for bucket 1, `-a` leaves. */
function after(count: number, steps: string): Change {
  let change: Change = { table: bucketTable(count), moves: [] }
  for (const step of steps.split(' ')) {
    const [name = '', wanted] = step.split(':')
    if (step.startsWith('-')) change = leave(change.table, step.slice(1))
    else change = join(change.table, name, wanted === undefined ? undefined : Number(wanted))
  }
  return change
}

test('an instance takes the lowest free bucket, and one too many is a spare', () => {
  const { table, moves } = after(2, 'a b c d')
  assert.deepEqual(table.holders, ['a', 'b'])
  assert.deepEqual(spares(table), ['c', 'd'])
  assert.deepEqual(free(table), [])
  assert.deepEqual(moves, [])
})

test('the bucket of a dead holder goes to the first spare at once', () => {
  const { table, moves } = after(2, 'a b c d -a')
  assert.deepEqual(table.holders, ['c', 'b'])
  assert.deepEqual(moves, [{ bucket: 0, from: 'a', to: 'c' }])
})

test('without a spare the bucket of a dead holder stays free for whoever joins next', () => {
  const dead = after(3, 'a b c -b')
  assert.deepEqual(free(dead.table), [1])
  assert.deepEqual(dead.moves, [{ bucket: 1, from: 'b', to: undefined }])
  assert.deepEqual(join(dead.table, 'd').moves, [{ bucket: 1, from: undefined, to: 'd' }])
})

test('a name that returns gets its old bucket back while that is free, before a lower one', () => {
  assert.deepEqual(after(3, 'a b -a -b b').moves, [{ bucket: 1, from: undefined, to: 'b' }])
  assert.deepEqual(after(2, 'a b -b c b').table.holders, ['a', 'c'])
})

test('a bucket named in the config is taken even from its holder, who moves to the lowest free one', () => {
  const { table, moves } = after(3, 'a b blue:0')
  assert.deepEqual(table.holders, ['blue', 'b', 'a'])
  assert.deepEqual(moves, [
    { bucket: 0, from: 'a', to: 'blue' },
    { bucket: 2, from: undefined, to: 'a' },
  ])
})

test('a holder that had to give way when none is free is the first spare, as it came first', () => {
  const { table } = after(2, 'a b c blue:0')
  assert.deepEqual(table.holders, ['blue', 'b'])
  assert.deepEqual(spares(table), ['a', 'c'])
})

test('of two that name one bucket the first keeps it, and the other has it next', () => {
  const { table } = after(2, 'blue:0 b c green:0')
  assert.deepEqual(table.holders, ['blue', 'b'])
  assert.equal(holder(leave(table, 'blue').table, 0), 'green')
})

test('joining twice, or leaving without having joined, changes nothing', () => {
  const { table } = after(2, 'a b')
  assert.equal(join(table, 'a').table, table)
  assert.equal(leave(table, 'z').table, table)
})

test('a number of buckets or a named bucket outside its limits is refused', () => {
  for (const count of [0, 1, 1001, 2.5, Number.NaN]) assert.throws(() => bucketTable(count), RangeError)
  for (const wanted of [-1, 2, 0.5]) assert.throws(() => join(bucketTable(2), 'a', wanted), RangeError)
})

interface Step {
  readonly name: string
  readonly wanted: number | undefined
  readonly leaves: boolean
}

const counts = fc.integer({ min: 2, max: 6 })
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    name: fc.constantFrom(...'abcdefghi'),
    wanted: fc.option(fc.nat(1), { nil: undefined, freq: 3 }),
    leaves: fc.boolean(),
  }),
  { maxLength: 40 },
)

/** Runs the steps and shows each change with the table before it. */
function run(count: number, all: readonly Step[], check: (before: BucketTable, change: Change, step: Step) => void) {
  let table = bucketTable(count)
  for (const step of all) {
    const change = step.leaves ? leave(table, step.name) : join(table, step.name, step.wanted)
    check(table, change, step)
    table = change.table
  }
}

test('law: moves are all that changes, and each tells who had the bucket', () => {
  fc.assert(
    fc.property(counts, steps, (count, all) => {
      run(count, all, (before, { table, moves }) => {
        const holders = [...before.holders]
        for (const { bucket, from, to } of moves) {
          assert.equal(holders[bucket], from)
          assert.notEqual(from, to)
          holders[bucket] = to
        }
        assert.deepEqual(table.holders, holders)
        assert.equal(new Set(moves.map(({ bucket }) => bucket)).size, moves.length)
      })
    }),
  )
})

test('law: nobody holds two buckets, every holder is a member, and no bucket is free while there is a spare', () => {
  fc.assert(
    fc.property(counts, steps, (count, all) => {
      run(count, all, (_, { table }) => {
        const names = table.holders.filter((name) => name !== undefined)
        const members = table.members.map(({ name }) => name)
        assert.equal(new Set(names).size, names.length)
        assert.ok(names.every((name) => members.includes(name)))
        assert.ok(free(table).length === 0 || spares(table).length === 0)
        assert.deepEqual([...names, ...spares(table)].sort(), [...members].sort())
      })
    }),
  )
})

test('law: leaving moves at most the bucket of who left, and joining without a named bucket displaces nobody', () => {
  fc.assert(
    fc.property(counts, steps, (count, all) => {
      run(count, all, (before, { moves }, { name, wanted, leaves }) => {
        if (leaves) assert.ok(moves.every(({ from }) => from === name) && moves.length <= 1)
        else if (wanted === undefined) assert.ok(moves.every(({ from, to }) => from === undefined && to === name))
        assert.ok(before.holders.length === count)
      })
    }),
  )
})

test('law: who names a bucket in its config has it, unless another that names it was there first', () => {
  fc.assert(
    fc.property(counts, steps, (count, all) => {
      run(count, all, (before, { table }, { name, wanted, leaves }) => {
        if (leaves || wanted === undefined || before.members.some((member) => member.name === name)) return
        const has = holder(table, wanted)
        const right = table.members.find((member) => member.name === has)
        assert.ok(has === name || right?.wanted === wanted)
      })
    }),
  )
})

test('law: a change leaves the table that it was made from as it was', () => {
  fc.assert(
    fc.property(counts, steps, (count, all) => {
      run(count, all, (before, _, step) => {
        const copy = structuredClone(before)
        join(before, `${step.name}!`, step.wanted)
        leave(before, step.name)
        assert.deepEqual(before, copy)
      })
    }),
  )
})

test('law: every hash has one bucket of those that there are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 2, max: 1000 }), (hash, count) => {
      const bucket = bucketOf(hash, count)
      assert.ok(Number.isInteger(bucket) && bucket >= 0 && bucket < count)
    }),
  )
})
