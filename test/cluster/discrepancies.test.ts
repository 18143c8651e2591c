import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discrepancies } from '../../src/cluster/discrepancies.ts'
import type { DomainTable } from '../../src/cluster/domain-table.ts'
import { Draft } from '../../src/cluster/draft.ts'
import { joinInstance } from '../../src/cluster/instance-wishes.ts'
import { Table } from '../../src/cluster/table.ts'

const own = (...names: readonly string[]) =>
  new Map(names.map((name) => [name, { name, route: `route of ${name}`, since: 1 }]))

/** A table with these, each of a node, and with a route. */
function tableOf(...records: readonly (readonly [name: string, node: string, route?: string, since?: number])[]) {
  const draft = new Draft(Table.empty)
  for (const [name, node, route = `route of ${name}`, since = 1] of records) {
    joinInstance(draft, 'a.test', name, { node, route, since })
  }
  return draft.table.domain('a.test')
}
function found(table: DomainTable | undefined, has: ReturnType<typeof own>, names?: Iterable<string>) {
  const { missing, stale } = discrepancies(table, 'A', has, names)
  return { missing: missing.map(({ name }) => name), stale: stale.map(([name, { route }]) => `${name}: ${route}`) }
}

test('nothing differs where the table says of a node what it has, whatever it says of others', () => {
  assert.deepEqual(found(tableOf(['x', 'A'], ['y', 'B']), own('x')), { missing: [], stale: [] })
  assert.deepEqual(found(undefined, own()), { missing: [], stale: [] })
})

test('what a node has is missing where the table has it not, as another, or as another node has it', () => {
  const table = tableOf(['old', 'A', 'route of old', 0], ['other', 'A', 'route'], ['there', 'B'], ['here', 'A'])
  const { missing, stale } = found(table, own('new', 'old', 'other', 'there', 'here'))
  assert.deepEqual([missing, stale], [['new', 'old', 'other', 'there'], []])
  assert.deepEqual(found(undefined, own('new')).missing, ['new'])
})

test('what the table has of a node, and the node has not, is stale', () => {
  assert.deepEqual(found(tableOf(['gone', 'A'], ['y', 'B'], ['x', 'A']), own('x')), {
    missing: [],
    stale: ['gone: route of gone'],
  })
})

test('only the names that are asked for are looked at', () => {
  const table = tableOf(['gone', 'A'], ['left', 'A'])
  assert.deepEqual(found(table, own('new', 'newer'), ['new', 'gone', 'nobody']), {
    missing: ['new'],
    stale: ['gone: route of gone'],
  })
})
