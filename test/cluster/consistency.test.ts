import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare } from '../../src/cluster/consistency.ts'
import type { DomainState, NodeState } from '../../src/cluster/node-state.ts'
import { recorded } from '../../src/cluster/recorded.ts'
import { fields, nodeState } from './states.ts'

type Changes = { readonly [field: string]: string | undefined }

/** The differences of the healthy two nodes when fields in Redis (undefined: removed) and what nodes say are changed. */
function differences(changes: Changes, states: readonly NodeState[] = [nodeState(1), nodeState(2)]) {
  const all = Object.entries({ ...fields, ...changes })
  const kept = all.flatMap(([field, text]) => (text === undefined ? [] : [[field, text] as const]))
  return compare(recorded(7, new Map(kept)), states)
}

const first = (node: Partial<NodeState>, domain: Partial<DomainState> = {}) => [
  nodeState(1, node, domain),
  nodeState(2),
]
const json = JSON.stringify

test('in health nothing differs', () => {
  assert.deepEqual(differences({}), [])
})

const cases: readonly (readonly [
  title: string,
  changes: Changes,
  states: readonly NodeState[],
  found: readonly string[],
])[] = [
  [
    'an instance that is connected to a node and not in Redis',
    {},
    first(
      {},
      {
        instances: {
          red: { route: 'r', bucket: 0, state: 'active' },
          blue: { route: 'b', bucket: null, state: 'spare' },
        },
      },
    ),
    ['instance-missing: a.example: blue is connected to yard-1 and not in Redis'],
  ],
  [
    'an instance that is in Redis and not connected',
    {},
    first({}, { instances: {} }),
    ['instance-gone: a.example: red is in Redis connected to yard-1, which does not have it'],
  ],
  [
    'an instance that is at another node than Redis says',
    { 'instance/a.example/red': json({ node: 'inc-2', route: 'r' }) },
    [
      nodeState(1, {}, { nodes: { red: 'inc-2', 'yard-2/1': 'inc-2' } }),
      nodeState(2, {}, { nodes: { red: 'inc-2', 'yard-2/1': 'inc-2' } }),
    ],
    [
      'instance-elsewhere: a.example: red is connected to yard-1, in Redis to yard-2',
      'instance-gone: a.example: red is in Redis connected to yard-2, which does not have it',
    ],
  ],
  [
    'an instance at a node that is no member',
    { 'instance/a.example/blue': json({ node: 'inc-9', route: 'b' }) },
    [nodeState(1), nodeState(2)].map((state) => ({
      ...state,
      domains: {
        'a.example': { ...state.domains['a.example']!, nodes: { red: 'inc-1', 'yard-2/1': 'inc-2', blue: 'inc-9' } },
      },
    })),
    ['instance-orphan: a.example: blue is in Redis connected to incarnation inc-9, which is no member'],
  ],
  [
    'an instance whose node a snapshot has otherwise',
    {},
    first({}, { nodes: { red: 'inc-1' } }),
    ['instance-known: a.example: yard-2/1 is at nowhere as yard-1 knows it, in Redis at yard-2'],
  ],
  [
    'a bucket whose holder a snapshot has otherwise',
    {},
    first({}, { holders: ['red', null] }),
    ['bucket: a.example: bucket 1 is of nobody as yard-1 knows it, in Redis of yard-2/1'],
  ],
  [
    'an instance that believes to have another bucket',
    {},
    first({}, { instances: { red: { route: 'r', bucket: 1, state: 'active' } } }),
    ['bucket: a.example: red is connected to yard-1 with bucket 1, in Redis with bucket 0'],
  ],
  [
    'a bucket whose holder is connected nowhere',
    { 'instance/a.example/red': undefined },
    [
      nodeState(1, {}, { instances: {}, nodes: { 'yard-2/1': 'inc-2' } }),
      nodeState(2, {}, { nodes: { 'yard-2/1': 'inc-2' } }),
    ],
    ['bucket-holder: a.example: bucket 0 is in Redis of red, which is not connected'],
  ],
  [
    'routes that are not as in Redis, or that two have',
    { 'instance/a.example/yard-2/1': json({ node: 'inc-2', route: 'r' }) },
    first({}),
    [
      'route: a.example: yard-2/1 is connected to yard-2 with the route g, in Redis with r',
      'route: a.example: red and yard-2/1 have the same route r',
    ],
  ],
  ['a node that is behind', {}, first({ epoch: 6 }), ['epoch: node yard-1 is at epoch 6, Redis at 7']],
  [
    'a node that is behind, and whose snapshot differs for that reason alone',
    {},
    first({ epoch: 6 }, { holders: [null, null], nodes: {}, linkHolder: null }),
    ['epoch: node yard-1 is at epoch 6, Redis at 7'],
  ],
  [
    'configurations that do not agree',
    {},
    first({}, { digest: 'd2' }),
    ['config: a.example: the configurations differ between yard-1 and yard-2'],
  ],
  [
    'a domain that only one node serves',
    { 'instance/a.example/red': undefined, 'buckets/a.example': json({ holders: [null, 'yard-2/1'] }) },
    [nodeState(1, { domains: {} }), nodeState(2, {}, { nodes: { 'yard-2/1': 'inc-2' }, holders: [null, 'yard-2/1'] })],
    ['config: a.example: is not served by yard-1'],
  ],
  [
    'a link that two hold',
    {},
    first({}, { hasLink: true }),
    [
      'link: a.example: the one link is held by yard-1 and yard-2',
      'link: a.example: the link is held by yard-1, in Redis by yard-2',
    ],
  ],
  [
    'a link whose holder does not dial it',
    {},
    [nodeState(1), nodeState(2, {}, { hasLink: false })],
    ['link: a.example: the link is in Redis held by yard-2, which does not dial it'],
  ],
  [
    'a link that nobody holds',
    { 'link/a.example': undefined },
    [nodeState(1, {}, { linkHolder: null }), nodeState(2, {}, { linkHolder: null, hasLink: false })],
    ['link: a.example: has instances, and nobody holds its link'],
  ],
  [
    'a link of one that is no member',
    { 'link/a.example': 'inc-9' },
    [nodeState(1, {}, { linkHolder: 'inc-9' }), nodeState(2, {}, { linkHolder: 'inc-9', hasLink: false })],
    ['link: a.example: the link is in Redis held by incarnation inc-9, which is no member'],
  ],
  [
    'a link whose holder a snapshot has otherwise',
    {},
    first({}, { linkHolder: null }),
    ['link-known: a.example: the link is held by nobody as yard-1 knows it, in Redis by yard-2'],
  ],
  [
    'an inbox of a dead node that nobody settles, or a dead one does',
    { 'estate/inc-8': json({ name: 'yard-8', heir: null }), 'estate/inc-9': json({ name: 'yard-9', heir: 'inc-8' }) },
    first({}),
    [
      'estate: the inbox of the dead incarnation inc-8 is settled by nobody',
      'estate: the inbox of the dead incarnation inc-9 is settled by incarnation inc-8, which is no member',
    ],
  ],
  [
    'a node that answers and is no member',
    {
      'node/inc-2': undefined,
      'name/yard-2': undefined,
      'instance/a.example/yard-2/1': undefined,
      'buckets/a.example': json({ holders: ['red', null] }),
      'link/a.example': 'inc-1',
    },
    [
      nodeState(1, {}, { nodes: { red: 'inc-1' }, holders: ['red', null], linkHolder: 'inc-1', hasLink: true }),
      nodeState(2, { domains: {} }),
    ],
    ['node-unknown: node yard-2 (inc-2) answers and is no member', 'config: a.example: is not served by yard-2'],
  ],
  [
    'names that are not of those that have them',
    { 'name/yard-1': 'inc-2', 'name/yard-3': 'inc-3' },
    first({}),
    ['node-name: the name yard-1 is of yard-2', 'node-name: the name yard-3 is of incarnation inc-3'],
  ],
  [
    'a node whose name is free for another',
    { 'name/yard-1': undefined },
    first({}),
    ['node-name: the name of node yard-1 (inc-1) is not taken in Redis'],
  ],
  [
    'a node that is fenced',
    {},
    first({ isHeld: false, reach: 'silent' }),
    ['node-fenced: node yard-1: its lease is not valid, and Redis is silent to it'],
  ],
  [
    'fields that cannot be read',
    { 'buckets/b.example': '{', 'estate/inc-7': '7', 'other/kind': '{' },
    first({}),
    [
      'field-unreadable: the field buckets/b.example in Redis cannot be read',
      'field-unreadable: the field estate/inc-7 in Redis cannot be read',
    ],
  ],
]

