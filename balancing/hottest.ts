/** A key and its weight: at most `weight`, at least `weight - error`. */
export interface Hot {
  readonly key: string
  readonly weight: number
  readonly error: number
  readonly hash: number
}

/**
 * The heaviest keys of a stream that may hold any number of them, in bounded memory (the space-saving sketch of
 * Metwally, Agrawal and El Abbadi, 2005). Every key with more than a `capacity`-th of all weight is among the
 * counted ones; with no more keys than `capacity` the weights are exact.
 */
export class Hottest {
  readonly #capacity: number
  readonly #places = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #weights: Float64Array
  readonly #errors: Float64Array
  readonly #hashes: Uint32Array

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#weights = new Float64Array(capacity)
    this.#errors = new Float64Array(capacity)
    this.#hashes = new Uint32Array(capacity)
  }

  /** @param hash the key's, the same each time */
  add(key: string, weight: number, hash = 0): void {
    const place = this.#places.get(key) ?? this.#placeFor(key)
    this.#hashes[place] = hash
    this.#weights[place] = (this.#weights[place] ?? 0) + weight
  }

  /** The `count` heaviest, heaviest first; equal ones by key. */
  top(count: number): readonly Hot[] {
    return this.#keys
      .map((key, place) => ({
        key,
        weight: this.#weights[place] ?? 0,
        error: this.#errors[place] ?? 0,
        hash: this.#hashes[place] ?? 0,
      }))
      .sort((one, other) => other.weight - one.weight || (one.key < other.key ? -1 : 1))
      .slice(0, count)
  }

  /** A new key takes an empty place, else the lightest key's, and what that one weighed may be wrong about it. */
  #placeFor(key: string): number {
    let place = this.#keys.length
    if (place === this.#capacity) {
      place = this.#lightest()
      this.#places.delete(this.#keys[place] ?? '')
      this.#errors[place] = this.#weights[place] ?? 0
    }
    this.#keys[place] = key
    this.#places.set(key, place)
    return place
  }

  #lightest(): number {
    let lightest = 0
    for (let place = 1; place < this.#capacity; place++) {
      if ((this.#weights[place] ?? 0) < (this.#weights[lightest] ?? 0)) lightest = place
    }
    return lightest
  }
}
