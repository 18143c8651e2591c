import type { DomainState, NodeState } from '../../src/cluster/node-state.ts'

/** A domain of two buckets on two nodes, in health: what is in Redis, and what each node says. */
export const fields: Readonly<Record<string, string>> = {
  'node/inc-1': JSON.stringify({ name: 'yard-1', version: '0.1.0' }),
  'node/inc-2': JSON.stringify({ name: 'yard-2', version: '0.1.0' }),
  'name/yard-1': 'inc-1',
  'name/yard-2': 'inc-2',
  'instance/a.example/red': JSON.stringify({ node: 'inc-1', route: 'r' }),
  'instance/a.example/yard-2/1': JSON.stringify({ node: 'inc-2', route: 'g' }),
  'buckets/a.example': JSON.stringify({ holders: ['red', 'yard-2/1'], last: [], members: [] }),
  'link/a.example': 'inc-2',
}

export function domainState(node: 1 | 2, changes: Partial<DomainState> = {}): DomainState {
  return {
    digest: 'd1',
    instances:
      node === 1
        ? { red: { route: 'r', bucket: 0, state: 'active' } }
        : { 'yard-2/1': { route: 'g', bucket: 1, state: 'active' } },
    nodes: { red: 'inc-1', 'yard-2/1': 'inc-2' },
    holders: ['red', 'yard-2/1'],
    links: 'one',
    linkHolder: 'inc-2',
    hasLink: node === 2,
    ...changes,
  }
}

export function nodeState(node: 1 | 2, changes: Partial<NodeState> = {}, domain: Partial<DomainState> = {}): NodeState {
  return {
    name: `yard-${node}`,
    incarnation: `inc-${node}`,
    version: '0.1.0',
    epoch: 7,
    reach: 'up',
    isHeld: true,
    domains: { 'a.example': domainState(node, domain) },
    ...changes,
  }
}
