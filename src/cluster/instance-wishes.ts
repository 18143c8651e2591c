import { type BucketTable, bucketTable, join, leave, resized } from '../../balancing/buckets.ts'
import type { Incarnation } from './cluster-store.ts'
import type { DomainTable } from './domain-table.ts'
import { type Draft, writeBuckets } from './draft.ts'
import { fieldOf, type InstanceRecord } from './records.ts'

/** What one who joins says about itself. */
export interface Joiner {
  readonly node: Incarnation
  readonly route: string
  readonly since: number
}

export interface JoinOptions {
  /** The domain's `component_number`: for a domain that has no buckets yet. */
  readonly count?: number | undefined
  /** The bucket that the config gives to the instance. */
  readonly wanted?: number | undefined
  /** The config has it take no bucket. */
  readonly isCanary?: boolean
}

/**
 * An instance arrives, and takes a bucket if there is one for it. One that has its name already gives it up, bucket and
 * all: who wants to refuse does that before.
 */
export function joinInstance(
  draft: Draft,
  domain: string,
  name: string,
  joiner: Joiner,
  options: JoinOptions = {},
): void {
  const table = draft.table.domain(domain)
  const old = table?.instances.get(name)
  const { node, route, since } = joiner
  if (old !== undefined && old.node === node && old.route === route && old.since === since) return
  // What the table says of the number of buckets stands until `assign` changes it, whatever the joiner's config says.
  const isFirst = table === undefined || (table.buckets === undefined && table.instances.size === 0)
  const buckets = isFirst && options.count !== undefined ? bucketTable(options.count) : table?.buckets
  const wanted = options.wanted !== undefined && options.wanted in (buckets?.holders ?? []) ? options.wanted : undefined
  const record: InstanceRecord = {
    ...{ node, route, since },
    order: old !== undefined && old.isSidelined !== true ? old.order : nextOrder(table),
    ...(wanted === undefined ? {} : { wanted }),
    ...(options.isCanary === true ? asCanary : {}),
  }
  const delta = new Map<string, string | null>([[fieldOf.instance(domain, name), JSON.stringify(record)]])
  if (buckets !== undefined) {
    const isMember = old !== undefined && old.isSidelined !== true
    const isSeated = isMember && (wanted === undefined || old.wanted === wanted)
    // Ten thousand may join, one after the other, and all but the first be spares.
    const isSpare = !isMember && wanted === undefined && !buckets.holders.includes(undefined)
    const alone = isSeated && options.isCanary !== true ? buckets : leave(buckets, name).table
    const seated = isSeated || isSpare || options.isCanary === true ? alone : join(alone, name, wanted).table
    writeBuckets(delta, domain, seated, table?.buckets)
  }
  draft.write(delta)
}

const asCanary = { isSidelined: true, isCanary: true } as const

/** An instance leaves; nothing happens when its name is another's by now. */
export function leaveInstance(draft: Draft, domain: string, name: string, node: Incarnation, route: string): void {
  const record = draft.table.domain(domain)?.instances.get(name)
  if (record === undefined || record.node !== node || record.route !== route) return
  draft.write(withoutInstances(draft.table.domain(domain), [name]))
}

/** A suspect spare inherits no bucket; one that holds a bucket keeps it, as long as it lives. */
export function sideline(draft: Draft, domain: string, name: string, node: Incarnation, route: string): void {
  const table = draft.table.domain(domain)
  const record = table?.instances.get(name)
  if (record === undefined || record.node !== node || record.route !== route) return
  if (record.isSidelined === true || table?.bucketOf(name) !== undefined) return
  draft.write(new Map([[fieldOf.instance(domain, name), JSON.stringify({ ...record, isSidelined: true })]]))
}

/** The reverse of `sideline`: it comes in as one that has just arrived. */
export function reinstate(draft: Draft, domain: string, name: string, node: Incarnation, route: string): void {
  const table = draft.table.domain(domain)
  const record = table?.instances.get(name)
  if (record === undefined || record.node !== node || record.route !== route || record.isSidelined !== true) return
  if (record.isCanary === true) return
  const { isSidelined: _, ...rest } = record
  const back: InstanceRecord = { ...rest, order: nextOrder(table) }
  const delta = new Map<string, string | null>([[fieldOf.instance(domain, name), JSON.stringify(back)]])
  if (table?.buckets !== undefined) {
    writeBuckets(delta, domain, join(table.buckets, name, back.wanted).table, table.buckets)
  }
  draft.write(delta)
}

