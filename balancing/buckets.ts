/** The fewest and the most buckets that a domain may have (`component_number`). */
export const bucketCounts = { least: 2, most: 1000 } as const

/** A member of a table: an instance, by its name. */
export interface Member {
  readonly name: string
  /** The bucket that it has a right to, when its config names one. */
  readonly wanted?: number
}

/** A domain's buckets and who has them. Plain data, never changed: every change gives a new table. */
export interface BucketTable {
  /** Per bucket its holder's name. */
  readonly holders: readonly (string | undefined)[]
  /** Per bucket the name of its holder or, when it is free, of the last one that it had. */
  readonly last: readonly (string | undefined)[]
  /** All members, holders and spares, in order of arrival. */
  readonly members: readonly Member[]
}

/** A bucket changes hands; undefined stands for nobody. The caller moves the bucket's queue accordingly. */
export interface Move {
  readonly bucket: number
  readonly from: string | undefined
  readonly to: string | undefined
}

export interface Change {
  readonly table: BucketTable
  /** At most one move per bucket. */
  readonly moves: readonly Move[]
}

/** A table of `count` free buckets. Throws RangeError outside `bucketCounts`. */
export function bucketTable(count: number): BucketTable {
  if (!Number.isInteger(count) || count < bucketCounts.least || count > bucketCounts.most) {
    throw new RangeError(`a domain has ${bucketCounts.least} to ${bucketCounts.most} buckets, not ${count}`)
  }
  const none = Object.freeze(new Array<string | undefined>(count).fill(undefined))
  return Object.freeze({ holders: none, last: none, members: Object.freeze([]) })
}

/** The bucket's holder; undefined when it is free. */
export function holder(table: BucketTable, bucket: number): string | undefined {
  return table.holders[bucket]
}

/** The free buckets, lowest first. */
export function free(table: BucketTable): readonly number[] {
  return table.holders.flatMap((name, bucket) => (name === undefined ? [bucket] : []))
}

/** The members that hold no bucket, in order of arrival. */
export function spares(table: BucketTable): readonly string[] {
  return spareMembers(table).map(({ name }) => name)
}

function spareMembers({ holders, members }: BucketTable): readonly Member[] {
  const holding = new Set(holders)
  return members.filter(({ name }) => !holding.has(name))
}

/** Per bucket the spare that gets it when its holder leaves; nowhere one when there is no spare. */
export function heirs(table: BucketTable): readonly (string | undefined)[] {
  const waiting = spareMembers(table)
  return table.holders.map((_, bucket) => heirOf(bucket, waiting)?.name)
}

function heirOf(bucket: number, waiting: readonly Member[]): Member | undefined {
  return waiting.find(({ wanted }) => wanted === bucket) ?? waiting[0]
}

/**
 * A member arrives. It takes the first of these that there is: the bucket it names (`wanted`), even from a holder
 * that does not name it too; a free bucket that it was the last to hold; the lowest free bucket; or none, and is a
 * spare. A holder that had to give way takes the lowest free bucket, or is a spare with its old place in the order.
 * A name that is a member already changes nothing. Throws RangeError for a `wanted` that is no bucket.
 */
export function join(table: BucketTable, name: string, wanted?: number): Change {
  if (wanted !== undefined && !(wanted in table.holders)) {
    throw new RangeError(`${name} names bucket ${wanted} of ${table.holders.length}`)
  }
  if (table.members.some((member) => member.name === name)) return { table, moves: [] }
  const member: Member = Object.freeze(wanted === undefined ? { name } : { name, wanted })
  const joined = { ...table, members: Object.freeze([...table.members, member]) }
  const bucket = bucketFor(joined, member)
  if (bucket === undefined) return { table: Object.freeze(joined), moves: [] }
  const from = table.holders[bucket]
  const moves: Move[] = [{ bucket, from, to: name }]
  const lowest = table.holders.indexOf(undefined)
  if (from !== undefined && lowest >= 0) moves.push({ bucket: lowest, from: undefined, to: from })
  return { table: apply(joined, moves), moves }
}

function bucketFor(table: BucketTable, { name, wanted }: Member): number | undefined {
  if (wanted !== undefined && !isHeldByRight(table, wanted)) return wanted
  const old = table.last.findIndex((last, bucket) => last === name && table.holders[bucket] === undefined)
  if (old >= 0) return old
  const lowest = table.holders.indexOf(undefined)
  return lowest >= 0 ? lowest : undefined
}

function isHeldByRight(table: BucketTable, bucket: number): boolean {
  const name = table.holders[bucket]
  return name !== undefined && table.members.some((member) => member.name === name && member.wanted === bucket)
}

/**
 * A member leaves or dies. Its bucket goes to a spare at once: to the first that names it, else to the first.
 * With no spare it stays free for whoever joins next. A name that is no member changes nothing.
 */
export function leave(table: BucketTable, name: string): Change {
  if (!table.members.some((member) => member.name === name)) return { table, moves: [] }
  const members = Object.freeze(table.members.filter((member) => member.name !== name))
  const left = { ...table, members }
  const bucket = table.holders.indexOf(name)
  if (bucket < 0) return { table: Object.freeze(left), moves: [] }
  const moves = [{ bucket, from: name, to: heirOf(bucket, spareMembers(left))?.name }]
  return { table: apply(left, moves), moves }
}

/**
 * A table of `count` buckets for these members, in order of arrival, that is as near to `before` as can be: who has a
 * bucket keeps it, unless it is no more, or its config names another by now. The rest is as if they joined one after the
 * other, those first that name a bucket. A `wanted` that is no bucket counts as none. Throws RangeError as `bucketTable`.
 */
export function resized(before: BucketTable | undefined, count: number, members: readonly Member[]): BucketTable {
  const free = bucketTable(count)
  const byName = new Map(members.map(({ name, wanted }) => [name, member(name, wanted, count)]))
  const holders = free.holders.map((_, bucket) => {
    const kept = byName.get(before?.holders[bucket] ?? '')
    return kept === undefined || (kept.wanted ?? bucket) !== bucket ? undefined : kept.name
  })
  const last = free.last.map((_, bucket) => before?.last[bucket])
  const holding = new Set(holders)
  const all = [...byName.values()]
  const others = all.filter(({ name }) => !holding.has(name))
  const rightful = others.filter(({ wanted }) => wanted !== undefined)
  const joining = [...rightful, ...others.filter(({ wanted }) => wanted === undefined)]
  const start: BucketTable = { holders, last, members: all.filter(({ name }) => holding.has(name)) }
  const table = joining.reduce((table, { name, wanted }) => join(table, name, wanted).table, start)
  return Object.freeze({
    holders: Object.freeze(table.holders),
    last: Object.freeze(table.last),
    members: Object.freeze(all),
  })
}

function member(name: string, wanted: number | undefined, count: number): Member {
  return Object.freeze(wanted === undefined || wanted >= count ? { name } : { name, wanted })
}

function apply(table: BucketTable, moves: readonly Move[]): BucketTable {
  const holders = [...table.holders]
  const last = [...table.last]
  for (const { bucket, to } of moves) {
    holders[bucket] = to
    if (to !== undefined) last[bucket] = to
  }
  return Object.freeze({ ...table, holders: Object.freeze(holders), last: Object.freeze(last) })
}

/** The bucket of a key's hash, as ejabberd takes it: the hash modulo the number of buckets. */
export function bucketOf(hash: number, count: number): number {
  return hash % count
}
