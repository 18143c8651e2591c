import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ClusterAccess } from './admin/cluster-routes.ts'
import { Desk } from './cluster/desk.ts'
import { TASK_TOPIC } from './cluster/task-text.ts'
import { type TaskLife, type TaskNode, Tasks } from './cluster/tasks.ts'
import type { ClusterMember } from './cluster-member.ts'
import type { Log } from './log.ts'
import { type NodeUsage, NodeUsages } from './node-usage.ts'
import type { InstanceAction } from './operations.ts'
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
  /** What another node asks this one to do to an instance. */
  readonly act: (asked: unknown) => unknown
  readonly usage: () => NodeUsage
  /** What another node may have this one do; undefined where nobody can. */
  readonly asked: Asked | undefined
}

/** What a node can be asked by another, or by whoever asks all. */
export interface Asked {
  /** Resolves with the problems that kept the config from coming into force; none when it has. */
  reload(): Promise<readonly string[]>
  stop(): void
}

/** How long a node may take to say how busy it is. */
const USAGE_SECONDS = 1
/** How long one may look at a domain's stanzas for another, in seconds. */
const MOST_SECONDS = 600

/** What all nodes may be asked, and what one asks of all: by way of the cluster, or of this node alone. */
export class NodeTasks implements ClusterAccess {
  readonly tasks: Tasks
  readonly me: () => TaskNode
  readonly sampler: Sampler
  readonly #desk: Desk
  readonly #usages: NodeUsages

  constructor({ name, version, routes, links, log, member, seconds, act, usage, asked }: NodeTasksParts) {
    const me = () => ({ name, incarnation: member()?.incarnation ?? 'alone' })
    const wait = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
      pause(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => {})
    this.me = me
    this.sampler = new Sampler({ routes, random: Math.random, pause: wait })
    this.tasks = new Tasks({
      ...{ me, seconds, log, pause: wait },
      handlers: {
        reload: () => reloaded(asked),
        drain: () => {
          asked?.stop()
          return 'draining'
        },
        instance: act,
        usage,
        sample: (asked, signal) => this.#sample(asked, signal),
        state: () => ownState({ name, version, routes, links, member: member() }),
      },
      nodes: () => member()?.nodes() ?? [],
      isUp: () => isUp(member()),
      borrow: () => borrowed(member()),
      newId: () => randomBytes(12).toString('hex'),
      now: () => performance.now(),
    })
    const answer = { answers: new Map(), silent: [] }
    this.#usages = new NodeUsages({
      // What cannot be sent now must not wait until it can.
      ask: async () => (member()?.isUp ? this.tasks.ask('usage', null, undefined, USAGE_SECONDS) : answer),
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
  instance(node: string, action: InstanceAction, domain: string, instance: string) {
    return this.#desk.instance(node, action, domain, instance)
  }
  /** By the node's name; of nodes that do not answer, and of a node alone, nothing. */
  usages(): Promise<ReadonlyMap<string, NodeUsage>> {
    return this.#usages.current()
  }

  /** What another node asks, of whatever release. */
  #sample(asked: unknown, signal: AbortSignal): Promise<unknown> {
    const { domain, seconds, hashed }: Readonly<Record<string, unknown>> = { ...(asked as object | null) }
    if (typeof domain !== 'string' || typeof seconds !== 'number' || !(seconds >= 0 && seconds <= MOST_SECONDS)) {
      throw new Error('no sample can be taken of that')
    }
    return this.sampler.take(domain, { seconds, hashed: hashed === true }, signal)
  }
}

/** Whether other nodes can be asked, or there are none to ask. One that has not joined does not know of any. */
function isUp(member: ClusterMember | undefined): boolean {
  return member === undefined || (member.isUp && member.nodes().length > 0)
}

function borrowed(member: ClusterMember | undefined): TaskLife | undefined {
  const loan = member?.loans.lend()
  if (member === undefined || loan === undefined) return undefined
  const { post, time } = member
  return { ...loan, send: (to, text) => post.to(to).news(TASK_TOPIC, text), time: () => time.now() }
}

/** A config that is refused is no answer like another: whoever asked is told that this node has the old one still. */
async function reloaded(asked: Asked | undefined): Promise<null> {
  const problems = (await asked?.reload()) ?? []
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return null
}
