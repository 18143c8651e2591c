import { configDigest } from '../config/digest.ts'
import { countOf, isCanary, wantedBy, wantedOf } from './assignment.ts'
import type { DomainTable } from './cluster/domain-table.ts'
import type { Draft } from './cluster/draft.ts'
import { assign, isAssigned, type JoinOptions } from './cluster/instance-wishes.ts'
import type { Wish } from './cluster/proposals.ts'
import type { Table } from './cluster/table.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Routes } from './routes.ts'

/** All that is said about who gets which bucket, to be compared. */
export function assignmentOf({ policy, config }: DomainRoutes): string {
  return JSON.stringify([countOf(policy) ?? null, [...wantedOf(config)], config.canary?.instance ?? null])
}

/** The config has changed. */
export function assignAnew(draft: Draft, { name, policy, config }: DomainRoutes): void {
  assign(draft, name, countOf(policy), wantedOf(config), config.canary?.instance)
}

/** An instance joins. */
export function joinOptions({ policy, config }: DomainRoutes, instance: string): JoinOptions {
  return { count: countOf(policy), wanted: wantedBy(config, instance), isCanary: isCanary(config, instance) }
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
      if (isOverdue(draft.table, domain)) assignAnew(draft, domain)
    }
    return [wish]
  })
}

function isOverdue(table: Table, domain: DomainRoutes): boolean {
  const agreed = table.domain(domain.name)
  const { policy, config } = domain
  if (agreed === undefined || isAssigned(agreed, countOf(policy), wantedOf(config), config.canary?.instance))
    return false
  return isAlike(table, domain)
}

function isAlike({ nodes }: Table, { name, config }: DomainRoutes): boolean {
  const digest = configDigest(config)
  return [...nodes.values()].every(({ configs }) => configs[name] === digest)
}
