import type { Config } from '../config/config.ts'
import { normaliseDomain } from '../config/names.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Drains } from './drains.ts'
import type { Instance } from './instance.ts'
import { type Log, logEvent } from './log.ts'
import {
  type AdminActions,
  type InstanceAction,
  instanceActions,
  type Outcome,
  type Refused,
  type RefusedWhy,
} from './operations.ts'
import type { Routes } from './routes.ts'

export interface NodeActionsParts {
  readonly config: () => Config
  readonly routes: Routes
  /** All whose streams are open, those that are leaving too. */
  readonly all: () => ReadonlyMap<Instance, DomainRoutes>
  readonly drains: () => Drains
  readonly log: Log
}

const absent: Refused = { refused: 'absent', detail: 'no such instance is connected' }

/** What an operator, or an instance itself, may have this node do. */
export class NodeActions implements AdminActions {
  readonly #parts: NodeActionsParts
  /** Requests of operators, or of who would be one, that were refused. */
  readonly refusals: Record<RefusedWhy, number> = { token: 0, rate: 0, jid: 0, connections: 0 }

  constructor(parts: NodeActionsParts) {
    this.#parts = parts
  }

  readonly token = (): string | undefined => this.#parts.config().admin?.token

  refused(why: RefusedWhy): void {
    this.refusals[why]++
  }

  instance(action: InstanceAction, name: string, instance: string): Outcome<string> | { readonly elsewhere: string } {
    const domain = this.#find(name)
    const found = domain && this.#instanceOf(domain, instance)
    if (domain === undefined || found === undefined) return absent
    if (found.node !== undefined) return { elsewhere: found.node }
    switch (action) {
      case 'drain':
        return this.drainInstance(domain, found)
          ? { done: 'draining' }
          : { refused: 'conflict', detail: 'it is being drained already' }
      case 'kick':
        return kick(found)
      case 'enable':
        return this.#parts.drains().cancel(domain, found)
          ? { done: found.state }
          : {
              refused: 'conflict',
              detail: 'it is not being drained, or is about to be closed, or another has its name',
            }
    }
  }

  /** What another node asks this one to do to an instance, as `instanceTask` writes it. */
  readonly act = (asked: unknown): Outcome<string> => {
    const task = taskOf(asked)
    if (task === undefined) throw new Error('what is to be done to which instance is not understood')
    const outcome = this.instance(task.action, task.domain, task.instance)
    // It has gone there meanwhile.
    return 'elsewhere' in outcome ? absent : outcome
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

  /** One that is being drained has left the routing table, and is connected still. */
  #instanceOf(domain: DomainRoutes, name: string): Instance | undefined {
    const member = domain.members.get(name)
    if (member !== undefined) return member
    for (const [instance, of] of this.#parts.all()) if (of === domain && instance.name === name) return instance
    return undefined
  }

  #find(name: string): DomainRoutes | undefined {
    return this.#parts.routes.domains.get(normaliseDomain(name) ?? '')
  }
}

/** Closes an instance at once. It may come back; no stanza is taken for the cause of its end. */
function kick(instance: Instance): Outcome<string> {
  if (!instance.stream.isOpen) return { refused: 'conflict', detail: 'its stream is being closed already' }
  instance.isLeaving = true
  instance.stream.close('reset', 'closed by an operator')
  return { done: 'closed' }
}

interface InstanceTask {
  readonly action: InstanceAction
  readonly domain: string
  readonly instance: string
}

function taskOf(asked: unknown): InstanceTask | undefined {
  if (typeof asked !== 'object' || asked === null) return undefined
  const { action, domain, instance } = asked as Partial<Record<keyof InstanceTask, unknown>>
  const known = instanceActions.find((name) => name === action)
  const isNamed = typeof domain === 'string' && typeof instance === 'string'
  return known !== undefined && isNamed ? { action: known, domain, instance } : undefined
}
