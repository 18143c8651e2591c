import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Draft } from '../../src/cluster/draft.ts'
import {
  assign,
  claimLink,
  joinInstance,
  leaveInstance,
  reinstate,
  releaseLink,
  sideline,
} from '../../src/cluster/instance-wishes.ts'
import { announceNode, bury, claimEstates, closeEstate, leaveNode, updateNode } from '../../src/cluster/node-wishes.ts'
import type { Wish } from '../../src/cluster/proposals.ts'
import { Table } from '../../src/cluster/table.ts'

const D = 'muc.example'

function after(table: Table, ...wishes: readonly Wish[]): Table {
  return wishes.reduce((before, wish) => {
    const draft = new Draft(before)
    wish(draft)
    return before.with(draft.delta, before.epoch + 1)
  }, table)
}
function announced(incarnation: string, name = incarnation): Wish {
  return (draft) => announceNode(draft, incarnation, { name, version: '1', form: 1, since: 7, configs: {} })
}
function joined(name: string, node = 'A', wanted?: number, count: number | undefined = 2): Wish {
  return (draft) => joinInstance(draft, D, name, { node, route: `${node}-${name}`, since: 1 }, { count, wanted })
}
function left(name: string, node = 'A'): Wish {
  return (draft) => leaveInstance(draft, D, name, node, `${node}-${name}`)
}
const holders = (table: Table): readonly (string | undefined)[] => table.domain(D)?.buckets?.holders ?? []
const two = after(Table.empty, announced('A'), announced('B'))

test('instances take the lowest free buckets, and a spare inherits the bucket of one that leaves', () => {
  const full = after(two, joined('a'), joined('b', 'B'), joined('c', 'B'))
  assert.deepEqual(holders(full), ['a', 'b'])
  assert.deepEqual(holders(after(full, left('a'))), ['c', 'b'])
  assert.deepEqual(
    [...(full.domain(D)?.instances ?? [])].map(([name, { node }]) => [name, node]),
    [
      ['a', 'A'],
      ['b', 'B'],
      ['c', 'B'],
    ],
  )
})

test('an instance that comes back has its old bucket, even after all have left', () => {
  const table = after(two, joined('a'), joined('b'), left('a'), left('b'), joined('b'))
  assert.deepEqual(holders(table), [undefined, 'b'])
})

test('a second stream under a name has its bucket, and the first one leaving later changes nothing', () => {
  const table = after(two, joined('a'), joined('b'), joined('a', 'B'))
  assert.deepEqual(holders(table), ['a', 'b'])
  assert.equal(table.domain(D)?.instances.get('a')?.node, 'B')
  assert.equal(after(table, left('a')).domain(D)?.instances.get('a')?.node, 'B')
})

test('a suspect spare inherits nothing until it is back, and a suspect holder keeps its bucket', () => {
  const side: Wish = (draft) => sideline(draft, D, 'c', 'A', 'A-c')
  const back: Wish = (draft) => reinstate(draft, D, 'c', 'A', 'A-c')
  const full = after(two, joined('a'), joined('b'), joined('c'), side)
  assert.deepEqual(holders(after(full, left('a'))), [undefined, 'b'])
  assert.deepEqual(holders(after(full, left('a'), back)), ['c', 'b'])
  assert.deepEqual(holders(after(full, back, left('a'))), ['c', 'b'])
  const holder: Wish = (draft) => sideline(draft, D, 'a', 'A', 'A-a')
  assert.equal(after(full, holder).domain(D)?.instances.get('a')?.isSidelined, undefined)
})

test('an instance takes the bucket that its config names, and who had it without a right takes another', () => {
  assert.deepEqual(holders(after(two, joined('a'), joined('b', 'B', 0))), ['b', 'a'])
  const full = after(two, joined('a'), joined('b'), joined('c'), joined('a', 'B', 1))
  assert.deepEqual(holders(full), ['c', 'a'], 'under its name but with another right: its old bucket goes to a spare')
})

