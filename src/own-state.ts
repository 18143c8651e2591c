import { configDigest } from '../config/digest.ts'
import type { Incarnation } from './cluster/cluster-store.ts'
import type { ConnectedState, DomainState, NodeState } from './cluster/node-state.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import type { LinkState } from './link.ts'

/** This node as it routes now: not what the table says, but what has come of it here. */
export interface OwnStateParts {
  readonly name: string
  readonly incarnation: Incarnation
  readonly version: string
  /** Of the table that is in force. */
  readonly epoch: number
  readonly reach: string
  readonly isHeld: boolean
  /** Those that instances may connect for. */
  readonly domains: Iterable<DomainRoutes>
  /** Those whose streams are at this node. */
  readonly connected: ReadonlyMap<Instance, DomainRoutes>
  /** Those of other nodes, each with the node that has it. */
  readonly remotes: ReadonlyMap<Instance, Incarnation>
  /** The node that has a domain's one link, as far as is known here. */
  linkHolder(domain: string): Incarnation | undefined
  /** This node's own link of a domain; undefined when it has not been wanted yet. */
  linkState(domain: string): LinkState | undefined
}

/** What this node answers to the task `state`. */
export function ownState(parts: OwnStateParts): NodeState {
  const { name, incarnation, version, epoch, reach, isHeld } = parts
  const connected = new Map<DomainRoutes, Record<string, ConnectedState>>()
  for (const [instance, domain] of parts.connected) {
    const known = connected.get(domain) ?? {}
    known[instance.name] = { route: instance.route, bucket: instance.bucket ?? null, state: instance.state }
    connected.set(domain, known)
  }
  const domains = [...parts.domains].map((domain) => [
    domain.name,
    domainState(domain, connected.get(domain) ?? {}, parts),
  ])
  return { name, incarnation, version, epoch, reach, isHeld, domains: Object.fromEntries(domains) }
}

function domainState(
  domain: DomainRoutes,
  instances: Readonly<Record<string, ConnectedState>>,
  { incarnation, remotes, linkHolder, linkState }: OwnStateParts,
): DomainState {
  const { config, members, holders } = domain
  const nodes = [...members.values()].map((member) => [member.name, remotes.get(member) ?? incarnation])
  const state = linkState(domain.name)
  return {
    digest: configDigest(config),
    instances,
    nodes: Object.fromEntries(nodes),
    holders: holders.map((holder) => holder?.name ?? null),
    links: config.upstream?.links ?? 'none',
    linkHolder: linkHolder(domain.name) ?? null,
    hasLink: state !== undefined && state !== 'idle' && state !== 'stopped',
  }
}
