/** This many changes lie above the base before they are merged into it, at least, … */
const LEAST_CHANGES = 64
/** … and this part of the base's size: so that one change of a large map costs little, on the average. */
const PART_OF_BASE = 1 / 32

/** A map that is never changed: `with` gives another one, which shares most of its entries with this one. */
export class LayeredMap<Key, Value> {
  readonly #base: ReadonlyMap<Key, Value>
  /** What is otherwise than in the base; undefined for what is removed. */
  readonly #changes: ReadonlyMap<Key, Value | undefined>
  readonly size: number

  constructor(
    base: ReadonlyMap<Key, Value> = new Map(),
    changes: ReadonlyMap<Key, Value | undefined> = new Map(),
    size = base.size,
  ) {
    this.#base = base
    this.#changes = changes
    this.size = size
  }

  get(key: Key): Value | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#base.get(key)
  }
  has(key: Key): boolean {
    return this.get(key) !== undefined
  }

  /** Each key with its new value; undefined removes it. */
  with(changes: ReadonlyMap<Key, Value | undefined>): LayeredMap<Key, Value> {
    if (changes.size === 0) return this
    let { size } = this
    for (const [key, value] of changes) size += (value === undefined ? 0 : 1) - (this.has(key) ? 1 : 0)
    const above = this.#changes.size + changes.size
    if (above > LEAST_CHANGES + this.#base.size * PART_OF_BASE) {
      const base = new Map(this.#base)
      merge(base, this.#changes)
      merge(base, changes)
      return new LayeredMap(base)
    }
    return new LayeredMap(this.#base, new Map([...this.#changes, ...changes]), size)
  }

  *[Symbol.iterator](): IterableIterator<[Key, Value]> {
    for (const entry of this.#base) if (!this.#changes.has(entry[0])) yield entry
    for (const [key, value] of this.#changes) if (value !== undefined) yield [key, value]
  }
  *keys(): IterableIterator<Key> {
    for (const [key] of this) yield key
  }
  *values(): IterableIterator<Value> {
    for (const [, value] of this) yield value
  }
}

function merge<Key, Value>(into: Map<Key, Value>, changes: ReadonlyMap<Key, Value | undefined>): void {
  for (const [key, value] of changes) {
    if (value === undefined) into.delete(key)
    else into.set(key, value)
  }
}