test('the number of buckets stands until they are given out anew, in order of arrival', () => {
  const table = after(two, joined('a', 'A', undefined, 2), joined('b', 'A', undefined, 5), joined('c', 'B', 4, 5))
  assert.deepEqual(holders(table), ['a', 'b'])
  const wanted = new Map([['c', 0]])
  const anew = after(table, (draft) => assign(draft, D, 3, wanted))
  assert.deepEqual(holders(anew), ['c', 'b', 'a'])
  assert.equal(
    after(anew, (draft) => assign(draft, D, 3, wanted)).domain(D),
    anew.domain(D),
    'what is so already stays as it is',
  )
  assert.equal(after(anew, (draft) => assign(draft, D, undefined, new Map())).domain(D)?.buckets, undefined)
})

test('a domain without buckets gets none from one that joins later', () => {
  const table = after(
    two,
    (draft) => joinInstance(draft, D, 'a', { node: 'A', route: 'r', since: 1 }),
    joined('b', 'B'),
  )
  assert.equal(table.domain(D)?.buckets, undefined)
  assert.equal(table.domain(D)?.instances.size, 2)
})

test('the one link is taken only from nobody or from a dead node, and given back only by who has it', () => {
  const claimed = (node: string): Wish => {
    return (draft) => claimLink(draft, D, node)
  }
  const table = after(two, claimed('A'), claimed('B'))
  assert.equal(table.domain(D)?.link, 'A')
  assert.equal(after(table, (draft) => releaseLink(draft, D, 'B')).domain(D)?.link, 'A')
  assert.equal(after(table, (draft) => releaseLink(draft, D, 'A')).domain(D), undefined)
  const dead = after(table, (draft) => draft.write(new Map([['node/A', null]])), claimed('B'))
  assert.equal(dead.domain(D)?.link, 'B')
})

test('of the buried nothing is left but their inboxes, and none of the dead inherits from another', () => {
  const three = after(
    two,
    announced('C'),
    joined('a', 'A'),
    joined('b', 'B'),
    joined('c', 'B'),
    joined('d', 'C'),
    joined('e', 'A'),
  )
  const table = after(
    three,
    (draft) => claimLink(draft, D, 'A'),
    (draft) => bury(draft, ['A', 'B'], 'C'),
  )
  assert.deepEqual([...table.nodes.keys()], ['C'])
  assert.deepEqual([...table.names], [['C', 'C']])
  assert.deepEqual(holders(table), ['d', undefined])
  assert.equal(table.domain(D)?.link, 'C', 'the heir has the link, too')
  assert.deepEqual(table.estates.get('A'), { name: 'A', heir: 'C' })
  assert.deepEqual(table.estates.get('B'), { name: 'B', heir: 'C' })
})

test('an estate passes from a dead heir to the next, and is closed only by its heir', () => {
  const table = after(
    two,
    announced('C'),
    (draft) => bury(draft, ['A'], 'B'),
    (draft) => bury(draft, ['B'], 'C'),
  )
  assert.deepEqual(table.estates.get('A'), { name: 'A', heir: 'C' })
  assert.equal(after(table, (draft) => closeEstate(draft, 'A', 'B')).estates.size, 2)
  assert.equal(after(table, (draft) => closeEstate(draft, 'A', 'C')).estates.size, 1)
})

test('a node that leaves in order leaves an estate only if something is in its inbox', () => {
  const leave = (estate: boolean): Wish => {
    return (draft) => leaveNode(draft, 'A', { estate })
  }
  assert.equal(after(two, leave(false)).estates.size, 0)
  const table = after(two, leave(true))
  assert.deepEqual(table.estates.get('A'), { name: 'A', heir: null })
  assert.equal(after(table, (draft) => claimEstates(draft, 'B')).estates.get('A')?.heir, 'B')
})

test('the senior is the member that joined first; without it the next one is', () => {
  const table = after(Table.empty, announced('Z'), announced('A'), announced('B'))
  assert.equal(table.senior, 'Z')
  assert.equal(table.seniorOf(new Set(['Z'])), 'A')
  assert.equal(Table.empty.senior, undefined)
})

