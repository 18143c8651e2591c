import type { Tenure } from './stream/queue.ts'

/** One life of this node in its cluster, as the links know it that it has by a lease. */
export class LinkTenure implements Tenure {
  readonly #isForfeit: () => boolean
  #isLost = false

  /** @param isForfeit whether others may act for this node by now; asked with every chunk that a link brings */
  constructor(isForfeit: () => boolean) {
    this.#isForfeit = isForfeit
  }

  /** Another node may have the link by now, and have passed on what came by it: what this one still brings is older. */
  get isOver(): boolean {
    return this.#isLost || this.#isForfeit()
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** The others have given this life up. */
  lose(): void {
    this.#isLost = true
  }
}
