import type { Place } from './hold.ts'
import type { Instance } from './instance.ts'

/**
 * Where all waits that a node reads while it hands out what dead ones had read: apart, as some of that may have to wait,
 * too, and goes first. No instance has such a name.
 */
export const BEHIND_ESTATES: Place = ' behind estates'

/** One reason why an instance gets nothing new. */
export interface Wait {
  readonly instance: Instance
  /** Whoever it waits for was sent nothing that came after this time; what other nodes pass on and is older is part of that. */
  readonly newest: number
}

/** Nothing goes there, however old. */
const NOTHING = Number.NEGATIVE_INFINITY

interface Mover {
  readonly waits: Set<Wait>
  places: readonly Place[]
}

/** Instances whose share is changing hands, each with the places that are its own, and with what it waits for. */
export class Moving {
  readonly #movers = new Map<Instance, Mover>()
  readonly #placesOf: (instance: Instance) => readonly Place[]
  readonly #changed: () => void
  #all: ReadonlySet<Place> = new Set()
  /** What dead nodes had read is being handed out: what this node reads itself is newer, and waits, wherever it is for. */
  isInheriting = false

  /** @param changed told whenever other places move than before */
  constructor(placesOf: (instance: Instance) => readonly Place[], changed: () => void) {
    this.#placesOf = placesOf
    this.#changed = changed
  }

  /** How many places there are. */
  get size(): number {
    return this.#all.size
  }

  has(place: Place): boolean {
    return this.#all.has(place)
  }

  includes(instance: Instance): boolean {
    return this.#movers.has(instance)
  }

  /** Whether an instance has a share that it gets nothing new of yet: what it has all the same is older. */
  isKeptBack(instance: Instance): boolean {
    return instance.state !== 'draining' && this.includes(instance)
  }

  /** An instance gets nothing new until `end` of this and of all other waits. */
  begin(instance: Instance, newest = NOTHING): Wait {
    const wait: Wait = { instance, newest }
    const mover = this.#movers.get(instance) ?? { waits: new Set(), places: [] }
    mover.waits.add(wait)
    mover.places = this.#placesOf(instance)
    this.#movers.set(instance, mover)
    this.#gather()
    return wait
  }

  /** Nothing, where the instance has left since. */
  end(wait: Wait): void {
    const waits = this.#movers.get(wait.instance)?.waits
    if (waits?.delete(wait) === true && waits.size === 0) this.delete(wait.instance)
  }

  /** Ends all that an instance waits for. */
  delete(instance: Instance): void {
    if (this.#movers.delete(instance)) this.#gather()
  }

  /** Who has which places has changed. */
  settle(): void {
    for (const [instance, mover] of this.#movers) mover.places = this.#placesOf(instance)
    this.#gather()
  }

  /**
   * Who gets what another node passes on and came at that time, at a place that moves. Whoever the place waits for may be
   * waiting for that: all that it had been sent is as old, and this may be what has become of it.
   */
  takerOf(place: Place, since: number): Instance | undefined {
    for (const [instance, { waits }] of this.#movers) {
      // The place may have passed to another since.
      if (!this.#placesOf(instance).includes(place)) continue
      if ([...waits].every(({ newest }) => since <= newest)) return instance
    }
    return undefined
  }

  #gather(): void {
    this.#all = new Set([...this.#movers.values()].flatMap(({ places }) => places))
    this.#changed()
  }
}
