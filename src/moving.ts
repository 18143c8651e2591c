import type { Place } from './hold.ts'
import type { Instance } from './instance.ts'

/**
 * Where all waits that a node reads while it hands out what dead ones had read: apart, as some of that may have to wait,
 * too, and goes first. No instance has such a name.
 */
export const BEHIND_ESTATES: Place = ' behind estates'

/** By so many milliseconds nodes may have corrected when a stanza came, while it went from one to another and back. */
const CORRECTION_MILLISECONDS = 250

/** Those that a share waits for, each with when the latest came that it was sent. */
export class Awaited {
  /** By that time. */
  readonly #all: (readonly [Instance, number])[]
  readonly #left: Set<Instance>

  constructor(all: Iterable<readonly [Instance, number]>) {
    const known = [...all]
    this.#left = new Set(known.map(([instance]) => instance))
    // What those had who were sent nothing yet is on its way elsewhere already.
    this.#all = known.filter(([, newest]) => newest > Number.NEGATIVE_INFINITY).sort(([, a], [, b]) => b - a)
  }

  get isOver(): boolean {
    return this.#left.size === 0
  }
  /** What other nodes pass on and came later than this waits, as some of what they were sent is older. */
  get newest(): number {
    for (let last = this.#all.at(-1); last !== undefined; last = this.#all.at(-1)) {
      if (this.#left.has(last[0])) return last[1]
      this.#all.pop()
    }
    return Number.POSITIVE_INFINITY
  }
  /** What that one was sent has come to its end. */
  end(instance: Instance): void {
    this.#left.delete(instance)
  }
}

/** One reason why an instance gets nothing new. */
export interface Wait {
  /** Another one, once that has taken its name. */
  instance: Instance
  readonly awaited: { readonly newest: number }
}

/** Nothing goes there, however old. */
const NOTHING = { newest: Number.NEGATIVE_INFINITY }
/** The same, of one that is to leave: nothing to whoever comes after it. */
export const UNTIL_IT_LEAVES: Wait['awaited'] = { newest: Number.NEGATIVE_INFINITY }

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
  begin(instance: Instance, awaited: Wait['awaited'] = NOTHING): Wait {
    const wait: Wait = { instance, awaited }
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

  /** An instance does not leave after all. */
  remain(instance: Instance): void {
    for (const wait of this.#movers.get(instance)?.waits ?? []) if (wait.awaited === UNTIL_IT_LEAVES) this.end(wait)
  }

  /** Another has an instance's name, and waits for all that that one waited for. */
  pass(instance: Instance, next: Instance): void {
    const waits = [...(this.#movers.get(instance)?.waits ?? [])].filter(({ awaited }) => awaited !== UNTIL_IT_LEAVES)
    this.delete(instance)
    if (waits.length === 0) return
    for (const wait of waits) wait.instance = next
    this.#movers.set(next, { waits: new Set(waits), places: this.#placesOf(next) })
    this.#gather()
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
   * waiting for that: all that it had been sent is as old, and this may be what has become of it. So each waits for what
   * is older only, and no two for each other.
   * @param hops 0 for what comes from the node that had read it: it has not been here
   */
  takerOf(place: Place, since: number, hops = 0): Instance | undefined {
    const time = hops > 0 ? since - CORRECTION_MILLISECONDS : since
    for (const [instance, { waits }] of this.#movers) {
      // The place may have passed to another since.
      if (!this.#placesOf(instance).includes(place)) continue
      if ([...waits].every(({ awaited }) => time <= awaited.newest)) return instance
    }
    return undefined
  }

  #gather(): void {
    this.#all = new Set([...this.#movers.values()].flatMap(({ places }) => places))
    this.#changed()
  }
}
