import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../config/config.ts'
import { joinInstance } from '../src/cluster/instance-wishes.ts'
import type { Drains } from '../src/drains.ts'
import { createLog } from '../src/log.ts'
import { NodeActions } from '../src/node-actions.ts'
import { ClusterYard } from './stub/cluster-yard.ts'
import { LogBook } from './stub/log-book.ts'

function actionsOf(drain: () => Promise<void> = async () => {}) {
  const yard = new ClusterYard('domains: {a.test: {secret: s}}')
  const drained: unknown[] = []
  const drains = {
    drain: (_: unknown, { name }: { name: string }, condition: string, seconds: number) => {
      drained.push([name, condition, seconds])
      return drain()
    },
    cancel: () => false,
  } as unknown as Drains
  const book = new LogBook()
  const actions = new NodeActions({
    config: () => ({ drain: { seconds: 7 }, admin: { token: 'secret' } }) as unknown as Config,
    all: () => new Map(),
    ...{ routes: yard.routes, drains: () => drains, log: createLog({ level: 'info', node: 'yard' }, book) },
  })
  return { yard, actions, drained, book }
}

test('an instance of this node is drained, by any spelling of its domain, and once', () => {
  const { yard, actions, drained } = actionsOf()
  const red = yard.join('red')
  yard.grant()
  assert.deepEqual(actions.instance('drain', 'A.Test', 'red'), { done: 'draining' })
  assert.deepEqual(drained, [['red', 'reset', 7]])
  red.state = 'draining'
  const again = actions.instance('drain', 'a.test', 'red')
  assert.deepEqual('refused' in again && again.refused, 'conflict')
  assert.equal(drained.length, 1)
})

test('of an instance of another node it says which node has it, and what is nowhere is absent', () => {
  const { yard, actions, drained } = actionsOf()
  yard.agree((draft) => joinInstance(draft, 'a.test', 'green', { node: 'B', route: 'g', since: 0 }, {}))
  assert.equal(yard.domain.members.has('green'), true)
  assert.deepEqual(actions.instance('drain', 'a.test', 'green'), { elsewhere: yard.domain.members.get('green')?.node })
  for (const [domain, name] of [
    ['a.test', 'nobody'],
    ['b.test', 'green'],
    ['@', 'green'],
  ] as const) {
    const outcome = actions.instance('kick', domain, name)
    assert.equal('refused' in outcome && outcome.refused, 'absent')
  }
  assert.deepEqual(drained, [])
})

test('another node may have it act on its own instances; what cannot be understood is an error', () => {
  const { yard, actions, drained } = actionsOf()
  yard.join('red')
  yard.grant()
  assert.deepEqual(actions.act({ action: 'drain', domain: 'a.test', instance: 'red' }), { done: 'draining' })
  assert.equal(drained.length, 1)
  for (const asked of [null, 'drain', {}, { action: 'explode', domain: 'a.test', instance: 'red' }]) {
    assert.throws(() => actions.act(asked), /not understood/)
  }
})

test('only what is being drained can be enabled', () => {
  const { yard, actions } = actionsOf()
  yard.join('red')
  yard.grant()
  const outcome = actions.instance('enable', 'a.test', 'red')
  assert.equal('refused' in outcome && outcome.refused, 'conflict')
})

test('a drain that fails is a bug, which is logged', async () => {
  const { yard, actions, book } = actionsOf(() => Promise.reject(new Error('no')))
  yard.join('red')
  yard.grant()
  actions.instance('drain', 'a.test', 'red')
  assert.equal((await book.waitFor('bug')).error, 'no')
})

test('a quarantine is cleared of a domain that is served', () => {
  const { yard, actions } = actionsOf()
  yard.domain.quarantine.add(Buffer.from('<message/>'), 0, {
    name: 'message',
    type: 'chat',
    from: undefined,
    to: undefined,
    id: undefined,
  })
  assert.equal(actions.clearQuarantine('b.test'), undefined)
  assert.equal(actions.clearQuarantine('a.test'), true)
  assert.equal(yard.domain.quarantine.entries.length, 0)
})
