import type { Config } from '../config/config.ts'
import { configDigest } from '../config/digest.ts'
import { type NodeFacts, TABLE_FORM } from './cluster/records.ts'

/** What a node says about itself to the others. */
export function factsOf({ node: name, domains }: Config, version: string): NodeFacts {
  const configs = Object.fromEntries([...domains.values()].map((domain) => [domain.name, configDigest(domain)]))
  return { name, version, form: TABLE_FORM, configs, since: Date.now() }
}
