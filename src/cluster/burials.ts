import type { Incarnation } from './cluster-store.ts'
import { Draft } from './draft.ts'
import { bury } from './node-wishes.ts'
import type { Table } from './table.ts'

/**
 * What the senior is to write down about those whose leases have run out, and about what nobody deals with; undefined for
 * who is not the senior, or when nothing is to be done. A senior that has died itself is followed by the next.
 */
export function burial(table: Table, expired: readonly Incarnation[], me: Incarnation): Draft | undefined {
  if (table.seniorOf(new Set(expired)) !== me) return undefined
  const draft = new Draft(table)
  bury(draft, expired, me)
  return draft.isEmpty && expired.length === 0 ? undefined : draft
}
