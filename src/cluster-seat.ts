import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Cluster, Config } from '../config/config.ts'
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
import { escapeForLog, logEvent } from './log.ts'
import type { Asked, NodeTasks } from './node-tasks.ts'
import type { NodeUsage } from './node-usage.ts'
import type { OwnLinks } from './own-state.ts'
import type { Registry } from './registry.ts'
import { reframerOf } from './scanning.ts'

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
  /** Who decides where this node is in no cluster. */
  readonly alone: Registry
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
/** A node that serves waits for no cluster before it goes on as it was. */
const AT_ONCE = { startup_delay_seconds: 0, startup_retries: 0 } as const

/** What the metrics say of a node that is to be in a cluster and is in none: see the log code `cluster-absent`. */
const absent: ClusterMetrics = { nodes: 1, isUp: false, isSenior: false, isHeld: true, epoch: 0, inboxes: [] }

/** Whether this node is in a cluster, and what changes when it joins or leaves one while it runs. */
export class ClusterSeat {
  readonly #parts: ClusterSeatParts
  #node: ClusterNode | undefined
  #tasks: NodeTasks | undefined
  #settings: Cluster | undefined
  /** It has joined, once: from then on it is one life after the other. */
  #isIn = false
  /** It leaves, and what its instances have is its own already. */
  #isParting = false
  #isOver = false
  /** The cluster that this node has left, and is to come back to: it could not join another. */
  #home: Cluster | undefined
  #cancelReturn: (() => void) | undefined
  #returning: Promise<void> | undefined

  constructor(parts: ClusterSeatParts) {
    this.#parts = parts
  }

  /** This node's life in the cluster; undefined for a node alone. */
  get member(): ClusterMember | undefined {
    return this.#isIn ? this.#node?.member : undefined
  }

