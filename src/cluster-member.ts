import type { Config } from '../config/config.ts'
import type { ClusterStore, Incarnation } from './cluster/cluster-store.ts'
import type { Destination } from './cluster/entry.ts'
import type { TableChange } from './cluster/known.ts'
import { Membership } from './cluster/membership.ts'
import { namesIn } from './cluster/names-in.ts'
import { updateNode } from './cluster/node-wishes.ts'
import { Post } from './cluster/post.ts'
import type { Reach } from './cluster/reach.ts'
import { StoreClock } from './cluster/store-clock.ts'
import { StoreLoans } from './cluster/store-loans.ts'
import type { Table } from './cluster/table.ts'
import { isVisitor } from './cluster/tasks.ts'
import type { Timing } from './cluster/timing.ts'
import { ClusterAdverts } from './cluster-adverts.ts'
import { overdue } from './cluster-assignment.ts'
import { nodeChanges } from './cluster-changes.ts'
import { ClusterEstates } from './cluster-estates.ts'
import { clusterMetricsOf, factsOf, inboxBytesOf } from './cluster-facts.ts'
import { ClusterHeir } from './cluster-heir.ts'
import { ClusterLinks } from './cluster-links.ts'
import type { ClusterMetrics } from './cluster-metrics.ts'
import { ClusterRegistry } from './cluster-registry.ts'
import { ClusterRuns } from './cluster-runs.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import { PostKeeper } from './post-keeper.ts'
import type { Redelivery } from './redelivery.ts'
import { RemoteStream } from './remote-stream.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { Shares } from './shares.ts'
import type { Flusher } from './stream/flusher.ts'
import type { Outbox } from './stream/outbox.ts'
import type { Reframer } from './stream/reframe.ts'
import type { Upstreams } from './upstream.ts'

export interface ClusterMemberParts {
  readonly config: () => Config
  readonly version: string
  readonly routes: Routes
  /** Switchyard's own address. */
  readonly self: DomainRoutes
  readonly router: Router
  readonly shares: Shares
  readonly redelivery: Redelivery
  readonly reframer: Reframer
  readonly links: Upstreams & { settleAnew(): void }
  readonly flusher: Flusher
  readonly clock: { readonly now: number }
  readonly timing: Timing
  /** What the clock must be added to for milliseconds since 1970. */
  readonly epoch: number
  readonly log: Log
  readonly seated: (domain: DomainRoutes, instance: Instance) => void
  /** Bounces what has waited in an outbox since before that time. */
  readonly giveUp: (domain: DomainRoutes, outbox: Outbox, before: number) => void
  readonly news: (topic: string, text: string) => void
  /** Others have given this life up: the next one may begin. */
  readonly lost: (why: string) => void
  /** It is a member, and what is so now comes into force. */
  readonly entered: () => void
}

/** After so many milliseconds a dead node's inbox is looked at again: an append that the store was slow to carry out may come late. */
const PURGES = [5000, 30_000]

/**
 * One life of this node in a cluster, from joining to leaving, or to being given up: what the nodes agree upon comes into
 * force here, stanzas go to other nodes and come from them, and what dead nodes leave is seen to.
 */
export class ClusterMember {
  readonly incarnation: Incarnation
  readonly registry: ClusterRegistry
  readonly links: ClusterLinks
  readonly membership: Membership
  readonly post: Post
  readonly adverts: ClusterAdverts
  readonly keeper: PostKeeper
  readonly #parts: ClusterMemberParts
  readonly store: ClusterStore
  readonly loans: StoreLoans
  readonly #authority = { isHeld: false }
  readonly time: StoreClock
  readonly #numbers = { last: 0 }
  readonly #runs: ClusterRuns
  readonly #estates: ClusterEstates
  readonly #heir: ClusterHeir
  #reach: Reach = 'up'
  #isIn = false
  #isEnded = false

