import type { BucketTable, Move } from '../balancing/buckets.ts'
import type { Instance } from './instance.ts'

/** Whether what a cluster has said may still be acted upon: a node that it may have given up must not. */
export interface Authority {
  readonly isHeld: boolean
}

/** Who has left, who has come, and who has which bucket then; as the nodes of a cluster have agreed. */
export interface Agreement {
  readonly left: readonly Instance[]
  readonly joined: readonly Instance[]
  readonly buckets: BucketTable | undefined
}

/** What is another's in the second table than in the first; of tables of unlike sizes, nothing. */
export function movesBetween(before: BucketTable | undefined, after: BucketTable | undefined): readonly Move[] {
  if (before === undefined || after === undefined || before.holders.length !== after.holders.length) return []
  return after.holders.flatMap((to, bucket) => {
    const from = before.holders[bucket]
    return from === to ? [] : [{ bucket, from, to }]
  })
}
