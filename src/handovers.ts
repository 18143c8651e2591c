import type { Instance } from './instance.ts'
import { holderBy, type Mapping } from './snapshot.ts'
import type { Head } from './xmpp/head.ts'

/** A change of how a domain's keys are shared out that is under way. */
export interface Handover {
  /** Whom they were for before. */
  readonly before: Mapping
  /** Those that have not confirmed all that they were given before. */
  readonly laden: Set<Instance>
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
    return this.#frozen === 0 && this.blocker(head, holder) === undefined
  }

  /** Undefined when too many are under way. */
  begin(before: Mapping, laden: Iterable<Instance>): Handover | undefined {
    if (this.#all.length >= MOST_AT_ONCE) return undefined
    const handover = { before, laden: new Set(laden) }
    if (handover.laden.size > 0) this.#all.push(handover)
    return handover
  }

  /** An instance has confirmed what it had been given before, or has had its time. */
  passed(handover: Handover, instance: Instance): void {
    handover.laden.delete(instance)
    if (handover.laden.size === 0 && this.#all.includes(handover)) this.#all.splice(this.#all.indexOf(handover), 1)
  }

  /** Whom a stanza has to wait for that is for `holder` now. */
  blocker(head: Head, holder: Instance | undefined): Instance | undefined {
    if (this.#frozen > 0) return undefined
    for (const { before, laden } of this.#all) {
      const old = holderBy(before, head)
      if (old !== undefined && old !== holder && laden.has(old) && this.#isThere(old)) return old
    }
    return undefined
  }

  /** Whether an instance of this name is waited for. */
  awaits(name: string): boolean {
    return this.#all.some(({ laden }) =>
      [...laden].some((instance) => instance.name === name && this.#isThere(instance)),
    )
  }
}
