import type { Move } from '../balancing/buckets.ts'
import type { Incarnation } from './cluster/cluster-store.ts'
import type { Table } from './cluster/table.ts'
import { type Log, logEvent } from './log.ts'

/** Which nodes have gone and which have come between two tables, but for this one. */
export interface NodeChanges {
  readonly gone: readonly Incarnation[]
  readonly come: readonly Incarnation[]
}

/** What has happened to the nodes of the cluster; it is logged. `before` is undefined for a node that has just joined. */
export function nodeChanges(before: Table | undefined, table: Table, me: Incarnation, log: Log): NodeChanges {
  const gone = [...(before?.nodes ?? [])].filter(([node]) => node !== me && !table.nodes.has(node))
  for (const [incarnation, { name }] of gone) {
    // One that has left in order leaves its inbox to whoever takes it.
    const isDead = (table.estates.get(incarnation)?.heir ?? null) !== null
    logEvent(log, 'node-left', { name, incarnation, epoch: table.epoch, isDead })
  }
  const come = [...table.nodes].filter(([node]) => node !== me && before?.nodes.has(node) !== true)
  for (const [incarnation, { name, version }] of come) {
    logEvent(log, 'node-joined', { name, incarnation, version, epoch: table.epoch })
  }
  const { senior } = table
  if (before !== undefined && before.senior !== senior) {
    const name = senior && table.nodes.get(senior)?.name
    logEvent(log, 'senior', { name, incarnation: senior, epoch: table.epoch, isSelf: senior === me })
  }
  return { gone: gone.map(([node]) => node), come: come.map(([node]) => node) }
}

/** Buckets have changed hands, or are nobody's. */
export function logMoves(log: Log, domain: string, moves: readonly Move[]): void {
  for (const { bucket, from, to } of moves) {
    logEvent(log, to === undefined ? 'bucket-unassigned' : 'bucket-moved', { domain, bucket, from, to })
  }
}
