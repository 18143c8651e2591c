import type { Place } from './hold.ts'
import type { Instance } from './instance.ts'
import { holderBy, type Mapping } from './snapshot.ts'
import type { Head } from './xmpp/head.ts'

/** A change of how a domain's keys are shared out that is under way. */
export interface Handover {
  /** Whom they were for before. */
  readonly before: Mapping
  /** Those that have not confirmed all that they were given before, each with the place behind it. */
  readonly laden: Map<Instance, Place>
}

/** Changes that may be under way at once; with the next one everything waits for all of them. */
const MOST_AT_ONCE = 4

/**
 * The changes of a domain's balancing that are under way. A stanza whose key is another's by now waits until the one
 * that it was for has confirmed what it had been given; one whose key has stayed where it was does not wait.
 */
export class Handovers {
  readonly #all: Handover[] = []
  readonly #isThere: (instance: Instance) => boolean
  #frozen = 0
  #begun = 0

  /** @param isThere false for one that is gone, and with it what it had: nobody waits for that */
  constructor(isThere: (instance: Instance) => boolean) {
    this.#isThere = isThere
  }

  /** Whether nothing is changing hands. */
  get isIdle(): boolean {
    return this.#all.length === 0 && this.#frozen === 0
  }
  /** Whether every place is changing hands, so that nobody gets anything. */
  get isFrozen(): boolean {
    return this.#frozen > 0
  }
  /** Nobody gets anything until as many `thaw`s. */
  freeze(): void {
    this.#frozen++
  }
  thaw(): void {
    this.#frozen--
  }

  /** Whether a stanza may go to `holder`, whose it is now. */
  lets(head: Head, holder: Instance | undefined): boolean {
    return this.#frozen === 0 && this.placeOf(head, holder) === undefined
  }

  /** Undefined when too many are under way. */
  begin(before: Mapping, laden: Iterable<Instance>): Handover | undefined {
    if (this.#all.length >= MOST_AT_ONCE) return undefined
    this.#begun++
    // No instance has such a name, and no two changes share a place: one of them may be over before the other.
    const places = [...laden].map((instance): [Instance, Place] => [instance, `${this.#begun} behind ${instance.name}`])
    const handover = { before, laden: new Map(places) }
    if (handover.laden.size > 0) this.#all.push(handover)
    return handover
  }

  /** An instance has confirmed what it had been given before, or has had its time. */
  passed(handover: Handover, instance: Instance): void {
    handover.laden.delete(instance)
    if (handover.laden.size === 0 && this.#all.includes(handover)) this.#all.splice(this.#all.indexOf(handover), 1)
  }

  /** Where a stanza waits that is for `holder` now: behind whom it was for before, as long as that one has not confirmed. */
  placeOf(head: Head, holder: Instance | undefined): Place | undefined {
    if (this.#frozen > 0) return undefined
    for (const { before, laden } of this.#all) {
      const old = holderBy(before, head)
      if (old === undefined || old === holder) continue
      const place = laden.get(old)
      if (place !== undefined && this.#isThere(old)) return place
    }
    return undefined
  }

  /** Whether what waits at a place does so for an instance to confirm. */
  awaits(place: Place): boolean {
    for (const { laden } of this.#all) {
      for (const [instance, behind] of laden) if (behind === place) return this.#isThere(instance)
    }
    return false
  }
}
