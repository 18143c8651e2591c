import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance } from '../src/cluster/instance-wishes.ts'
import { nodeStateOf } from '../src/cluster/node-state.ts'
import type { ClusterMember } from '../src/cluster-member.ts'
import { ownState } from '../src/own-state.ts'
import { ClusterYard } from './stub/cluster-yard.ts'

const text = `
domains: {a.test: {secret: s, upstream: {service: "xmpp://127.0.0.1:1", secret: s}}}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
`
const route = 'r'.repeat(16)

function stateOf(yard: ClusterYard, isMember: boolean, link?: string) {
  const { routes, table, registry } = yard
  const member = { incarnation: 'A', reach: 'up', membership: { table, isHeld: false }, registry }
  return ownState({
    ...{
      name: 'yard-1',
      version: '1',
      routes,
      links: { peek: () => (link === undefined ? undefined : { state: link }) },
    },
    member: isMember ? (member as unknown as ClusterMember) : undefined,
  })
}

test('a node says what it has itself, and what it takes the table to be', () => {
  const yard = new ClusterYard(text)
  yard.join('red', route)
  yard.grant()
  yard.agree((draft) => joinInstance(draft, 'a.test', 'green', { node: 'B', route: 'g', since: 0 }, {}))
  const state = stateOf(yard, true, 'online')
  const { digest, ...domain } = state.domains['a.test']!
  assert.match(digest, /./)
  assert.deepEqual(domain, {
    instances: { red: { route, bucket: 0, state: 'active' } },
    nodes: { red: 'A', green: 'B' },
    holders: ['red', 'green'],
    links: 'one',
    linkHolder: null,
    hasLink: true,
  })
  assert.deepEqual([state.epoch, state.isHeld, state.incarnation], [yard.table.epoch, false, 'A'])
  assert.deepEqual(nodeStateOf(JSON.parse(JSON.stringify(state))), state, 'another node can read it')
})

test('a node alone answers, too, and a link that is not dialled is none', () => {
  const yard = new ClusterYard(text)
  yard.registry.part(() => assert.fail('each has its place'))
  for (const [link, hasLink] of [
    ['idle', false],
    ['stopped', false],
    [undefined, false],
    ['dialling', true],
  ] as const) {
    const state = stateOf(yard, false, link)
    assert.deepEqual([state.incarnation, state.epoch, state.isHeld], ['alone', 0, true])
    assert.equal(state.domains['a.test']?.hasLink, hasLink, link)
  }
})
