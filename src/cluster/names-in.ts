import type { Delta } from './cluster-store.ts'
import { splitField, splitInstance } from './records.ts'

/** Which instances of which domains a change is about; a domain is there, too, when only its buckets or its link are. */
export function namesIn(delta: Delta): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>()
  const of = (domain: string): Set<string> => {
    const known = names.get(domain) ?? new Set()
    names.set(domain, known)
    return known
  }
  for (const field of delta.keys()) {
    const { kind, subject } = splitField(field)
    if (kind === 'instance') {
      const place = splitInstance(subject)
      if (place !== undefined) of(place.domain).add(place.name)
    } else if (kind === 'buckets' || kind === 'link') of(subject)
  }
  return names
}
