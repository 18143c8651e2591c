import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configTable } from '../../config/table.ts'

const rows = configTable()
  .trimEnd()
  .split('\n')
  .slice(2)
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))

test('the table has a row for every key, with its type, default and meaning', () => {
  const byKey = new Map(rows.map(([key, ...rest]) => [key, rest]))
  assert.deepEqual(byKey.get('`limits.stanza_bytes`')?.slice(0, 2), ['bytes from 10000 to 64MiB', '`512KiB`'])
  assert.deepEqual(byKey.get('`listen[].port`')?.slice(0, 2), ['an integer from 0 to 65535', 'required'])
  assert.deepEqual(byKey.get('`domains.{domain}.instances.{name}.bucket`')?.slice(0, 2), [
    'an integer from 0 to 999',
    '',
  ])
  assert.deepEqual(byKey.get('`domain_balancing.{domain}.type`')?.[1], '`random`')
  assert.deepEqual(byKey.get('`log.level`')?.slice(0, 2), ['trace, debug, info, warn or error', '`info`'])
})

test('every row is whole, no key comes twice, and no cell breaks the table', () => {
  for (const row of rows) {
    assert.equal(row.length, 4, row.join())
    assert.ok(row[0] !== '' && row[1] !== '' && row[3] !== '' && !row.join().includes('undefined'), row.join())
  }
  assert.equal(new Set(rows.map(([key]) => key)).size, rows.length)
})
