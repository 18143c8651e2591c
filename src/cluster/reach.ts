/**
 * How the store was found: it answers; it, or the network before it, says that it serves nobody; or it says nothing, and
 * may serve others.
 */
export type Reach = 'up' | 'refused' | 'silent'

const REFUSED_CODES: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

/** What a failed call says of the store. An error that has `isRefusal` says it itself. */
export function reachOf(error: unknown): Exclude<Reach, 'up'> {
  if (!(error instanceof Error)) return 'silent'
  if ('isRefusal' in error) return error.isRefusal === true ? 'refused' : 'silent'
  if ('code' in error && REFUSED_CODES.has(error.code)) return 'refused'
  return error.message.startsWith('LOADING ') ? 'refused' : 'silent'
}
