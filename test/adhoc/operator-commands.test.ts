import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperatorCommands } from '../../src/adhoc/operator-commands.ts'
import { createLog } from '../../src/log.ts'
import type { AdminActions } from '../../src/operations.ts'
import { LogBook } from '../stub/log-book.ts'

function commands(admins: readonly string[]) {
  return new OperatorCommands({
    admins: () => admins,
    isServed: (domain) => domain === 'a.test',
    view: () => assert.fail('nothing is shown'),
    actions: () => assert.fail('nothing is done'),
    nodes: () => assert.fail('nobody is asked'),
    log: createLog({ level: 'silent' as 'info', node: 'yard' }, { write: () => {} }),
    now: () => 0,
  })
}

test('[RFC 7622 §3] an admin is known by its bare JID, in any spelling', () => {
  const made = commands(['admin@x.test'])
  const known = { full: 'admin@x.test/Home', bare: 'admin@x.test' }
  for (const from of ['admin@x.test/Home', 'ADMIN@X.Test./Home']) assert.deepEqual(made.admit(from), known)
  for (const from of [
    'admin@x.test.evil/r',
    'x.test',
    'x.test/admin@x.test',
    'badmin@x.test',
    '@',
    '',
    'admin@x.test@y',
  ]) {
    assert.equal(made.admit(from), undefined, from)
  }
})

test('nobody of a served domain is an admin, whatever the configuration says', () => {
  assert.equal(commands(['admin@a.test', 'a.test']).admit('admin@a.test/r'), undefined)
  assert.equal(commands(['admin@a.test', 'a.test']).admit('A.test'), undefined)
})

test('without admins nobody is asked who it is', () => {
  assert.equal(commands([]).admit('admin@x.test'), undefined)
})

test('who was refused is logged, every ten seconds at most, and all are counted', () => {
  const book = new LogBook()
  const clock = { now: 0 }
  const counted: string[] = []
  const made = new OperatorCommands({
    admins: () => [],
    isServed: () => false,
    view: () => assert.fail('nothing is shown'),
    actions: () => ({ refused: (why) => void counted.push(why) }) as Partial<AdminActions> as AdminActions,
    nodes: () => assert.fail('nobody is asked'),
    log: createLog({ level: 'info', node: 'yard' }, book),
    now: () => clock.now,
  })
  made.refused('eve@x.test/\u202er', 'vouched')
  for (clock.now = 1; clock.now < 10_000; clock.now += 100) made.refused('mallory@x.test/r', 'other')
  clock.now = 10_000
  made.refused('a.test', 'instance')
  assert.deepEqual(
    book.all('admin-refused').map(({ via, by, origin, count }) => [via, by, origin, count]),
    [
      ['xmpp', 'eve@x.test/\\u{202e}r', 'vouched', 1],
      ['xmpp', 'a.test', 'instance', 101],
    ],
  )
  assert.deepEqual([counted.length, new Set(counted)], [102, new Set(['jid'])])
})
