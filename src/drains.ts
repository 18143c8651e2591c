import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { type Log, logEvent } from './log.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

/** What a drain needs of the instances. */
export interface Roster {
  readonly all: ReadonlyMap<Instance, DomainRoutes>
  handOver(domain: DomainRoutes, instance: Instance): void
  release(domain: DomainRoutes): void
  /** The reverse of `handOver`. */
  rejoin(domain: DomainRoutes, instance: Instance): void
}

/** One drain that is under way. `answering`: its share has moved already. */
interface Run {
  phase: 'confirming' | 'answering'
  isCancelled: boolean
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
  readonly #runs = new WeakMap<Instance, Run>()

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
    const run: Run = { phase: 'confirming', isCancelled: false }
    this.#runs.set(instance, run)
    domain.pause(instance)
    const isConfirmed = await instance.stream.outbox.passed(deadline - now())
    if (run.isCancelled) return
    // Not confirmed in time, or dead meanwhile: then its end moves its share, with what was not confirmed before all else.
    if (this.#isHere(instance) && isConfirmed) {
      run.phase = 'answering'
      this.#parts.roster().handOver(domain, instance)
      this.#parts.roster().release(domain)
      const owed = () => (this.#isHere(instance) && !run.isCancelled ? instance.requests.size : 0)
      await this.#answered(owed, deadline)
      // Replies to its own requests, which came meanwhile.
      await instance.stream.outbox.passed(deadline - now())
    }
    if (run.isCancelled) return
    this.#runs.delete(instance)
    logEvent(log, 'drain-done', { ...names, unanswered: instance.requests.size })
    instance.isLeaving = true
    instance.stream.close(condition, 'drained')
  }

  /**
   * Ends the drain of an instance: it gets stanzas again, in the place that it had, or as one that has just come where its
   * share has moved already. False when there is no drain to be ended, or another has its name by now.
   */
  cancel(domain: DomainRoutes, instance: Instance): boolean {
    const run = this.#runs.get(instance)
    if (run === undefined || instance.isLeaving || !this.#isHere(instance)) return false
    if (run.phase === 'answering' && domain.isTaken(instance.name)) return false
    run.isCancelled = true
    this.#runs.delete(instance)
    instance.state = instance.isUnconfirmed ? 'unconfirmed' : 'joining'
    logEvent(this.#parts.log, 'drain-cancelled', { domain: domain.name, instance: instance.name })
    if (run.phase === 'answering') this.#parts.roster().rejoin(domain, instance)
    else {
      domain.moving.remain(instance)
      domain.refresh(instance)
      this.#parts.roster().release(domain)
    }
    return true
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
