import { countOf, isCanary, wantedBy, wantedOf } from './assignment.ts'
import type { DomainTable } from './cluster/domain-table.ts'
import type { Draft } from './cluster/draft.ts'
import { assign, type JoinOptions } from './cluster/instance-wishes.ts'
import type { DomainRoutes } from './domain-routes.ts'

/** What a node's configuration makes it ask the cluster for. */

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
