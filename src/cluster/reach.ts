import { StoreUnreachable } from './cluster-store.ts'

/**
 * How the store was found: it answers; it, or the network before it, says that it serves nobody; or it says nothing, and
 * may serve others.
 */
export type Reach = 'up' | 'refused' | 'silent'

/** What a failed call says of the store. */
export function reachOf(error: unknown): Exclude<Reach, 'up'> {
  return error instanceof StoreUnreachable && error.refused ? 'refused' : 'silent'
}
