import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperatorCommands } from '../../src/adhoc/operator-commands.ts'
import { createLog } from '../../src/log.ts'

function commands(admins: readonly string[]) {
  return new OperatorCommands({
    admins: () => admins,
    isServed: (domain) => domain === 'a.test',
    view: () => assert.fail('nothing is shown'),
    actions: () => assert.fail('nothing is done'),
    nodes: () => assert.fail('nobody is asked'),
    log: createLog({ level: 'silent' as 'info', node: 'yard' }, { write: () => {} }),
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