/**
 * The config has changed: there are as many buckets as it says, and who has one keeps it where that can be; undefined for
 * a domain that has none any more. What is so already is left as it is.
 * @param wanted per instance the bucket that the config gives to it
 * @param canary the instance that takes no bucket
 */
export function assign(
  draft: Draft,
  domain: string,
  count: number | undefined,
  wanted: ReadonlyMap<string, number>,
  canary?: string,
): void {
  const table = draft.table.domain(domain)
  if (table === undefined || isAssigned(table, count, wanted, canary)) return
  const delta = new Map<string, string | null>()
  for (const [name, record] of table.instances) {
    const after = assigned(record, wanted.get(name), name === canary)
    if (after !== record) delta.set(fieldOf.instance(domain, name), JSON.stringify(after))
  }
  if (count === undefined) delta.set(fieldOf.buckets(domain), null)
  else {
    const members = membersBut(table, canary).map((name) => {
      const bucket = wanted.get(name)
      return bucket === undefined ? { name } : { name, wanted: bucket }
    })
    writeBuckets(delta, domain, resized(table.buckets, count, members), undefined)
  }
  draft.write(delta)
}

/** A record by another config; the same one where that makes no difference. */
function assigned(record: InstanceRecord, bucket: number | undefined, isCanary: boolean): InstanceRecord {
  const was = record.isCanary === true
  if (record.wanted === bucket && was === isCanary) return record
  const { wanted: _, isCanary: __, ...rest } = record
  const { isSidelined: ___, ...able } = rest
  const after = was ? able : rest
  return { ...after, ...(bucket === undefined ? {} : { wanted: bucket }), ...(isCanary ? asCanary : {}) }
}

/** The members when that one is the canary, in order of arrival. */
function membersBut(table: DomainTable, canary: string | undefined): readonly string[] {
  const members = [...table.instances].filter(([name, record]) => {
    return name !== canary && (record.isSidelined !== true || record.isCanary === true)
  })
  return members.sort(([, one], [, other]) => one.order - other.order).map(([name]) => name)
}

/** Takes a domain's one link, if nobody who lives has it. */
export function claimLink(draft: Draft, domain: string, node: Incarnation): void {
  const holder = draft.table.domain(domain)?.link
  if (holder !== undefined && draft.table.nodes.has(holder)) return
  draft.write(new Map([[fieldOf.link(domain), node]]))
}

export function releaseLink(draft: Draft, domain: string, node: Incarnation): void {
  if (draft.table.domain(domain)?.link === node) draft.write(new Map([[fieldOf.link(domain), null]]))
}

/** What changes when these instances of a domain are no more. Those who hold nothing go first: none of them inherits. */
export function withoutInstances(table: DomainTable | undefined, names: readonly string[]): Map<string, string | null> {
  const delta = new Map<string, string | null>()
  if (table === undefined || names.length === 0) return delta
  for (const name of names) delta.set(fieldOf.instance(table.name, name), null)
  if (table.buckets === undefined) return delta
  const gone = new Set(names)
  const holding = new Set(table.buckets.holders)
  const leaving = names.filter((name) => holding.has(name))
  let buckets: BucketTable = { ...table.buckets, members: heirs(table.buckets, gone, holding, leaving.length) }
  for (const name of leaving) buckets = leave(buckets, name).table
  writeBuckets(delta, table.name, buckets, table.buckets)
  return delta
}

/** The members that matter when so many holders leave: those, and of the spares those that may inherit from them. */
function heirs(
  { members }: BucketTable,
  gone: ReadonlySet<string>,
  holding: ReadonlySet<string | undefined>,
  leaving: number,
): BucketTable['members'] {
  let spares = 0
  return members.filter(({ name, wanted }) => {
    if (holding.has(name) || gone.has(name)) return holding.has(name) && gone.has(name)
    return wanted !== undefined || spares++ < leaving
  })
}

function nextOrder(table: DomainTable | undefined): number {
  return (table?.lastOrder ?? 0) + 1
}

/** Whether a domain's buckets are as a config has them. */
export function isAssigned(
  table: DomainTable,
  count: number | undefined,
  wanted: ReadonlyMap<string, number>,
  canary: string | undefined,
): boolean {
  if (table.buckets?.holders.length !== count) return false
  for (const [name, record] of table.instances) {
    if (record.wanted !== wanted.get(name) || (record.isCanary === true) !== (name === canary)) return false
  }
  return true
}
