import type { Setting } from '../balancing/chooser.ts'
import { type Balancing, policyFor } from '../balancing/policy.ts'
import type { Domain } from '../config/config.ts'
import { bucketsFor } from './assignment.ts'
import type { DomainRoutes } from './domain-routes.ts'

/** A domain as it stands, to think about. */
export function settingOf({ policy, terms, members, buckets, mapping }: DomainRoutes): Setting {
  const instances = [...members.keys()].map((name) => ({ name }))
  return { policy, terms, instances, table: buckets, ranking: mapping?.snapshot.ranking }
}

/** The same domain as it would be with another balancing. */
export function proposedFor(
  domain: DomainRoutes,
  balancing: Balancing | undefined,
  bareDomain: Domain['bare_domain'],
): Setting {
  const { terms, members, buckets, config } = domain
  const policy = policyFor(balancing, bareDomain, config.hash)
  const names = [...members.keys()]
  return {
    ...{ policy, terms },
    instances: names.map((name) => ({ name })),
    table: bucketsFor(policy, config, names, buckets),
  }
}
