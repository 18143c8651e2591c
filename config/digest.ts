import { createHash } from 'node:crypto'
import type { Domain } from './config.ts'

/**
 * What must be the same for a domain on all nodes of a cluster, so that they choose the same instance for a key and do the
 * same with what has none: two configurations that agree in it have the same digest. No secret goes into it.
 */
export function configDigest(domain: Domain): string {
  const { balancing, bare_domain, hash, when_unassigned, instances } = domain
  const buckets = instances === undefined ? null : [...instances].map(([name, { bucket }]) => [name, bucket ?? null])
  const agreed = [
    balancing?.type ?? null,
    balancing?.component_number ?? null,
    bare_domain,
    when_unassigned,
    buckets?.sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)) ?? null,
    // Left out where it is the default: releases that know no other have the same digest then.
    ...(hash === 'murmur3' ? [] : [hash]),
    ...termsOf(domain),
  ]
  return createHash('sha256').update(JSON.stringify(agreed)).digest('hex').slice(0, 16)
}

/** Nothing where no use is made of them: then the digest is that of releases which did not know them. */
function termsOf({ instances, canary, balance_factor, hot_keys }: Domain): readonly unknown[] {
  const byKey = ([one]: readonly [string, number], [other]: readonly [string, number]): number => (one < other ? -1 : 1)
  const named = [...(instances ?? [])]
  const weights = named.flatMap(([name, { weight }]) => (weight === undefined ? [] : [[name, weight] as const]))
  if (weights.length === 0 && canary === undefined && balance_factor === undefined) return []
  const hot = [...(hot_keys ?? [])].sort(byKey)
  return [weights.sort(byKey), canary?.instance ?? null, canary?.percent ?? null, balance_factor ?? null, hot]
}
