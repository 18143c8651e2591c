import { escapeForLog, type Log, logEvent } from './log.ts'

/** What may be done to one instance. */
export const instanceActions = ['drain', 'kick', 'enable'] as const
export type InstanceAction = (typeof instanceActions)[number]

/** Why something was not done. `invalid`: it makes no sense; `failed`: a node could not do it; `silent`: one did not answer in time; `unavailable`: nobody could be asked. */
export type Refusal = 'invalid' | 'absent' | 'conflict' | 'failed' | 'silent' | 'unavailable'

/** What several nodes answered. */
export interface NodesReport {
  readonly nodes: readonly ({ readonly node: string } & NodeAnswer)[]
  /** The names of those that did not answer in time. */
  readonly silent: readonly string[]
}

/** What a node answered: a value, or why it could not do what it was asked. */
export type NodeAnswer = { readonly value: unknown } | { readonly error: string }

export interface Refused {
  readonly refused: Refusal
  /** For people. */
  readonly detail: string
  readonly report?: NodesReport
}
export type Outcome<T> = { readonly done: T } | Refused

/** Why a request was refused before anything was asked. */
export type RefusedWhy = 'token' | 'rate' | 'jid' | 'connections'

/** What this node may be asked to do. Names come as they were written. */
export interface AdminActions {
  /** The token that everybody needs who acts over HTTP; undefined: nobody may. */
  readonly token: () => string | undefined
  /** Acts on an instance of this node, or says which other node has it. */
  instance(action: InstanceAction, domain: string, instance: string): Outcome<string> | { readonly elsewhere: string }
  /** Forgets a domain's quarantined stanzas; undefined when it is not served. */
  clearQuarantine(domain: string): true | undefined
  /** Told of every request that was refused: for a wrong token, as there were too many of those, or for a JID that is no admin's. */
  refused?(why: RefusedWhy): void
}

export interface NodesAnswer {
  /** By the node's name. */
  readonly answers: ReadonlyMap<string, NodeAnswer>
  readonly silent: readonly string[]
}

/** What is asked of other nodes. It answers within the time that a cluster task may take; what it rejects with is shown. */
export interface Nodes {
  /** Has every node read its configuration anew. */
  reload(): Promise<NodesAnswer>
  /** Has a node drain and stop; undefined when there is none of that name. */
  drain(node: string): Promise<NodesAnswer | undefined>
  /** Acts on an instance of a node: that one's `Outcome` is its answer. */
  instance(node: string, action: InstanceAction, domain: string, instance: string): Promise<NodesAnswer | undefined>
}

/** Who acts: an address by HTTP, a JID by XMPP. */
export interface By {
  readonly via: 'http' | 'xmpp'
  readonly by: string
}

export interface OperationsParts {
  readonly actions: AdminActions
  readonly nodes: () => Promise<Nodes | undefined>
  readonly log: Log
}

const noNode: Refused = { refused: 'absent', detail: 'no such node is in the cluster' }

/** What operators do, by whatever way they ask for it: does it, here or where it is to be done, and logs who, what and the outcome. */
export class Operations {
  readonly #parts: OperationsParts

  constructor(parts: OperationsParts) {
    this.#parts = parts
  }

  /** Drains, closes or enables an instance, whichever node has it. What is done is the state that it has then. */
  async instance(by: By, action: InstanceAction, domain: string, instance: string): Promise<Outcome<string>> {
    const outcome = this.#parts.actions.instance(action, domain, instance)
    const made = 'elsewhere' in outcome ? await this.#elsewhere(outcome.elsewhere, action, domain, instance) : outcome
    return this.noted(by, action, { domain, instance }, made)
  }

  clearQuarantine(by: By, domain: string): Outcome<string> {
    const isServed = this.#parts.actions.clearQuarantine(domain) !== undefined
    return this.noted(by, 'clear-quarantine', { domain }, isServed ? { done: 'cleared' } : notServed)
  }

  async reload(by: By): Promise<Outcome<NodesReport>> {
    return this.noted(by, 'reload', {}, await this.#ask((nodes) => nodes.reload()))
  }

  async drainNode(by: By, name: string): Promise<Outcome<NodesReport>> {
    return this.noted(by, 'drain-node', { name }, await this.#ask((nodes) => nodes.drain(name)))
  }

  /** Logs what somebody asked for and what became of it. What they wrote is cut and escaped. */
  noted<T>(by: By, action: string, target: Readonly<Record<string, string>>, outcome: Outcome<T>): Outcome<T> {
    const names = Object.entries(target).map(([key, value]) => [key, escapeForLog(value)] as const)
    const told = 'done' in outcome ? { outcome: 'done' } : { outcome: outcome.refused, detail: outcome.detail }
    logEvent(this.#parts.log, 'admin-action', {
      ...{ action, via: by.via, by: escapeForLog(by.by) },
      ...Object.fromEntries(names),
      ...told,
    })
    return outcome
  }

  /** Logs that something has begun which takes its time; what comes of it is logged only where it is refused. */
  begun(by: By, action: string, target: Readonly<Record<string, string>>): (refused: Refused) => void {
    this.noted(by, action, target, { done: undefined })
    return (refused) => void this.noted(by, action, target, refused)
  }

  async #elsewhere(node: string, action: InstanceAction, domain: string, instance: string): Promise<Outcome<string>> {
    const outcome = await this.#ask((nodes) => nodes.instance(node, action, domain, instance))
    if ('refused' in outcome) return outcome
    const [answer] = outcome.done.nodes
    const made = answer !== undefined && 'value' in answer ? outcomeOf(answer.value) : undefined
    return made ?? { refused: 'failed', detail: `the node ${node} answered what is not known here` }
  }

  async #ask(ask: (nodes: Nodes) => Promise<NodesAnswer | undefined>): Promise<Outcome<NodesReport>> {
    try {
      const nodes = await this.#parts.nodes()
      const answer = nodes && (await ask(nodes))
      return answer === undefined ? noNode : reported(answer)
    } catch (error) {
      return { refused: 'unavailable', detail: error instanceof Error ? error.message : String(error) }
    }
  }
}

export const notServed: Refused = { refused: 'absent', detail: 'no such domain is served here' }

/** Refused when one could not do it, or did not answer. */
function reported({ answers, silent }: NodesAnswer): Outcome<NodesReport> {
  const report = { nodes: [...answers].map(([node, answer]) => ({ node, ...answer })), silent }
  const failed = report.nodes.flatMap((answer) => ('error' in answer ? [`${answer.node}: ${answer.error}`] : []))
  if (failed.length > 0) return { refused: 'failed', detail: failed.join('; '), report }
  if (silent.length > 0) return { refused: 'silent', detail: `no answer in time from ${silent.join(', ')}`, report }
  return { done: report }
}

const refusals: readonly string[] = ['absent', 'conflict', 'failed', 'silent', 'unavailable'] satisfies Refusal[]

/** Another node's answer as an outcome; undefined when it is none, as of a node of another release. */
function outcomeOf(answer: unknown): Outcome<string> | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  if ('done' in answer && typeof answer.done === 'string') return { done: answer.done }
  if (!('refused' in answer && 'detail' in answer) || typeof answer.detail !== 'string') return undefined
  return refusals.includes(String(answer.refused))
    ? { refused: answer.refused as Refusal, detail: answer.detail }
    : undefined
}
