import type { ClusterStore, Delta, Incarnation } from './cluster-store.ts'
import { fieldOf, SEEDED_FIELD } from './records.ts'
import { Table } from './table.ts'

/** The table has become another. */
export interface TableChange {
  readonly before: Table
  readonly table: Table
  readonly delta: Delta
  /** `delta` is all there is: the table was read anew, and what this node had written may be missing. */
  readonly isWhole: boolean
}

export interface KnownParts {
  readonly store: Pick<ClusterStore, 'changes' | 'seed'>
  readonly changed: (change: TableChange) => void
}

/** What this node knows of the table. Changes come into force one after the other, in the order of their epochs. */
export class Known {
  readonly #parts: KnownParts
  #table = Table.empty
  #reading: Promise<boolean> | undefined
  /** What is known may be of another history than what the store has: it is read from the beginning. */
  #isDoubtful = false

  constructor(parts: KnownParts) {
    this.#parts = parts
  }

  get table(): Table {
    return this.#table
  }

  /** From now on only a table that is read from the beginning is believed. */
  doubt(): void {
    this.#isDoubtful = true
  }
  get isDoubtful(): boolean {
    return this.#isDoubtful
  }

  /** Resolves when all is known that the store had when it was called; with false when the store is behind. */
  async catchUp(): Promise<boolean> {
    // What is being read may have been read before the call.
    if (this.#reading !== undefined) await this.#reading.catch(() => undefined)
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<boolean> {
    for (;;) {
      const isWhole = this.#isDoubtful
      const { epoch: known } = this.#table
      const change = await this.#parts.store.changes(isWhole ? 0 : known)
      if (change.epoch < known) return false
      // This node has written something down meanwhile, and what has been read may be older than that.
      if (this.#table.epoch !== known) continue
      if (isWhole || change.isWhole) {
        this.#isDoubtful = false
        this.#take(Table.of(change.epoch, present(change.delta)), change.delta, true)
      } else if (change.epoch > known) this.#take(this.#table.after(change), change.delta, false)
      return true
    }
  }

  /** This node has written something down. */
  committed(table: Table, delta: Delta, epoch: number): void {
    if (this.#table === table) this.#take(table.with(delta, epoch), delta, false)
  }

  /** The store is behind: puts back what is known. Resolves with false when it is not behind any more. */
  async restore(members: readonly Incarnation[], lease: number): Promise<boolean> {
    const { epoch, fields } = this.#table
    const seeded = new Map([...fields, [SEEDED_FIELD, String(epoch + 1)]])
    if (!(await this.#parts.store.seed(epoch, seeded, members, lease))) return false
    if (this.#table.epoch === epoch) this.#take(Table.of(epoch + 1, seeded), seeded, true)
    return true
  }

  #take(table: Table, delta: Delta, isWhole: boolean): void {
    const before = this.#table
    this.#table = table
    this.#parts.changed({ before, table, delta, isWhole })
  }
}

function present(delta: Delta): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const [field, text] of delta) if (text !== null) fields.set(field, text)
  return fields
}

/** Whether a node is in a table under its name. */
export function isMemberOf(table: Table, node: Incarnation): boolean {
  return table.text(fieldOf.node(node)) !== undefined
}
