import type { Place } from './hold.ts'
import type { Instance } from './instance.ts'

/** Instances whose share is changing hands, each with the places that are its own. */
export class Moving {
  readonly #places = new Map<Instance, readonly Place[]>()
  #all: ReadonlySet<Place> = new Set()

  /** How many places there are. */
  get size(): number {
    return this.#all.size
  }
  get instances(): readonly Instance[] {
    return [...this.#places.keys()]
  }

  has(place: Place): boolean {
    return this.#all.has(place)
  }

  includes(instance: Instance): boolean {
    return this.#places.has(instance)
  }

  set(instance: Instance, places: readonly Place[]): void {
    this.#places.set(instance, places)
    this.#gather()
  }

  /** False when nothing of that instance was moving. */
  delete(instance: Instance): boolean {
    if (!this.#places.delete(instance)) return false
    this.#gather()
    return true
  }

  #gather(): void {
    this.#all = new Set([...this.#places.values()].flat())
  }
}
