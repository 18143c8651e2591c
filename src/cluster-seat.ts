import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Cluster } from '../config/config.ts'
import type { ClusterStore } from './cluster/cluster-store.ts'
import { realTiming } from './cluster/timing.ts'
import type { ClusterMember } from './cluster-member.ts'
import type { ClusterMetrics } from './cluster-metrics.ts'
import type { ClusterNode, ClusterNodeParts } from './cluster-node.ts'
import { emptied, granted, quiet } from './cluster-patience.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Drains } from './drains.ts'
import { SwitchyardError } from './errors.ts'
import type { Instances } from './instances.ts'
import type { Asked, NodeTasks } from './node-tasks.ts'
import type { NodeUsage } from './node-usage.ts'
import type { OwnLinks } from './own-state.ts'
import { loadExpress } from './scanning.ts'
import { Reframer } from './stream/reframe.ts'

/** The links of this node. */
type SeatLinks = ClusterNodeParts['links'] &
  OwnLinks & {
    settled(deadline: number): Promise<void>
    closeShared(): Promise<void>
  }

export interface ClusterSeatParts
  extends Omit<ClusterNodeParts, 'store' | 'begins' | 'news' | 'reframer' | 'entered' | 'timing'> {
  readonly links: SeatLinks
  readonly instances: Pick<Instances, 'all'>
  readonly drains: Pick<Drains, 'drain'>
  readonly asked: Asked | undefined
  /** As `NodeTasksParts` has them. */
  readonly act: (asked: unknown) => unknown
  readonly usage: () => NodeUsage
  /** Where the nodes of a cluster meet: in Redis, if nothing else is said. */
  readonly stores?: OpenStores
}

/** What opens the stores of a cluster, one for each life of the node. Throws what stands against it. */
export type OpenStores = (settings: Cluster) => Promise<() => ClusterStore>

/** How long a node that leaves its cluster waits for Redis to take what it has for others, in milliseconds. */
const FLUSH_MILLISECONDS = 2000
/** And for the others to confirm what they were given. */
const CONFIRM_MILLISECONDS = 5000

/** Whether this node is in a cluster, and what changes when it joins or leaves one while it runs. */
export class ClusterSeat {
  readonly #parts: ClusterSeatParts
  #node: ClusterNode | undefined
  #tasks: NodeTasks | undefined
  #settings: Cluster | undefined
  /** It has joined, once: from then on it is one life after the other. */
  #isIn = false

  constructor(parts: ClusterSeatParts) {
    this.#parts = parts
  }

  /** This node's life in the cluster; undefined for a node alone. */
  get member(): ClusterMember | undefined {
    return this.#isIn ? this.#node?.member : undefined
  }

