import { type BucketTable, bucketTable, type Change, join, leave } from '../balancing/buckets.ts'
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

/** Buckets that nobody has yet; undefined for a policy without. */
function freeBuckets(policy: Policy): BucketTable | undefined {
  const count = countOf(policy)
  return count === undefined ? undefined : bucketTable(count)
}

/** The buckets of these instances, in order of arrival. Who has one in `before`, of as many buckets, keeps it. */
export function bucketsFor(
  policy: Policy,
  config: Pick<Domain, 'instances' | 'canary'>,
  names: Iterable<string>,
  before?: BucketTable,
): BucketTable | undefined {
  const free = freeBuckets(policy)
  if (free === undefined) return undefined
  const present = new Set([...names].filter((name) => !isCanary(config, name)))
  let table = before?.holders.length === free.holders.length ? before : free
  for (const { name } of table.members) if (!present.has(name)) table = leave(table, name).table
  for (const name of present) table = seat(table, config, name).table
  return table
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
