/** A map that nobody can change: freezing a Map alone leaves `set`, `delete` and `clear` at work. */
export function frozenMap<K, V>(entries: Iterable<readonly [K, V]>): ReadonlyMap<K, V> {
  const map = new Map(entries)
  for (const name of ['set', 'delete', 'clear']) Object.defineProperty(map, name, { value: refuse })
  return map
}

function refuse(): never {
  throw new TypeError('the configuration is read-only')
}

/** Freezes a value and everything in it, the values of maps included. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  const parts = value instanceof Map ? value.values() : Object.values(value)
  for (const part of parts) deepFreeze(part)
  return value
}
