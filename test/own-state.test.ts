import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configDigest } from '../config/digest.ts'
import { compare } from '../src/cluster/consistency.ts'
import { nodeStateOf } from '../src/cluster/node-state.ts'
import { recorded } from '../src/cluster/recorded.ts'
import { DomainRoutes } from '../src/domain-routes.ts'
import { Instance } from '../src/instance.ts'
import type { LinkState } from '../src/link.ts'
import { type OwnStateParts, ownState } from '../src/own-state.ts'
import { load } from './config/loading.ts'

const { config } = load(`
listen: [{port: 0}]
domains:
  a.example: {secret: x, upstream: {service: 'xmpp://server', secret: y}}
  b.example: {secret: x}
domain_balancing: {a.example: {type: source, component_number: 2}}
`)
const domains = config?.domains ?? assert.fail('not a configuration')

function instanceOf(domain: DomainRoutes, name: string, node?: string): Instance {
  const identity = { name, route: `route-${name}`, ...(node === undefined ? {} : { node }) }
  return new Instance({} as never, domain, {} as never, identity, 0)
}

/** A node with an instance of its own, one of another node, and one that is being drained. */
function node(changes: Partial<OwnStateParts> = {}) {
  const [a, b] = [...domains.values()].map((config) => new DomainRoutes(config, () => 0))
  assert.ok(a !== undefined && b !== undefined)
  const red = instanceOf(a, 'red')
  const green = instanceOf(a, 'green', 'yard-2')
  const old = instanceOf(a, 'old')
  for (const instance of [red, green]) a.join(instance)
  old.state = 'draining'
  const parts: OwnStateParts = {
    ...{ name: 'yard-1', incarnation: 'inc-1', version: '0.1.0', epoch: 7, reach: 'up', isHeld: true },
    domains: [a, b],
    connected: new Map([
      [red, a],
      [old, a],
    ]),
    remotes: new Map([[green, 'inc-2']]),
    linkHolder: (domain) => (domain === 'a.example' ? 'inc-1' : undefined),
    linkState: (domain): LinkState | undefined => (domain === 'a.example' ? 'waiting' : undefined),
    ...changes,
  }
  return { state: ownState(parts), a, b }
}

test('a node tells what is connected to it, and whom it would route to', () => {
  const { state, a, b } = node()
  assert.deepEqual(state.domains, {
    'a.example': {
      digest: configDigest(a.config),
      instances: {
        red: { route: 'route-red', bucket: 0, state: 'active' },
        old: { route: 'route-old', bucket: null, state: 'draining' },
      },
      nodes: { red: 'inc-1', green: 'inc-2' },
      holders: ['red', 'green'],
      links: 'one',
      linkHolder: 'inc-1',
      hasLink: true,
    },
    'b.example': {
      digest: configDigest(b.config),
      instances: {},
      nodes: {},
      holders: [],
      links: 'none',
      linkHolder: null,
      hasLink: false,
    },
  })
  assert.deepEqual(nodeStateOf(JSON.parse(JSON.stringify(state))), state)
})

test('a link that is idle or has been stopped is not held', () => {
  for (const [link, has] of [
    ['idle', false],
    ['stopped', false],
    ['dialing', true],
    ['online', true],
  ] as const) {
    assert.equal(node({ linkState: () => link }).state.domains['a.example']?.hasLink, has, link)
  }
})

test('it agrees with a table that says the same', () => {
  const fields = {
    'node/inc-1': '{"name":"yard-1"}',
    'name/yard-1': 'inc-1',
    'node/inc-2': '{"name":"yard-2"}',
    'name/yard-2': 'inc-2',
    'instance/a.example/red': '{"node":"inc-1","route":"route-red"}',
    'instance/a.example/green': '{"node":"inc-2","route":"route-green"}',
    'buckets/a.example': '{"holders":["red","green"],"last":["red","green"]}',
    'link/a.example': 'inc-1',
  }
  assert.deepEqual(compare(recorded(7, new Map(Object.entries(fields))), [node().state]), [])
})
