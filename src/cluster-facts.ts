import type { Config } from '../config/config.ts'
import { configDigest } from '../config/digest.ts'
import { type NodeFacts, TABLE_FORM } from './cluster/records.ts'

/** What a node says about itself to the others. */
export function factsOf({ node: name, domains }: Config, version: string): NodeFacts {
  const configs = Object.fromEntries([...domains.values()].map((domain) => [domain.name, configDigest(domain)]))
  return { name, version, form: TABLE_FORM, configs, since: Date.now() }
}

/** Bytes that this node lets wait in Redis, for one other node or of what it has written down for itself. */
export function inboxBytesOf({ cluster, limits }: Config): number {
  return cluster?.inbox_bytes ?? limits.outbox_bytes
}
