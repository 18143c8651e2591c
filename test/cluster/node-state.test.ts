import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeStateOf } from '../../src/cluster/node-state.ts'
import { domainState, nodeState } from './states.ts'

test('a state comes out of JSON as it went in', () => {
  const state = nodeState(1)
  assert.deepEqual(nodeStateOf(JSON.parse(JSON.stringify(state))), state)
})

test('what lacks a part, or has one of another kind, is no state', () => {
  const wrong: readonly unknown[] = [
    undefined,
    null,
    'state',
    [],
    { ...nodeState(1), epoch: '7' },
    { ...nodeState(1), name: undefined },
    { ...nodeState(1), domains: [] },
    ...[
      { digest: 1 },
      { instances: { red: {} } },
      { nodes: { red: 1 } },
      { holders: [1] },
      { links: 'two' },
      { linkHolder: 1 },
      { hasLink: 1 },
    ].map((change) => ({ ...nodeState(1), domains: { 'a.example': { ...domainState(1), ...change } } })),
  ]
  for (const value of wrong) assert.equal(nodeStateOf(value), undefined, JSON.stringify(value))
})
