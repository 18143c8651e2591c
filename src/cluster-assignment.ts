import { configDigest } from '../config/digest.ts'
import { countOf, wantedOf } from './assignment.ts'
import type { DomainTable } from './cluster/domain-table.ts'
import { assign, isAssigned } from './cluster/instance-wishes.ts'
import type { Wish } from './cluster/proposals.ts'
import type { Table } from './cluster/table.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Routes } from './routes.ts'

/** What a node's configuration says about a domain's buckets, to be compared. */
export function assignmentOf(domain: DomainRoutes): string {
  return JSON.stringify([countOf(domain.policy) ?? null, [...wantedOf(domain.config)]])
}

/** The buckets as agreed; none where this node's configuration has none. */
export function bucketsOf(domain: DomainRoutes, agreed: DomainTable | undefined): DomainTable['buckets'] {
  return countOf(domain.policy) === undefined ? undefined : agreed?.buckets
}

/**
 * What is to be put before the cluster where all nodes have the same configuration of a domain, and the table says
 * otherwise: from before they were started with it, one after the other.
 */
export function overdue(table: Table, { domains }: Pick<Routes, 'domains'>): readonly Wish[] {
  return [...domains.values()].flatMap((domain) => {
    if (!isOverdue(table, domain)) return []
    const wish: Wish = (draft) => {
      // One of them may have another configuration by now.
      if (isOverdue(draft.table, domain)) {
        assign(draft, domain.name, countOf(domain.policy), wantedOf(domain.config))
      }
    }
    return [wish]
  })
}

function isOverdue(table: Table, domain: DomainRoutes): boolean {
  const agreed = table.domain(domain.name)
  if (agreed === undefined || isAssigned(agreed, countOf(domain.policy), wantedOf(domain.config))) return false
  return isAlike(table, domain)
}

function isAlike({ nodes }: Table, { name, config }: DomainRoutes): boolean {
  const digest = configDigest(config)
  return [...nodes.values()].every(({ configs }) => configs[name] === digest)
}
