import { type BucketTable, resized } from '../balancing/buckets.ts'
import type { Policy } from '../balancing/policy.ts'
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

/** All that is said about who gets which bucket, to be compared. */
export function assignmentOf(policy: Policy, config: Pick<Domain, 'instances'>): string {
  return JSON.stringify([policy, [...wantedOf(config)]])
}

/** The buckets of these instances, in order of arrival; undefined for a policy without. Who has one in `before` keeps it. */
export function bucketsFor(
  policy: Policy,
  config: Pick<Domain, 'instances'>,
  names: Iterable<string>,
  before?: BucketTable,
): BucketTable | undefined {
  const count = countOf(policy)
  if (count === undefined) return undefined
  const wanted = wantedOf(config)
  const members = [...names].map((name) => {
    const bucket = wanted.get(name)
    return bucket === undefined ? { name } : { name, wanted: bucket }
  })
  return resized(before, count, members)
}

/** Says of an instance what it holds. */
export function settle(instance: Instance, table: BucketTable | undefined): void {
  settleAs(instance, table, table?.holders.indexOf(instance.name) ?? -1)
}

/** Says of every instance what it holds. */
export function settleAll(instances: Iterable<Instance>, table: BucketTable | undefined): void {
  const bucketOf = new Map((table?.holders ?? []).map((name, bucket) => [name, bucket]))
  for (const instance of instances) settleAs(instance, table, bucketOf.get(instance.name) ?? -1)
}

/** @param bucket what it holds; -1 for none */
function settleAs(instance: Instance, table: BucketTable | undefined, bucket: number): void {
  instance.bucket = bucket < 0 ? undefined : bucket
  if (instance.state !== 'joining' && instance.state !== 'active' && instance.state !== 'spare') return
  instance.state = table !== undefined && instance.bucket === undefined ? 'spare' : 'active'
}