  constructor(incarnation: Incarnation, store: ClusterStore, parts: ClusterMemberParts) {
    this.incarnation = incarnation
    this.#parts = parts
    this.store = store
    this.loans = new StoreLoans(store)
    const { routes, router, shares, log, seated, timing } = parts
    this.time = new StoreClock({ store, now: () => timing.now(), epoch: parts.epoch })
    const streamTo = this.#streamTo.bind(this)
    const now = () => parts.clock.now
    const nameOf = (node: Incarnation) => this.membership.table.nodes.get(node)?.name
    this.#runs = new ClusterRuns({ ...parts, look: this.look, nameOf, time: this.time })
    this.#estates = new ClusterEstates({
      ...{ me: incarnation, store, log, runs: this.#runs, timing },
      membership: () => this.membership,
      handedOut: () => this.#isEnded || this.#heir.markTime(),
    })
    this.adverts = new ClusterAdverts({
      ...{ routes, router },
      others: () => [...this.membership.table.nodes.keys()].filter((node) => node !== incarnation),
      send: (node, text) => this.post.to(node).news('adverts', text),
      unreadable: (reason) => this.#runs.unreadable(undefined, '', reason),
    })
    this.registry = new ClusterRegistry({
      ...{ me: incarnation, routes, shares, router, log, seated, nameOf, now },
      propose: (wish) => this.membership.propose(wish),
      waiting: () => this.membership.waiting,
      authority: this.#authority,
      isUp: () => this.#reach === 'up' && this.#authority.isHeld,
      streamTo: (domain, name, node) => streamTo(domain.name, name, node),
      table: () => this.membership.table,
      giveUp: (domain, outbox, before) => parts.giveUp(domain, outbox, before),
      time: this.time,
    })
    this.links = new ClusterLinks({
      ...{ me: incarnation, log, propose: this.registry.propose, now },
      serverOf: (domain) => routes.domains.get(domain)?.config.upstream?.service,
      table: () => this.membership.table,
      ...{ isHeld: () => this.#authority.isHeld, isForfeit: () => this.membership.isForfeit },
      isInheriting: () => this.#estates.isReading,
      streamTo: (domain, node) => streamTo(domain, undefined, node),
    })
    this.#heir = new ClusterHeir({ ...parts, estates: this.#estates })
    const limit = () => inboxBytesOf(parts.config())
    this.post = new Post({
      ...{ store, me: incarnation, timing, random: Math.random, limit, mayWrite: () => this.membership.isHeld },
      full: (node, bytes) => logEvent(log, 'inbox-full', { name: nameOf(node), incarnation: node, bytes }),
      handler: {
        run: (_sender, run, ticket) => this.#runs.arrived(run, ticket),
        confirmed: (sender, to, number) => this.#streamsTo(sender, to).some((stream) => stream?.confirmed(number)),
        answered: (sender, { domain, instance = '' }, key) => {
          for (const { requests } of this.registry.called(domain, instance, sender)) requests.answeredElsewhere(key)
        },
        news: (sender, topic, text) => {
          parts.news(topic, text)
          // It is no node, and has no inbox that anything could be sent to.
          if (isVisitor(sender)) this.post.forget(sender)
        },
        unreadable: (sender, id, reason) => this.#runs.unreadable(sender, id, reason),
      },
    })
    this.keeper = new PostKeeper({
      ...{ post: this.post, time: this.time, limit, isUp: () => this.isUp },
      full: (bytes) => logEvent(log, 'journal-full', { bytes }),
    })
    this.membership = new Membership({
      ...{ store, incarnation, facts: factsOf(parts.config(), parts.version), now: () => timing.now() },
      timers: { after: (milliseconds, callback) => timing.later(callback, milliseconds) },
      events: {
        changed: (change) => this.#isIn && this.#safely(() => this.#changed(change)),
        lost: (why) => this.#lost(why),
        reach: (reach) => this.#reached(reach),
        restored: (epoch) => logEvent(log, 'cluster-seeded', { epoch }),
      },
    })
  }

