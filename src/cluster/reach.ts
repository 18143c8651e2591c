import { StoreUnreachable } from './cluster-store.ts'

/**
 * How the store was found: it answers; it, or the network before it, says that it serves nobody; or it says nothing, and
 * may serve others.
 */
export type Reach = 'up' | 'refused' | 'silent'

const REFUSED_CODES: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

/** What a failed call says of the store. A `StoreUnreachable` says it itself. */
export function reachOf(error: unknown): Exclude<Reach, 'up'> {
  if (!(error instanceof Error)) return 'silent'
  if (error instanceof StoreUnreachable) return error.refused ? 'refused' : 'silent'
  if ('code' in error && REFUSED_CODES.has(error.code)) return 'refused'
  return error.message.startsWith('LOADING ') ? 'refused' : 'silent'
}
