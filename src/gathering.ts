import type { Move } from '../balancing/buckets.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import type { Shares } from './shares.ts'

/** For so many milliseconds what several nodes hold for a bucket is gathered where its new holder is. */
const GATHER_MILLISECONDS = 150

export interface GatheringParts {
  readonly shares: Pick<Shares, 'release'>
  readonly now: () => number
}

/**
 * A bucket that nobody had is an instance's at this node. What came for it meanwhile waits at whatever nodes it came to,
 * and each lets it go at once: for a moment all of it is held here, and then goes on in the order in which it was read.
 */
export class Gathering {
  readonly #parts: GatheringParts
  readonly #until = new Map<Instance, number>()

  constructor(parts: GatheringParts) {
    this.#parts = parts
  }

  /** Buckets have changed hands. */
  follow(domain: DomainRoutes, moves: readonly Move[]): void {
    for (const { from, to } of moves) {
      const taker = from === undefined && to !== undefined ? domain.members.get(to) : undefined
      if (taker === undefined || taker.node !== undefined) continue
      this.#until.set(taker, this.#parts.now() + GATHER_MILLISECONDS)
      domain.moving.gather(taker)
      domain.keepBack(taker)
    }
  }

  /** Lets go what has been gathered of a domain; called with every tick. */
  tick(domain: DomainRoutes): void {
    for (const [instance, until] of this.#until) {
      if (instance.domain !== domain || this.#parts.now() < until) continue
      this.#until.delete(instance)
      // Meanwhile it may have left, and another may have come by its name; or it is being drained.
      if (domain.moving.isGathering(instance) && instance.state !== 'draining') domain.letGo(instance)
      this.#parts.shares.release(domain)
    }
  }
}