  /** Who decides which of its instances has what. */
  get registry(): Registry {
    return this.#isParting ? this.#parts.alone : (this.member?.registry ?? this.#parts.alone)
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

  /**
   * Joins the cluster of a config, or rejects with a SwitchyardError. A node alone goes on until it has joined.
   * @param coming the config that comes into force with it, of which the others are told
   * @param apply has it come into force; called once, when nothing stands against it any more
   */
  async enter(settings: Cluster | undefined, coming?: Config, apply?: () => void): Promise<void> {
    if (settings === undefined) return apply?.()
    await this.tasks()
    // What a node alone never loads: the client takes 60 ms and 13 MB.
    const { stores = redisStores } = this.#parts
    const [{ ClusterNode }, store] = await Promise.all([import('./cluster-node.ts'), stores(settings)])
    const config = () => (this.#isIn ? undefined : coming) ?? this.#parts.config()
    const { limits } = config()
    const node = this.#made(
      () =>
        new ClusterNode({
          ...this.#parts,
          config,
          store,
          timing: realTiming,
          entered: () => {
            if (!this.#isIn) apply?.()
            this.#isIn = true
          },
          // What comes from other nodes is as much as what comes from streams.
          reframer: reframerOf(limits),
          begins: () => this.keepHolds(),
          news: (topic, text) => this.#news(topic, text),
        }),
    )
    this.#node = node
    try {
      if (this.#isOver) throw refused('the node stops')
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

  /** Whether a config wants another cluster than this node is in, or on its way back to. */
  isOther(settings: Cluster | undefined): boolean {
    return !isDeepStrictEqual(storeOf(settings), storeOf(this.#settings ?? this.#home))
  }

  /** Rejects with a SwitchyardError when this node could not join the cluster of a config. Nothing is changed by it. */
  async inspect(config: Config): Promise<void> {
    const { cluster } = config
    if (cluster === undefined) return
    const { stores = redisStores, version } = this.#parts
    const modules = [import('./cluster/preflight.ts'), import('./cluster-facts.ts')] as const
    const [{ preflight }, { factsOf }, make] = await Promise.all([...modules, stores(cluster)])
    const store = this.#made(make)
    try {
      const present = this.member?.incarnation
      await preflight({ store, facts: factsOf(config, version), present, timing: realTiming })
    } catch (error) {
      throw refused(messageOf(error))
    } finally {
      store.close()
    }
  }

  /**
   * From the cluster that this node is in, if it is, to that of a config, if there is one; with `apply` as for `enter`.
   * Rejects with a SwitchyardError when it cannot be joined, and then this node is where it was before, or, where that is
   * not possible either, alone, and tries to come back until it can.
   */
  async move(config: Config, apply: () => void): Promise<void> {
    const home = this.#settings ?? this.#home
    const { cluster } = config
    await this.#stopReturning()
    await this.leave(cluster !== undefined)
    try {
      await this.enter(cluster && { ...cluster, ...AT_ONCE }, config, apply)
    } catch (error) {
      if (home !== undefined) await this.#return(home)
      throw error
    }
  }

  /** Back to the cluster that this node has left. Resolves when it is there, or has failed to, and tries again later. */
  #return(home: Cluster): Promise<void> {
    this.#home = home
    this.#cancelReturn = undefined
    const returning = this.#tryReturn(home)
    this.#returning = returning
    return returning
  }

  async #tryReturn(home: Cluster): Promise<void> {
    const { log, links } = this.#parts
    const seconds = home.retry_seconds
    try {
      await this.enter({ ...home, ...AT_ONCE })
      this.#home = undefined
    } catch (error) {
      if (this.#isOver || this.#home !== home) return
      logEvent(log, 'cluster-absent', { seconds, reason: escapeForLog(messageOf(error)) })
      // Alone it does without the others' links.
      links.settleAnew()
      this.#cancelReturn = realTiming.later(() => void this.#return(home), seconds * 1000)
    }
  }

  async #stopReturning(): Promise<void> {
    if (this.#home === undefined) return
    this.#home = undefined
    this.#cancelReturn?.()
    if (!this.#isIn) this.#node?.end()
    await this.#returning
  }

  /** The config has changed in what the others are told of it. */
  serve(domains: Iterable<DomainRoutes>): void {
    this.member?.serve(domains)
    this.keepHolds()
  }

  /**
   * Alone from now on: nothing that is here is lost, and no stream is closed.
   * @param isMoving to another cluster: the links that others have are not this node's to dial
   */
  async leave(isMoving = false): Promise<void> {
    const { member } = this
    if (member === undefined) return
    const { routes, shares, links, alone } = this.#parts
    const deadline = performance.now() + CONFIRM_MILLISECONDS
    this.#isParting = true
    member.registry.part((domain, instance) => alone.join(domain, instance))
    if (member.isUp) {
      await granted(member, deadline)
      await this.#partFromLinks(member, deadline)
      await emptied(member, deadline)
      await quiet(member, deadline)
    }
    await this.#node?.leave(FLUSH_MILLISECONDS)
    this.#node = undefined
    this.#isIn = false
    this.#isParting = false
    this.#settings = undefined
    this.#parts.flusher.onInput = undefined
    for (const domain of routes.domains.values()) {
      member.registry.end(domain)
      domain.hold.keeper = undefined
      shares.release(domain)
    }
    if (!isMoving) links.settleAnew()
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

  #made<T>(make: () => T): T {
    try {
      return make()
    } catch (error) {
      throw refused(messageOf(error))
    }
  }

  /** The node has stopped. */
  async stop(): Promise<void> {
    await this.#stopReturning()
    await this.#node?.leave(FLUSH_MILLISECONDS)
  }

  /** At once. */
  end(): void {
    this.#isOver = true
    this.#cancelReturn?.()
    this.#node?.end()
  }

  /** Domains with `hold.store: redis` write down what they hold. */
  keepHolds(): void {
    for (const domain of this.#parts.routes.domains.values()) {
      const isKept = domain.config.hold.store === 'redis'
      domain.hold.keeper = isKept ? this.member?.keeper.holdKeeper(domain.name) : undefined
    }
  }

  /** Whether Redis takes what domains with `hold.store: redis` hold; null where there is none. */
  get holdStoreUp(): boolean | null {
    const isKept = [...this.#parts.routes.domains.values()].some(({ config }) => config.hold.store === 'redis')
    return isKept && this.#isWanted ? this.member?.isUp === true : null
  }

  metrics(): ClusterMetrics | undefined {
    return this.member?.metrics() ?? (this.#isWanted ? absent : undefined)
  }

  get #isWanted(): boolean {
    return this.#parts.config().cluster !== undefined
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

function refused(reason: string): SwitchyardError {
  return new SwitchyardError('cluster-refused', `cannot join the cluster: ${reason}`)
}

/** Only its text: an error of Redis carries the command that it is about, password and all. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What says which cluster it is. */
function storeOf(settings: Cluster | undefined): unknown {
  if (settings === undefined) return undefined
  const { redis, sentinel, key_prefix, ca } = settings
  return { redis, sentinel, key_prefix, ca }
}
