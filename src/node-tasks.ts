import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ClusterAccess } from './admin/cluster-routes.ts'
import { Desk } from './cluster/desk.ts'
import { type TaskNode, Tasks } from './cluster/tasks.ts'
import type { ClusterMember } from './cluster-member.ts'
import type { Log } from './log.ts'
import { type OwnLinks, ownState } from './own-state.ts'
import type { Routes } from './routes.ts'
import { Sampler } from './sampler.ts'

export interface NodeTasksParts {
  readonly name: string
  readonly version: string
  readonly routes: Routes
  readonly links: OwnLinks
  readonly log: Log
  /** Undefined for a node without a cluster. */
  readonly member: () => ClusterMember | undefined
  readonly seconds: () => number
  /** What another node may have this one do; undefined where nobody can. */
  readonly asked: { reload(): Promise<unknown>; stop(): void } | undefined
}

/** How long one may look at a domain's stanzas for another, in seconds. */
const MOST_SECONDS = 600

/** What all nodes may be asked, and what one asks of all: by way of the cluster, or of this node alone. */
export class NodeTasks implements ClusterAccess {
  readonly tasks: Tasks
  readonly me: () => TaskNode
  readonly sampler: Sampler
  readonly #desk: Desk

  constructor({ name, version, routes, links, log, member, seconds, asked }: NodeTasksParts) {
    const me = () => ({ name, incarnation: member()?.incarnation ?? 'alone' })
    const wait = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
      pause(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => {})
    this.me = me
    this.sampler = new Sampler({ routes, random: Math.random, pause: wait })
    this.tasks = new Tasks({
      ...{ me, seconds, log, pause: wait },
      handlers: {
        reload: () => asked?.reload() ?? null,
        drain: () => {
          asked?.stop()
          return 'draining'
        },
        sample: (asked) => this.#sample(asked),
        state: () => ownState({ name, version, routes, links, member: member() }),
      },
      nodes: () => member()?.nodes() ?? [],
      send: (to, text) => member()?.post.to(to).news('task', text),
      answer: async (task, text) => member()?.store.answer(task, text),
      answers: async (task, from, milliseconds) => member()?.store.answers(task, from, milliseconds) ?? [],
      newId: () => randomBytes(12).toString('hex'),
      now: () => performance.now(),
    })
    this.#desk = new Desk({ tasks: this.tasks, me, pause: wait, table: async () => member()?.store.changes(0) })
  }

  consistency() {
    return this.#desk.consistency()
  }
  reload() {
    return this.#desk.reload()
  }
  drain(node: string) {
    return this.#desk.drain(node)
  }

  /** What another node asks, of whatever release. */
  #sample(asked: unknown): Promise<unknown> {
    const { domain, seconds, hashed }: Readonly<Record<string, unknown>> = { ...(asked as object | null) }
    if (typeof domain !== 'string' || typeof seconds !== 'number' || !(seconds >= 0 && seconds <= MOST_SECONDS)) {
      throw new Error('no sample can be taken of that')
    }
    return this.sampler.take(domain, { seconds, hashed: hashed === true })
  }
}
