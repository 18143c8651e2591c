import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../src/log.ts'
import { Refusals } from '../src/refusals.ts'

test('all refusals are counted, and each reason has a line in 10 s at most, which says how many', () => {
  const lines: { readonly reason: string; readonly count: number; readonly remote: string }[] = []
  const log = createLog({ level: 'info', node: 'yard' }, { write: (line) => void lines.push(JSON.parse(line)) })
  let now = 0
  const refusals = new Refusals(log, () => now)
  for (now of [0, 1, 9999]) refusals.count('limit', { remote: `a:${now}` })
  refusals.count('address', { remote: 'b:1' })
  now = 10_000
  refusals.count('limit', { remote: 'a:4' })
  assert.deepEqual(
    lines.map(({ reason, remote, count }) => [reason, remote, count]),
    [
      ['limit', 'a:0', 1],
      ['address', 'b:1', 1],
      ['limit', 'a:4', 3],
    ],
  )
  const { limit, address, ...others } = Object.fromEntries(refusals.entries())
  assert.deepEqual({ limit, address }, { limit: 4, address: 1 })
  assert.ok(Object.values(others).every((count) => count === 0))
})
