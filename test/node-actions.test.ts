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
  } as unknown as Drains
  const book = new LogBook()
  const actions = new NodeActions({
    config: () => ({ drain: { seconds: 7 }, admin: { token: 'secret' } }) as unknown as Config,
    ...{ routes: yard.routes, drains: () => drains, log: createLog({ level: 'info', node: 'yard' }, book) },
  })
  return { yard, actions, drained, book }
}

test('an instance of this node is drained, by any spelling of its domain, and once', () => {
  const { yard, actions, drained } = actionsOf()
  const red = yard.join('red')
  yard.grant()
  assert.equal(actions.drain('A.Test', 'red'), true)
  assert.deepEqual(drained, [['red', 'reset', 7]])
  red.state = 'draining'
  assert.equal(actions.drain('a.test', 'red'), false)
  assert.equal(drained.length, 1)
})

test('what is not here cannot be drained: neither an instance of another node, nor of no domain', () => {
  const { yard, actions, drained } = actionsOf()
  yard.agree((draft) => joinInstance(draft, 'a.test', 'green', { node: 'B', route: 'g', since: 0 }, {}))
  assert.equal(yard.domain.members.has('green'), true)
  const outcomes = [actions.drain('a.test', 'green'), actions.drain('a.test', 'nobody'), actions.drain('@', 'green')]
  assert.deepEqual([outcomes, drained], [[undefined, undefined, undefined], []])
})

test('a drain that fails is a bug, which is logged', async () => {
  const { yard, actions, book } = actionsOf(() => Promise.reject(new Error('no')))
  yard.join('red')
  yard.grant()
  actions.drain('a.test', 'red')
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
