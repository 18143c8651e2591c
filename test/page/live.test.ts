import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventFields } from '../../src/events.ts'

// The page's own files are no part of what the compiler checks here: it checks them as what browsers run.
const { names } = await import(new URL('../../src/admin/page/live.js', import.meta.url).href)

test('the page listens to every event that the node tells, and to no other', () => {
  const told = Object.keys(eventFields).map((code) => code.replaceAll('-', '_'))
  assert.deepEqual([...names].sort(), [...told, 'dropped'].sort())
})
