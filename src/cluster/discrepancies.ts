import type { Incarnation } from './cluster-store.ts'
import type { DomainTable } from './domain-table.ts'
import type { Joiner } from './instance-wishes.ts'
import type { InstanceRecord } from './records.ts'

/** An instance that a node has itself. */
export type Own = Pick<Joiner, 'route' | 'since'> & { readonly name: string }

/** In what a node's own instances and a table differ. */
export interface Discrepancies<It extends Own> {
  /** Own instances that the table does not have as this node's, or not as they are. */
  readonly missing: readonly It[]
  /** What the table has as this node's, and this node has not, by name. */
  readonly stale: readonly (readonly [string, InstanceRecord])[]
}

/**
 * Compares what a node has with what a table says of it. Nothing differs when all that it wished for has been written down
 * and nothing of that has been lost since: a store that goes back to an older table loses it without a word.
 * @param own all that the node has of the domain, by name
 * @param names those to look at; all, if it is left out
 */
export function discrepancies<It extends Own>(
  table: DomainTable | undefined,
  node: Incarnation,
  own: ReadonlyMap<string, It>,
  names: Iterable<string> = new Set([...own.keys(), ...(table?.instances.keys() ?? [])]),
): Discrepancies<It> {
  const missing: It[] = []
  const stale: (readonly [string, InstanceRecord])[] = []
  for (const name of names) {
    const record = table?.instances.get(name)
    const it = own.get(name)
    if (it !== undefined) {
      const isKnown = record?.node === node && record.route === it.route && record.since === it.since
      if (!isKnown) missing.push(it)
    } else if (record?.node === node) stale.push([name, record])
  }
  return { missing, stale }
}