for (const [title, changes, states, found] of cases) {
  test(`it tells ${title}`, () => {
    assert.deepEqual(
      differences(changes, states).map(({ kind, text }) => `${kind}: ${text}`),
      found,
    )
  })
}

test('an instance that joins or drains need not be in Redis', () => {
  const passing = {
    red: { route: 'r', bucket: 0, state: 'active' },
    new: { route: 'n', bucket: null, state: 'joining' },
    old: { route: 'o', bucket: null, state: 'draining' },
  }
  assert.deepEqual(differences({}, first({}, { instances: passing })), [])
})

test('where every node has its own link no holder is looked for', () => {
  const each = { links: 'each', linkHolder: null, hasLink: true } as const
  assert.deepEqual(differences({ 'link/a.example': undefined }, [nodeState(1, {}, each), nodeState(2, {}, each)]), [])
})

test('nodes that did not answer make no differences of their own', () => {
  assert.deepEqual(differences({}, [nodeState(2)]), [])
})

test('a difference names node, domain, instance and bucket for programs', () => {
  const [found] = differences({}, first({}, { instances: { red: { route: 'r', bucket: 1, state: 'active' } } }))
  const { kind, nodes, domain, instance, bucket } = found ?? assert.fail('nothing found')
  assert.deepEqual(
    { kind, nodes, domain, instance, bucket },
    { kind: 'bucket', nodes: ['yard-1'], domain: 'a.example', instance: 'red', bucket: 1 },
  )
})

test('a thousand differences are listed, and then how many more there are', () => {
  const missing = Object.fromEntries(
    Array.from({ length: 1500 }, (_, at) => [`x${at}`, { route: `x${at}`, bucket: null, state: 'spare' }]),
  )
  const found = differences(
    {},
    first({}, { instances: { red: { route: 'r', bucket: 0, state: 'active' }, ...missing } }),
  )
  assert.equal(found.length, 1001)
  assert.equal(found.at(-1)?.text, 'and 500 more differences')
})
