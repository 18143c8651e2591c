import type { Config } from '../config/config.ts'
import { normaliseDomain } from '../config/names.ts'
import type { AdminActions } from './admin/actions.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Drains } from './drains.ts'
import type { Instance } from './instance.ts'
import { type Log, logEvent } from './log.ts'
import type { Routes } from './routes.ts'

export interface NodeActionsParts {
  readonly config: () => Config
  readonly routes: Routes
  readonly drains: () => Drains
  readonly log: Log
}

/** What an operator, or an instance itself, may have this node do. */
export class NodeActions implements AdminActions {
  readonly #parts: NodeActionsParts

  constructor(parts: NodeActionsParts) {
    this.#parts = parts
  }

  readonly token = (): string | undefined => this.#parts.config().admin?.token

  drain(name: string, instance: string): boolean | undefined {
    const domain = this.#find(name)
    const found = domain?.members.get(instance)
    if (domain === undefined || found === undefined || found.node !== undefined) return undefined
    return this.drainInstance(domain, found)
  }

  clearQuarantine(name: string): true | undefined {
    const domain = this.#find(name)
    domain?.quarantine.clear()
    return domain && true
  }

  /** Starts to drain an instance; false when that has begun already. */
  drainInstance(domain: DomainRoutes, instance: Instance): boolean {
    if (instance.state === 'draining') return false
    this.#parts
      .drains()
      .drain(domain, instance, 'reset', this.#parts.config().drain.seconds)
      .catch((error: Error) => logEvent(this.#parts.log, 'bug', { error: error.message }))
    return true
  }

  #find(name: string): DomainRoutes | undefined {
    return this.#parts.routes.domains.get(normaliseDomain(name) ?? '')
  }
}
