import { configDigest } from '../config/digest.ts'
import type { Incarnation } from './cluster/cluster-store.ts'
import type { ConnectedState, DomainState, NodeState } from './cluster/node-state.ts'
import type { ClusterMember } from './cluster-member.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Routes } from './routes.ts'

/** The links of this node. */
export interface OwnLinks {
  peek(domain: string): { readonly state: string } | undefined
}

export interface OwnStateParts {
  readonly name: string
  readonly version: string
  readonly routes: Routes
  readonly links: OwnLinks
  /** Undefined for a node without a cluster. */
  readonly member: ClusterMember | undefined
}

/** What this node has, and what it takes the cluster's table to be: the answer to the task `state`. */
export function ownState({ name, version, routes, links, member }: OwnStateParts): NodeState {
  const served = [...routes.domains.values()].filter(({ config }) => config.secrets !== undefined || config.instances)
  const me = member?.incarnation ?? 'alone'
  return {
    ...{ name, version, incarnation: me },
    epoch: member?.membership.table.epoch ?? 0,
    reach: member?.reach ?? 'up',
    isHeld: member?.membership.isHeld ?? true,
    domains: Object.fromEntries(served.map((domain) => [domain.name, domainState(domain, me, links, member)])),
  }
}

function domainState(
  domain: DomainRoutes,
  me: Incarnation,
  links: OwnLinks,
  member: ClusterMember | undefined,
): DomainState {
  const instances: Record<string, ConnectedState> = {}
  const nodes: Record<string, Incarnation> = {}
  for (const instance of domain.members.values()) {
    const { name, route, bucket, state, node } = instance
    if (node === undefined) instances[name] = { route, bucket: bucket ?? null, state }
    nodes[name] = node === undefined ? me : (member?.registry.remotes.get(instance) ?? node)
  }
  const { upstream } = domain.config
  const link = links.peek(domain.name)
  return {
    digest: configDigest(domain.config),
    ...{ instances, nodes },
    holders: (domain.buckets?.holders ?? []).map((holder) => holder ?? null),
    links: upstream?.links ?? 'none',
    linkHolder: member?.membership.table.domain(domain.name)?.link ?? null,
    hasLink: link !== undefined && link.state !== 'idle' && link.state !== 'stopped',
  }
}