test('what a later version has written is kept, and what cannot be read is as if it were not there', () => {
  const later = new Map([
    ['node/N', '{"name":"n","form":2,"moon":"full"}'],
    ['later/thing', 'x'],
    ['node/bad', '{'],
    [`buckets/${D}`, '{"holders":["ghost",null],"last":["ghost",null]}'],
  ])
  const table = after(Table.of(3, later), (draft) => updateNode(draft, 'N', { version: '2' }))
  assert.equal(JSON.parse(table.text('node/N') ?? '').moon, 'full')
  assert.equal(table.nodes.get('N')?.version, '2')
  assert.equal(table.fields.get('later/thing'), 'x')
  assert.deepEqual([...table.unreadable], ['node/bad'])
  assert.deepEqual(holders(table), [undefined, undefined], 'a holder that is no instance holds nothing')
  assert.equal(after(table, (draft) => draft.write(new Map([['node/bad', null]]))).unreadable.size, 0)
})

test('a wish that fails leaves the draft as it was', () => {
  const draft = new Draft(two)
  const error = draft.attempt((each) => {
    claimLink(each, D, 'A')
    throw new RangeError('no')
  })
  assert.equal(error?.message, 'no')
  assert.equal(draft.isEmpty, true)
  assert.equal(draft.table.domain(D), undefined)
})

const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f/1')
const nodes = fc.constantFrom('A', 'B', 'C')
const announcing = [announced('A'), announced('B'), announced('C')]
const wishes = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(names, nodes, fc.option(fc.nat(2), { nil: undefined })).map(([...each]) => joined(...each, 3)),
  },
  { weight: 3, arbitrary: fc.tuple(names, nodes).map(([...each]) => left(...each)) },
  fc.tuple(names, nodes).map(
    ([name, node]): Wish =>
      (draft) =>
        sideline(draft, D, name, node, `${node}-${name}`),
  ),
  fc.tuple(names, nodes).map(
    ([name, node]): Wish =>
      (draft) =>
        reinstate(draft, D, name, node, `${node}-${name}`),
  ),
  fc.tuple(fc.constantFrom(2, 4), names, fc.nat(1)).map(
    ([count, name, bucket]): Wish =>
      (draft) =>
        assign(draft, D, count, new Map([[name, bucket]])),
  ),
  nodes.map(
    (node): Wish =>
      (draft) =>
        claimLink(draft, D, node),
  ),
  fc.tuple(nodes, nodes).map(
    ([dead, heir]): Wish =>
      (draft) =>
        dead === heir ? undefined : bury(draft, [dead], heir),
  ),
  fc.constantFrom(...announcing),
)

test('whatever is wished for, in whatever order: done twice it is done once, and every bucket that can has one holder', () => {
  fc.assert(
    fc.property(fc.array(wishes, { maxLength: 40 }), (list) => {
      let table = Table.empty
      for (const wish of list) {
        const before = table.fields
        const next = after(table, wish)
        assert.deepEqual(table.fields, before, 'a table never changes')
        const parsed = Table.of(next.epoch, next.fields)
        assert.deepEqual(next.domain(D)?.buckets, parsed.domain(D)?.buckets, 'changed by parts as read at once')
        assert.deepEqual(next.nodes, parsed.nodes)
        const domain = next.domain(D)
        const held = holders(next).filter((name) => name !== undefined)
        const able = Math.min(holders(next).length, domain?.members.length ?? 0)
        assert.equal(new Set(held).size, held.length)
        assert.ok(held.length >= able, `${held.length} of ${able} buckets are held`)
        for (const name of held) assert.ok(domain?.instances.has(name))
        const again = new Draft(next)
        // To join is what a node does once: its record says when.
        if (!announcing.includes(wish)) wish(again)
        assert.deepEqual([...again.delta], [], 'done twice')
        table = next
      }
    }),
    { numRuns: 300 },
  )
})