  /** What may be asked of all nodes, or of this one alone. Loaded when somebody may ask. */
  async tasks(): Promise<NodeTasks> {
    if (this.#tasks === undefined) {
      const { config, version, routes, links, log, asked, act, usage } = this.#parts
      const { NodeTasks } = await import('./node-tasks.ts')
      this.#tasks ??= new NodeTasks({
        ...{ name: config().node, version, routes, links, log, asked, act, usage },
        member: () => this.member,
        seconds: () => config().cluster?.task_seconds ?? 30,
      })
    }
    return this.#tasks
  }

  /** Joins the cluster of a config, or rejects with a SwitchyardError. A node alone goes on until it has joined. */
  async enter(settings: Cluster | undefined): Promise<void> {
    if (settings === undefined) return
    await this.tasks()
    // What a node alone never loads: the client takes 60 ms and 13 MB.
    const { stores = redisStores, config } = this.#parts
    const [{ ClusterNode }, store] = await Promise.all([import('./cluster-node.ts'), stores(settings)])
    const { limits } = config()
    const node = this.#made(
      () =>
        new ClusterNode({
          ...this.#parts,
          store,
          timing: realTiming,
          entered: () => {
            this.#isIn = true
          },
          // What comes from other nodes is as much as what comes from streams.
          reframer: new Reframer(limits, loadExpress(limits.stanza_bytes)),
          begins: () => this.keepHolds(),
          news: (topic, text) => this.#news(topic, text),
        }),
    )
    this.#node = node
    try {
      await node.start(settings)
    } catch (error) {
      node.end()
      this.#node = undefined
      throw error
    }
    this.#settings = settings
    this.#parts.flusher.onInput = () => void this.member?.look()
    this.keepHolds()
  }

  /** Whether a config wants another cluster than this node is in. */
  isOther(settings: Cluster | undefined): boolean {
    return !isDeepStrictEqual(storeOf(settings), storeOf(this.#settings))
  }

  /** The config has changed in what the others are told of it. */
  serve(domains: Iterable<DomainRoutes>): void {
    this.member?.serve(domains)
    this.keepHolds()
  }

  /** Alone from now on: nothing that is here is lost, and no stream is closed. */
  async leave(): Promise<void> {
    const { member } = this
    if (member === undefined) return
    const { routes, shares, links } = this.#parts
    const deadline = performance.now() + CONFIRM_MILLISECONDS
    member.registry.part()
    if (member.isUp) {
      await granted(member, deadline)
      await this.#partFromLinks(member, deadline)
      await emptied(member, deadline)
      await quiet(member, deadline)
    }
    await this.#node?.leave(FLUSH_MILLISECONDS)
    this.#node = undefined
    this.#isIn = false
    this.#settings = undefined
    this.#parts.flusher.onInput = undefined
    for (const domain of routes.domains.values()) {
      member.registry.end(domain)
      domain.hold.keeper = undefined
      shares.release(domain)
    }
    links.settleAnew()
  }

  /** The node is to stop, and others go on: every share moves there, in order, and then the links. */
  async drain(deadline: number): Promise<void> {
    const { member } = this
    if (member?.hasOthers !== true || !member.isUp) return
    const { drains, instances, links } = this.#parts
    const seconds = (deadline - performance.now()) / 1000
    const all = [...instances.all]
    await Promise.all(all.map(([instance, domain]) => drains.drain(domain, instance, 'system-shutdown', seconds)))
    await granted(member, deadline)
    await Promise.all([this.#partFromLinks(member, deadline), links.closeShared()])
    await emptied(member, deadline)
    await quiet(member, deadline)
  }

  /** What goes to servers by way of the cluster has come there, and what this node holds of links is others' to take. */
  async #partFromLinks(member: ClusterMember, deadline: number): Promise<void> {
    const { links } = this.#parts
    const held = member.links.held()
    member.links.end()
    links.settleAnew()
    await links.settled(deadline)
    for (const domain of held) member.links.release(domain)
  }

  #made(make: () => ClusterNode): ClusterNode {
    try {
      return make()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new SwitchyardError('cluster-refused', `cannot join the cluster: ${reason}`)
    }
  }

  /** The node has stopped. */
  async stop(): Promise<void> {
    await this.#node?.leave(FLUSH_MILLISECONDS)
  }

  /** At once. */
  end(): void {
    this.#node?.end()
  }

  /** Domains with `hold.store: redis` write down what they hold. */
  keepHolds(): void {
    for (const domain of this.#parts.routes.domains.values()) {
      const isKept = domain.config.hold.store === 'redis'
      domain.hold.keeper = isKept ? this.member?.keeper.holdKeeper(domain.name) : undefined
    }
  }

  metrics(): ClusterMetrics | undefined {
    return this.member?.metrics()
  }

  #news(topic: string, text: string): void {
    if (topic === 'task') void this.#tasks?.tasks.handle(text)
    else if (topic === 'adverts') this.member?.adverts.heard(text)
  }
}

async function redisStores({ redis: urls, sentinel, key_prefix: prefix, ca: path }: Cluster) {
  const { RedisStore } = await import('./cluster/redis-store.ts')
  return (): ClusterStore => {
    const ca = path === undefined ? {} : { ca: readFileSync(path, 'utf8') }
    return new RedisStore({ urls, prefix, ...(sentinel === undefined ? {} : { sentinel }), ...ca })
  }
}

/** What says which cluster it is. */
function storeOf(settings: Cluster | undefined): unknown {
  if (settings === undefined) return undefined
  const { redis, sentinel, key_prefix, ca } = settings
  return { redis, sentinel, key_prefix, ca }
}
