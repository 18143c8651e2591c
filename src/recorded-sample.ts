import type { Traffic } from '../balancing/traffic.ts'

const criteria = ['source', 'destination', 'bare_source', 'bare_destination'] as const

/** Whether a value is an item of a sample, as a node or a file of whatever release has it. */
export function isItem(item: unknown): item is Traffic & { readonly weight: number } {
  if (typeof item !== 'object' || item === null) return false
  const { from, to, hashes, hasLocal, weight }: Readonly<Record<string, unknown>> = { ...item }
  if (typeof weight !== 'number' || !(weight >= 0)) return false
  if (typeof from === 'string' && typeof to === 'string') return true
  if (typeof hashes !== 'object' || hashes === null || typeof hasLocal !== 'boolean') return false
  const all: Readonly<Record<string, unknown>> = { ...hashes }
  return criteria.every((criterion) => isHash(all[criterion]))
}

function isHash(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffffffff
}
