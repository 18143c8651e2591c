import type { Config } from '../config/config.ts'
import { configDigest } from '../config/digest.ts'
import type { Incarnation } from './cluster/cluster-store.ts'
import { type NodeFacts, TABLE_FORM } from './cluster/records.ts'
import type { Table } from './cluster/table.ts'
import type { ClusterMetrics } from './cluster-metrics.ts'

/** What a node says about itself to the others. */
export function factsOf({ node: name, domains }: Config, version: string): NodeFacts {
  const configs = Object.fromEntries([...domains.values()].map((domain) => [domain.name, configDigest(domain)]))
  return { name, version, form: TABLE_FORM, configs, since: Date.now() }
}

/** Bytes that this node lets wait in Redis, for one other node or of what it has written down for itself. */
export function inboxBytesOf({ cluster, limits }: Config): number {
  return cluster?.inbox_bytes ?? limits.outbox_bytes
}

/** What a node's metrics say of the cluster. @param bytesFor what waits for another node */
export function clusterMetricsOf(
  { nodes, epoch, senior }: Table,
  me: Incarnation,
  state: Pick<ClusterMetrics, 'isUp' | 'isHeld'>,
  bytesFor: (node: Incarnation) => number,
): ClusterMetrics {
  const others = [...nodes].filter(([node]) => node !== me)
  const inboxes = others.map(([node, { name }]) => ({ node: name, bytes: bytesFor(node) }))
  return { ...state, nodes: nodes.size, epoch, isSenior: senior === me, inboxes }
}
