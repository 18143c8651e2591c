import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { type Log, logEvent } from './log.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

/** What a drain needs of the instances. */
export interface Roster {
  readonly all: ReadonlyMap<Instance, DomainRoutes>
  handOver(domain: DomainRoutes, instance: Instance): void
  release(domain: DomainRoutes): void
}

export interface DrainsParts {
  readonly roster: () => Roster
  readonly unregister: (instance: Instance) => void
  readonly log: Log
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** Resolves with the next tick. */
  readonly tick: () => Promise<void>
}

/**
 * Ends instances in order, with nothing lost, sent twice or overtaken: what is new waits; a barrier confirms what was
 * sent; then the share moves, with what waited; unanswered requests get their time; and the stream is closed.
 */
export class Drains {
  readonly #parts: DrainsParts

  constructor(parts: DrainsParts) {
    this.#parts = parts
  }

  /** Drains one instance and closes it with `condition`; `seconds` is how long confirmations and answers may take together. */
  async drain(domain: DomainRoutes, instance: Instance, condition: StreamCondition, seconds: number): Promise<void> {
    if (instance.state === 'draining') return
    const { log, now } = this.#parts
    const deadline = now() + seconds * 1000
    const names = { domain: domain.name, instance: instance.name }
    logEvent(log, 'drain-started', names)
    domain.pause(instance)
    const isConfirmed = await instance.stream.outbox.passed(deadline - now())
    // Not confirmed in time, or dead meanwhile: then its end moves its share, with what was not confirmed before all else.
    if (this.#isHere(instance) && isConfirmed) {
      this.#parts.roster().handOver(domain, instance)
      this.#parts.roster().release(domain)
      await this.#answered(() => (this.#isHere(instance) ? instance.requests.size : 0), deadline)
      // Replies to its own requests, which came meanwhile.
      await instance.stream.outbox.passed(deadline - now())
    }
    logEvent(log, 'drain-done', { ...names, unanswered: instance.requests.size })
    instance.isLeaving = true
    instance.stream.close(condition, 'drained')
  }

  /**
   * The instance has ended its own stream (`</stream:stream>`), which is a drain and no death. It can answer no barrier
   * any more, but its socket's end tells whether it read what it had been written.
   */
  goodbye(domain: DomainRoutes, instance: Instance): void {
    instance.isLeaving = true
    if (instance.state !== 'draining') domain.pause(instance)
    this.#parts.unregister(instance)
    instance.stream.outbox.stopHanding()
    instance.stream.end()
  }

  /** Drains the node: answers get until `deadline`, then every stream is closed once it has confirmed what it was sent. */
  async drainAll(condition: StreamCondition, deadline: number): Promise<void> {
    const { all } = this.#parts.roster()
    await this.#answered(() => [...all.keys()].reduce((sum, { requests }) => sum + requests.size, 0), deadline)
    const emptied = [...all.keys()].map(async (instance) => {
      instance.isLeaving = true
      await instance.stream.outbox.passed(deadline - this.#parts.now())
      instance.stream.close(condition)
    })
    await Promise.all(emptied)
  }

  async #answered(owed: () => number, deadline: number): Promise<void> {
    while (owed() > 0 && this.#parts.now() < deadline) await this.#parts.tick()
  }

  #isHere(instance: Instance): boolean {
    return this.#parts.roster().all.has(instance)
  }
}
