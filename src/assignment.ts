import { type BucketTable, type Change, join, resized } from '../balancing/buckets.ts'
import type { Policy } from '../balancing/policy.ts'
import type { Terms } from '../balancing/terms.ts'
import type { Domain } from '../config/config.ts'
import type { Instance } from './instance.ts'

/** How many buckets a policy has; undefined for one without. */
export function countOf(policy: Policy): number | undefined {
  return policy.kind === 'buckets' || policy.kind === 'random' ? policy.count : undefined
}

/** Which named instances have a right to which bucket. */
export function wantedOf(config: Pick<Domain, 'instances'>): ReadonlyMap<string, number> {
  const named = [...(config.instances ?? [])]
  return new Map(named.flatMap(([name, { bucket }]) => (bucket === undefined ? [] : [[name, bucket] as const])))
}

/** The bucket that the config gives to an instance. */
export function wantedBy(config: Pick<Domain, 'instances'>, name: string): number | undefined {
  return config.instances?.get(name)?.bucket
}

/** Whether the config keeps an instance apart from all buckets. */
export function isCanary(config: Pick<Domain, 'canary'>, name: string): boolean {
  return config.canary?.instance === name
}

/** An instance arrives, as in `join`; the canary takes no bucket. */
export function seat(table: BucketTable, config: Pick<Domain, 'instances' | 'canary'>, name: string): Change {
  return isCanary(config, name) ? { table, moves: [] } : join(table, name, wantedBy(config, name))
}

/** All that is said about what sets the instances apart, to be compared. */
export function termsIn({ weights, canary, bound }: Terms): string {
  return JSON.stringify([[...weights], canary ?? null, bound ?? null])
}

/** All that is said about who gets which bucket, to be compared. */
export function assignmentOf(policy: Policy, config: Pick<Domain, 'instances'>): string {
  return JSON.stringify([policy, [...wantedOf(config)]])
}

/** The buckets of these instances, in order of arrival; undefined for a policy without. Who has one in `before` keeps it. */
export function bucketsFor(
  policy: Policy,
  config: Pick<Domain, 'instances' | 'canary'>,
  names: Iterable<string>,
  before?: BucketTable,
): BucketTable | undefined {
  const count = countOf(policy)
  if (count === undefined) return undefined
  const wanted = wantedOf(config)
  const able = [...names].filter((name) => !isCanary(config, name))
  const members = able.map((name) => {
    const bucket = wanted.get(name)
    return bucket === undefined ? { name } : { name, wanted: bucket }
  })
  return resized(before, count, members)
}

/** Says of an instance what it holds. */
export function settle(instance: Instance, table: BucketTable | undefined, config: Pick<Domain, 'canary'>): void {
  settleAs(instance, isCanary(config, instance.name) ? undefined : table, table?.holders.indexOf(instance.name) ?? -1)
}

/** Says of every instance what it holds. */
export function settleAll(
  instances: Iterable<Instance>,
  table: BucketTable | undefined,
  config: Pick<Domain, 'canary'>,
): void {
  const bucketOf = new Map((table?.holders ?? []).map((name, bucket) => [name, bucket]))
  for (const instance of instances) {
    settleAs(instance, isCanary(config, instance.name) ? undefined : table, bucketOf.get(instance.name) ?? -1)
  }
}

/**
 * @param table undefined where it needs no bucket to take stanzas
 * @param bucket what it holds; -1 for none
 */
function settleAs(instance: Instance, table: BucketTable | undefined, bucket: number): void {
  instance.bucket = bucket < 0 ? undefined : bucket
  if (instance.state !== 'joining' && instance.state !== 'active' && instance.state !== 'spare') return
  instance.state = table !== undefined && instance.bucket === undefined ? 'spare' : 'active'
}