  /** Resolves when this node is a member, and all that the dead have left it has been read. */
  async join(): Promise<void> {
    await this.store.open()
    await this.time.look()
    await this.membership.join()
    this.#authority.isHeld = true
    this.#isIn = true
    const [{ table }, { log }] = [this.membership, this.#parts]
    this.#heir.follow(table)
    this.#parts.entered()
    this.post.start()
    this.registry.begin()
    this.#changed({ before: undefined, table, delta: new Map(), isWhole: true })
    logEvent(log, 'cluster-joined', { incarnation: this.incarnation, epoch: table.epoch, nodes: table.nodes.size })
  }

  /** Whether this node may act for what is its own; looked at before anything is routed. */
  readonly look = (): boolean => {
    if (this.#isEnded) return false
    const { isHeld } = this.membership
    if (isHeld !== this.#authority.isHeld) this.#turn(isHeld)
    return isHeld
  }

  get isUp(): boolean {
    return this.#reach === 'up' && !this.#isEnded
  }
  get reach(): Reach {
    return this.#reach
  }
  nodes() {
    return [...this.membership.table.nodes].map(([incarnation, { name }]) => ({ name, incarnation }))
  }
  metrics(): ClusterMetrics {
    const { table, isHeld } = this.membership
    return clusterMetricsOf(table, this.incarnation, { isUp: this.isUp, isHeld }, (node) => this.post.to(node).bytes)
  }
  get hasOthers(): boolean {
    return this.membership.table.nodes.size > 1 && this.#authority.isHeld
  }

  /** The config has changed in what the others are told of it. */
  serve(domains: Iterable<DomainRoutes>): void {
    const { configs } = factsOf(this.#parts.config(), this.#parts.version)
    // First: nobody is to think that what this node wants is from before.
    void this.registry.propose((draft) => updateNode(draft, this.incarnation, { configs }))
    for (const domain of domains) this.registry.serve(domain)
  }

  tick(): void {
    if (this.#isEnded) return
    this.look()
    this.#heir.markTime()
    this.registry.tick()
    void this.time.look()
    if (this.#reach === 'up') this.#parts.links.settleAnew()
  }

  /** In order: nothing here is another's to see to any more, but what is still written down. */
  async leave(milliseconds: number): Promise<void> {
    this.#isEnded = true
    this.#estates.close(this.hasOthers)
    await this.post.closed(milliseconds)
    await this.membership.leave()
    this.#end()
  }

  end(): void {
    this.membership.stop()
    this.post.stop()
    this.#end()
  }

  #end(): void {
    this.#isEnded = true
    this.#authority.isHeld = false
    this.links.dismiss()
    this.#estates.close()
    this.#heir.markTime(false)
    this.loans.end()
  }

  #safely(act: () => void): void {
    try {
      act()
    } catch (error) {
      logEvent(this.#parts.log, 'bug', { err: error })
    }
  }

  #streamTo(domain: string, instance: string | undefined, node: Incarnation): RemoteStream {
    const { flusher, clock, config, routes } = this.#parts
    const soft = config().limits.outbox_bytes
    const limit = inboxBytesOf(config()) + (routes.domains.get(domain)?.config.hold.bytes ?? 0)
    const name = this.membership.table.nodes.get(node)?.name ?? node
    const parts = { flusher, clock, time: this.time, numbers: this.#numbers, marks: { soft, limit } }
    const stream = new RemoteStream(this.post.to(node), { domain, instance }, name, parts)
    if (instance === undefined) {
      stream.outbox.onDelivered = (stanzas) => {
        const served = routes.domains.get(domain)
        if (served !== undefined) served.counters.forwarded += stanzas
      }
    }
    if (this.#reach !== 'up') stream.hold()
    return stream
  }

  #streamsTo(node: Incarnation, { domain, instance }: Destination): readonly (RemoteStream | undefined)[] {
    if (instance === undefined) return [this.links.way(domain, node)]
    return this.registry.called(domain, instance, node).map(({ stream }) => stream as RemoteStream)
  }

  #changed({ before, table, delta, isWhole }: Omit<TableChange, 'before'> & { before: Table | undefined }): void {
    const { log, routes } = this.#parts
    const { gone, come } = nodeChanges(before, table, this.incarnation, log)
    for (const node of gone) this.#gone(node)
    for (const node of come) this.adverts.greet(node)
    const names = isWhole ? undefined : namesIn(delta)
    for (const domain of routes.domains.values()) {
      if (names === undefined || names.has(domain.name)) {
        this.registry.follow(domain, table.domain(domain.name), names?.get(domain.name))
        // It is wanted wherever its instances are: a server with a link of each node may write to any.
        if (domain.members.size > 0) this.#parts.links.linkFor(domain.name)
      }
    }
    this.#heir.follow(table)
    this.links.accept((domain) => this.#parts.links.linkFor(domain) !== undefined)
    if (before?.nodes !== table.nodes) overdue(table, routes).forEach(this.registry.propose)
    this.#parts.links.settleAnew()
    this.registry.tick()
  }

  #gone(node: Incarnation): void {
    this.links.forget(node)
    this.post.forget(node)
    // What it had been given goes elsewhere with this very change; when that is written, its inbox needs it no more.
    setImmediate(() => void this.post.purge(node))
    for (const milliseconds of PURGES) setTimeout(() => void this.post.purge(node), milliseconds).unref()
    this.#estates.look()
  }

  #turn(isHeld: boolean): void {
    this.#authority.isHeld = isHeld
    const { routes, shares, links, log } = this.#parts
    logEvent(log, isHeld ? 'cluster-unfenced' : 'cluster-fenced')
    for (const reader of [this.post, this.#estates]) {
      if (isHeld) reader.resume()
      else reader.pause()
    }
    for (const domain of routes.domains.values()) {
      if (domain.policy.kind === 'local_random') continue
      // What has not been written to those who may have lost their share waits.
      if (isHeld) shares.release(domain)
      else shares.shareAnew(domain)
    }
    links.settleAnew()
  }

  #reached(reach: Reach): void {
    const wasUp = this.#reach === 'up'
    this.#reach = reach
    if (wasUp === (reach === 'up')) return
    logEvent(this.#parts.log, reach === 'up' ? 'cluster-up' : 'cluster-down', reach === 'up' ? {} : { reach })
    const streams = [...this.registry.remotes.keys()].map(({ stream }) => stream)
    for (const stream of [...streams, ...this.links.ways]) {
      if (stream instanceof RemoteStream) stream[reach === 'up' ? 'proceed' : 'hold']()
    }
  }

  /** Others act for what was this node's by now. */
  #lost(why: string): void {
    logEvent(this.#parts.log, 'cluster-lost', { incarnation: this.incarnation, reason: escapeForLog(why) })
    this.links.tenure.lose()
    this.post.stop()
    this.#estates.close(true)
    this.#end()
    this.registry.dismissAll()
    this.#parts.links.settleAnew()
    this.#parts.lost(why)
  }
}
