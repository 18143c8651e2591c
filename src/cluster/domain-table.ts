import type { BucketTable, Member } from '../../balancing/buckets.ts'
import type { Incarnation } from './cluster-store.ts'
import { LayeredMap } from './layered-map.ts'
import type { BucketsRecord, InstanceRecord } from './records.ts'

/** What changes of one domain. What is left out stays; null or undefined stands for nothing. */
export interface DomainChange {
  readonly instances: Map<string, InstanceRecord | undefined>
  buckets?: BucketsRecord | null
  link?: Incarnation | null
}

/** One domain, as all nodes know it. Never changed: `with` gives another. */
export class DomainTable {
  readonly name: string
  readonly instances: LayeredMap<string, InstanceRecord>
  /** Undefined for a domain without `component_number`. Its members are the instances but for those that are sidelined. */
  readonly buckets: BucketTable | undefined
  /** The node that has the domain's one link. */
  readonly link: Incarnation | undefined
  /** No instance has a higher order. */
  readonly lastOrder: number
  readonly #members: readonly Member[]

  private constructor(
    name: string,
    instances: LayeredMap<string, InstanceRecord>,
    members: readonly Member[],
    buckets: BucketTable | undefined,
    link: Incarnation | undefined,
    lastOrder: number,
  ) {
    this.name = name
    this.instances = instances
    this.#members = members
    this.buckets = buckets
    this.link = link
    this.lastOrder = lastOrder
  }

  static empty(name: string): DomainTable {
    return new DomainTable(name, new LayeredMap(), Object.freeze([]), undefined, undefined, 0)
  }

  get isEmpty(): boolean {
    return this.instances.size === 0 && this.buckets === undefined && this.link === undefined
  }

  /** Those who may have a bucket, in order of arrival. */
  get members(): readonly Member[] {
    return this.#members
  }

  /** The bucket that an instance holds. */
  bucketOf(name: string): number | undefined {
    const bucket = this.buckets?.holders.indexOf(name) ?? -1
    return bucket < 0 ? undefined : bucket
  }

  with(change: DomainChange): DomainTable {
    const instances = this.instances.with(change.instances)
    const members = this.#membersWith(change.instances, instances)
    let { lastOrder } = this
    for (const record of change.instances.values()) lastOrder = Math.max(lastOrder, record?.order ?? 0)
    const link = change.link === undefined ? this.link : (change.link ?? undefined)
    const buckets = bucketsWith(change.buckets === undefined ? this.buckets : change.buckets, members, instances)
    return new DomainTable(this.name, instances, members, buckets, link, lastOrder)
  }

  #membersWith(
    changes: ReadonlyMap<string, InstanceRecord | undefined>,
    instances: LayeredMap<string, InstanceRecord>,
  ): readonly Member[] {
    const gone = new Set<string>()
    const come: Member[] = []
    for (const [name, after] of changes) {
      const before = this.instances.get(name)
      // Another stream of the same name stands where the one before it stood.
      if (isSameMember(before, after)) continue
      if (isMember(before)) gone.add(name)
      if (after !== undefined && isMember(after)) {
        come.push(Object.freeze(after.wanted === undefined ? { name } : { name, wanted: after.wanted }))
      }
    }
    if (gone.size === 0 && come.length === 0) return this.#members
    const stay = gone.size === 0 ? this.#members : this.#members.filter(({ name }) => !gone.has(name))
    const orderOf = ({ name }: Member): number => instances.get(name)?.order ?? 0
    const compare = (one: Member, other: Member): number =>
      orderOf(one) - orderOf(other) || (one.name < other.name ? -1 : 1)
    come.sort(compare)
    const members = [...stay, ...come]
    const [last, first] = [stay.at(-1), come[0]]
    if (last !== undefined && first !== undefined && compare(last, first) > 0) members.sort(compare)
    return Object.freeze(members)
  }
}

function isMember(record: InstanceRecord | undefined): boolean {
  return record !== undefined && record.isSidelined !== true
}

function isSameMember(before: InstanceRecord | undefined, after: InstanceRecord | undefined): boolean {
  if (!isMember(before) || !isMember(after)) return isMember(before) === isMember(after)
  return before?.order === after?.order && before?.wanted === after?.wanted
}

/** A holder that is no instance, as a later version might leave one behind, holds nothing. */
function bucketsWith(
  from: BucketTable | BucketsRecord | null | undefined,
  members: readonly Member[],
  instances: LayeredMap<string, InstanceRecord>,
): BucketTable | undefined {
  if (from === undefined || from === null) return undefined
  const isThere = (name: string | null | undefined): boolean =>
    name !== null && name !== undefined && instances.has(name)
  const holders = from.holders.map((name) => (isThere(name) ? (name ?? undefined) : undefined))
  const last = from.last.map((name) => name ?? undefined)
  return Object.freeze({ holders: Object.freeze(holders), last: Object.freeze(last), members })
}
