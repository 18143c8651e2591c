import type { BucketTable } from '../../balancing/buckets.ts'
import type { Delta } from './cluster-store.ts'
import { fieldOf } from './records.ts'
import type { Table } from './table.ts'

/** A table that is being changed: collects what the store is to be asked for. The wishes are functions over it. */
export class Draft {
  readonly #before: Table
  #table: Table
  readonly #deltas: Delta[] = []

  constructor(table: Table) {
    this.#before = table
    this.#table = table
  }

  /** The table as it would be. Its epoch is the one that a commit of it would have. */
  get table(): Table {
    return this.#table
  }

  /** What is otherwise than in the table that it began with. */
  get delta(): Delta {
    const delta = new Map<string, string | null>()
    for (const [field, text] of this.#deltas.flatMap((each) => [...each])) {
      if ((this.#before.text(field) ?? null) === text) delta.delete(field)
      else delta.set(field, text)
    }
    return delta
  }

  get isEmpty(): boolean {
    return this.delta.size === 0
  }

  /** The epoch that a commit of it would have. */
  get epoch(): number {
    return this.#before.epoch + 1
  }

  /** Tries a change; when it throws, the draft is as before, and its error is returned. */
  attempt(change: (draft: Draft) => void): Error | undefined {
    const table = this.#table
    const { length } = this.#deltas
    try {
      change(this)
      return undefined
    } catch (error) {
      this.#table = table
      this.#deltas.length = length
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  write(delta: Delta): void {
    this.#deltas.push(delta)
    this.#table = this.#table.with(delta, this.epoch)
  }
}

/** Adds the field of a domain's buckets to a delta, where it is otherwise than before. */
export function writeBuckets(
  delta: Map<string, string | null>,
  domain: string,
  after: BucketTable,
  before: BucketTable | undefined,
): void {
  if (before !== undefined && before.holders === after.holders && before.last === after.last) return
  const names = (list: readonly (string | undefined)[]): (string | null)[] => list.map((name) => name ?? null)
  delta.set(fieldOf.buckets(domain), JSON.stringify({ holders: names(after.holders), last: names(after.last) }))
}
