import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdHocCommand } from '../../src/adhoc/commands.ts'
import { MOST_SESSIONS, SESSION_MILLISECONDS, Sessions } from '../../src/adhoc/sessions.ts'

const command: AdHocCommand = { node: 'n', name: 'N', stages: [], run: () => ({}) }

function sessions() {
  const clock = { now: 0 }
  let last = 0
  const made = new Sessions({ now: () => clock.now, newId: () => `id-${++last}` })
  return { sessions: made, clock, begin: (owner = 'a@x/r', admin = 'a@x') => made.begin(owner, admin, command) }
}

test('a session is found by who began it, and by nobody else, until it ends', () => {
  const { sessions: made, begin } = sessions()
  const session = begin()
  assert.equal(made.find(session.id, 'a@x/r'), session)
  assert.equal(made.find(session.id, 'a@x/s'), undefined)
  assert.equal(made.find('id-0', 'a@x/r'), undefined)
  made.end(session)
  assert.equal(made.find(session.id, 'a@x/r'), undefined)
})

test('[XEP-0050 §4.4] a session that has had its time has expired, and is forgotten', () => {
  const { sessions: made, begin, clock } = sessions()
  const { id } = begin()
  clock.now = SESSION_MILLISECONDS - 1
  assert.notEqual(made.find(id, 'a@x/r'), 'expired')
  clock.now = SESSION_MILLISECONDS
  assert.equal(made.find(id, 'a@x/r'), 'expired')
  assert.equal(made.find(id, 'a@x/r'), undefined)
})

test('of one admin the oldest of nine makes room, of all the oldest of sixty-five', () => {
  const { sessions: made, begin } = sessions()
  const first = begin()
  const other = begin('b@x/r', 'b@x')
  for (let n = 1; n < 9; n++) begin()
  assert.equal(made.find(first.id, 'a@x/r'), undefined)
  assert.notEqual(made.find(other.id, 'b@x/r'), undefined)
  for (let n = 0; n < MOST_SESSIONS; n++) begin(`c${n}@x/r`, `c${n}@x`)
  assert.equal(made.size, MOST_SESSIONS)
  assert.equal(made.find(other.id, 'b@x/r'), undefined)
})

test('those that have had their time make room first', () => {
  const { sessions: made, begin, clock } = sessions()
  begin()
  clock.now = SESSION_MILLISECONDS
  begin('b@x/r', 'b@x')
  assert.equal(made.size, 1)
})
