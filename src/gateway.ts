import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/names.ts'
import { acceptedDomain } from './accepted-domain.ts'
import { OperatorCommands } from './adhoc/operator-commands.ts'
import type { Admin } from './admin/admin.ts'
import { census } from './census.ts'
import { TICK_MILLISECONDS } from './clock.ts'
import { ClusterSeat } from './cluster-seat.ts'
import { StreamErrorCounters } from './counters.ts'
import { domainMetrics } from './domain-metrics.ts'
import { DomainRoutes } from './domain-routes.ts'
import { Drains } from './drains.ts'
import { Events } from './events.ts'
import { Histogram, iqBounds, routeBounds } from './histogram.ts'
import type { Instance } from './instance.ts'
import { Instances } from './instances.ts'
import { LateMetrics } from './late-metrics.ts'
import { LinkEvents } from './link-events.ts'
import { Links, type LinksParts } from './links.ts'
import { Listener } from './listener.ts'
import { LocalRouter } from './local.ts'
import { type Log, logEvent } from './log.ts'
import { LoopDelay } from './loop-delay.ts'
import { NodeActions } from './node-actions.ts'
import { Overload } from './overload.ts'
import { Recent } from './recent.ts'
import { Redelivery } from './redelivery.ts'
import { Refusals } from './refusals.ts'
import { LocalRegistry } from './registry.ts'
import { Router } from './router.ts'
import { Routes } from './routes.ts'
import { reframerOf, scannersBy } from './scanning.ts'
import { selfConfig } from './self-config.ts'
import { Serving } from './serving.ts'
import { Shares } from './shares.ts'
import { sourcesOf } from './sources.ts'
import { Barriers } from './stream/barriers.ts'
import { Flusher } from './stream/flusher.ts'
import { View } from './view.ts'
import { type Patience, usualPatience, Watch } from './watch.ts'

export interface GatewayOptions {
  readonly version: string
  readonly log: Log
  readonly patience?: Patience
  /** Resident memory, in bytes. */
  readonly memory?: () => number
  /** Another node asks this one to read its configuration anew, or to stop. */
  readonly asked?: { reload(): Promise<readonly string[]>; stop(): void }
}

/** A link that has to wait for so long until it is dialled again is left to another node. */
const YIELD_MILLISECONDS = 8000

export type GatewayState = 'starting' | 'ready' | 'draining' | 'stopped'

/** One Switchyard node: puts the parts together, and changes or ends them in order. */
export class Gateway {
  readonly #log: Log
  readonly #clock = { now: performance.now() }
  readonly #routes = new Routes()
  readonly #flusher = new Flusher()
  readonly #streamErrors = new StreamErrorCounters()
  readonly #routeSeconds = new Histogram(routeBounds)
  readonly #iqSeconds = new Histogram(iqBounds)
  readonly #configReloads = { ok: 0, refused: 0 }
  readonly #self: DomainRoutes
  readonly #links: Links
  readonly #router: Router
  readonly #shares: Shares
  readonly #drains: Drains
  readonly #instances: Instances
  readonly #listener: Listener
  readonly #overload: Overload
  readonly #loopDelay = new LoopDelay(() => performance.now())
  readonly #watch: Watch
  readonly #seat: ClusterSeat
  readonly #events: Events
  readonly #actions: NodeActions
  readonly #metrics: LateMetrics
  readonly #recent: Recent
  readonly view: View
  readonly #serving: Serving
  readonly #ticker: NodeJS.Timeout
  #config: Config
  #state: GatewayState = 'starting'
  #ports: readonly number[] = []
  #admin: Admin | undefined

  /** Builds the node and opens its ports; rejects with a SwitchyardError when one cannot be opened. */
  static async start(config: Config, options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(config, options)
    try {
      await gateway.#open()
    } catch (error) {
      await gateway.#close()
      throw error
    }
    return gateway
  }

  private constructor(config: Config, { version, log, patience = usualPatience, asked, memory }: GatewayOptions) {
    this.#config = config
    this.#log = log
    this.#self = new DomainRoutes(selfConfig(config), Math.random)
    const { routes, clock, flusher } = { routes: this.#routes, clock: this.#clock, flusher: this.#flusher }
    const reframer = reframerOf(config.limits)
    const limits = () => this.#config.limits
    const scanners = scannersBy(limits, (why) => logEvent(log, 'scanner-plain', { why }))
    const domains = () => [...this.#config.domains.keys()].filter((name) => name !== config.address)
    const drain = (asker: Instance) => {
      const domain = routes.domains.get(asker.domain.name)
      if (domain !== undefined) this.#actions.drainInstance(domain, asker)
    }
    const commands = new OperatorCommands({
      ...{ admins: () => this.#config.admins, isServed: (name) => routes.domains.has(name) },
      ...{ view: () => this.view, actions: () => this.#actions, nodes: () => this.#seat.tasks() },
      ...{ log, now: () => performance.now() },
    })
    const local = new LocalRouter({ address: config.address, version, domains, now: () => new Date(), commands })
    const readFile = (path: string) => readFileSync(path, 'utf8')
    const undeliverable: LinksParts['undeliverable'] = (domain, queue) => this.#router.giveUpLink(domain, queue)
    const random = Math.random
    const handler = new LinkEvents({
      routes,
      router: () => this.#router,
      streamErrors: this.#streamErrors,
      log,
      retrying: ({ domain }, milliseconds) => {
        if (milliseconds >= YIELD_MILLISECONDS) this.#seat.member?.links.yield(domain)
      },
      forgotten: (name) => {
        const domain = routes.domains.get(name)
        if (domain !== undefined) this.#seat.member?.adverts.tell(domain)
      },
    })
    const leases = () => this.#seat.member?.links
    this.#links = new Links({ routes, flusher, handler, random, readFile, limits, scanners, undeliverable, leases })
    this.#router = new Router({
      ...{ routes, self: this.#self, local, links: this.#links, clock, reframer, drain },
      answered: (seconds) => this.#iqSeconds.observe(seconds),
      routed: (seconds) => this.#routeSeconds.observe(seconds),
      preciseNow: () => performance.now(),
      keeper: () => this.#seat.member?.keeper,
      advertised: (domain) => this.#seat.member?.adverts.tell(domain),
    })
    const own = { address: config.address, epoch: performance.timeOrigin }
    const redelivery = new Redelivery({ router: this.#router, reframer, clock, log, ...own })
    this.#shares = new Shares({ router: this.#router, redelivery, log })
    const alone = new LocalRegistry({
      ...{ shares: this.#shares, router: this.#router, log },
      seated: (domain, instance) => this.#instances.seated(domain, instance),
    })
    this.#drains = new Drains({
      roster: () => this.#instances,
      unregister: (instance) => routes.unregister(instance),
      log,
      now: () => performance.now(),
      tick: () => new Promise((resolve) => setTimeout(resolve, TICK_MILLISECONDS)),
    })
    this.#instances = new Instances({
      ...{ clock, drains: this.#drains, node: config.node, routes, router: this.#router, shares: this.#shares, log },
      registry: () => this.#seat.registry,
      barriers: (domain) => new Barriers(clock, config.address, domain),
      ...{ randomBytes, now: Date.now },
      joined: (domain) => void this.#links.linkFor(domain),
    })
    const refusals = new Refusals(log, () => performance.now())
    const { router, instances, links } = { router: this.#router, instances: this.#instances, links: this.#links }
    const isOverloaded = () => this.#overload.level > 0
    const delay = () => this.#loopDelay.last
    this.#overload = new Overload({
      memory: memory ?? (() => null),
      limits,
      log,
      sources: () => sourcesOf(instances, links),
    })
    this.#listener = new Listener({
      ...{ refusals, flusher, streamErrors: this.#streamErrors, log, limits, scanners, isOverloaded },
      find: (name, arrival) => acceptedDomain(this.#config, name, arrival),
      admit: (stream, domain, credential) => instances.admit(stream, domain, credential),
      ...{ requireTls: () => this.#config.require_tls ?? false, isExposed: (address) => !isLoopback(address) },
    })
    this.#watch = new Watch({ routes, instances, links, router, reframer, clock, log, patience, limits })
    const counts = () => census(routes, instances, links)
    this.#metrics = new LateMetrics({
      domains: () => counts().map(domainMetrics),
      streamErrors: this.#streamErrors,
      refusals: () => refusals.entries(),
      ...{ routeSeconds: this.#routeSeconds, iqSeconds: this.#iqSeconds },
      ...{ overload: () => this.#overload.level, loopDelay: delay },
      cluster: () => this.#seat.metrics(),
      holdStoreUp: () => this.#seat.holdStoreUp,
      configReloads: this.#configReloads,
      eventsDropped: () => this.#events.dropped,
      adminRefusals: () => this.#actions.refusals,
    })
    this.#events = new Events(log, Date.now)
    const all = () => this.#instances.all
    this.#actions = new NodeActions({ config: () => this.#config, routes, drains: () => this.#drains, log, all })
    this.#seat = new ClusterSeat({
      ...{ version, routes, self: this.#self, router, links, flusher, clock, redelivery, log, epoch: own.epoch },
      ...{ instances, alone, drains: this.#drains, shares: this.#shares, config: () => this.#config, asked },
      ...{ act: this.#actions.act, usage: () => this.view.usage() },
      seated: (domain, instance) => instances.seated(domain, instance),
      giveUp: (domain, outbox, before) => this.#watch.giveUpOld(domain, outbox, before),
    })
    const member = () => this.#seat.member
    const loop = () => performance.eventLoopUtilization()
    this.#recent = new Recent({ census: counts, routeSeconds: this.#routeSeconds, now: () => performance.now(), loop })
    const usages = async () => (await this.#seat.tasks()).usages()
    const shown = { recent: this.#recent, clock, memory: memory ?? (() => null), usages, member, census: counts }
    const told = { state: () => this.#state, isOverloaded, delay, metrics: () => this.#metrics.text() }
    this.view = new View({ version, config: () => this.#config, ...told, ...shown })
    this.#serving = new Serving({
      ...{ routes, self: this.#self, shares: this.#shares, slabs: flusher.slabs, clock, random: Math.random, log },
      ended: (domain) => this.#end(domain),
      served: (domains) => this.#seat.serve(domains),
    })
    this.#serving.serve(config)
    this.#ticker = setInterval(() => this.#tick(), TICK_MILLISECONDS)
  }

  /** The ports of `listen`, in order: what 0 became. */
  get ports(): readonly number[] {
    return this.#ports
  }
  get adminPort(): number | undefined {
    return this.#admin?.port
  }
  get state(): GatewayState {
    return this.#state
  }

  /** Takes a new config into force, without closing a stream that need not be. What only a restart changes is logged. */
  async reload(config: Config): Promise<void> {
    const old = this.#config
    const { node, address, admin } = old
    const kept: Config = { ...config, node, address, ...(admin ? { admin } : {}) }
    const isElsewhere = this.#seat.isOther(kept.cluster)
    // A cluster that cannot be joined and ports that cannot be opened come first: a reload that fails here has changed nothing.
    if (isElsewhere) await this.#seat.inspect(kept)
    this.#ports = await this.#listener.configure(kept.listen)
    const apply = () => {
      this.#config = kept
      this.#serving.serve(kept)
    }
    if (isElsewhere) await this.#seat.move(kept, apply).catch((error: unknown) => this.#stay(error))
    else apply()
    for (const domain of this.#routes.domains.values()) this.#instances.closeUnauthorised(domain)
    await this.#links.configure()
    this.#links.linkFor(kept.address)
    this.#log.level = kept.log.level
    this.#configReloads.ok++
    logEvent(this.#log, 'config-reloaded')
    const restart = (['node', 'address', 'admin'] as const).filter((key) => !isDeepStrictEqual(old[key], config[key]))
    if (restart.length > 0) logEvent(this.#log, 'config-needs-restart', { needsRestart: restart })
  }

  /** The cluster of a new config could not be joined after all: the old one stays in force. */
  async #stay(error: unknown): Promise<never> {
    this.#ports = await this.#listener.configure(this.#config.listen)
    throw error
  }

  /** A reload was asked for, and the config has problems: the old one stays. */
  refuseReload(problems: readonly string[]): void {
    this.#configReloads.refused++
    logEvent(this.#log, 'config-refused', { problems })
  }

  /** Drains: unanswered requests get `drain.seconds`, then every stream is closed with `system-shutdown`. */
  async stop(): Promise<void> {
    if (this.#state === 'draining' || this.#state === 'stopped') return
    this.#state = 'draining'
    logEvent(this.#log, 'stopping', { instances: this.#instances.all.size })
    const deadline = performance.now() + this.#config.drain.seconds * 1000
    this.#listener.close()
    // Where other nodes go on, all that this one has moves there.
    await this.#seat.drain(deadline)
    this.#router.isStopping = true
    this.#links.giveUpDown()
    await this.#drains.drainAll('system-shutdown', deadline)
    await this.#seat.stop()
    for (const domain of this.#routes.domains.values()) this.#watch.giveUpUnsaved(domain)
    await this.#links.drained(deadline)
    await this.#close()
    logEvent(this.#log, 'stopped')
  }

  async #open(): Promise<void> {
    // First of all, so that nothing overtakes what was held before.
    await this.#seat.enter(this.#config.cluster)
    this.#ports = await this.#listener.configure(this.#config.listen)
    const { admin } = this.#config
    if (admin !== undefined) {
      this.#loopDelay.start()
      // A node that nobody can ask loads neither.
      const [{ startAdmin }, { Tuning }] = await Promise.all([
        import('./admin/admin.ts'),
        import('./tuning.ts'),
        this.#metrics.make(),
      ])
      const access = await this.#seat.tasks()
      const { tasks, sampler, me } = access
      const limits = () => this.#config.limits
      const clocks = { now: Date.now, preciseNow: () => performance.now() }
      const tuning = new Tuning({ routes: this.#routes, tasks, sampler, me, limits, ...clocks })
      const parts = { access, events: this.#events, tuning }
      this.#admin = await startAdmin(admin, this.view, this.#actions, this.#log, parts)
    }
    // No instance will come and want it.
    this.#links.linkFor(this.#config.address)
    this.#state = 'ready'
    logEvent(this.#log, 'ready', { ports: this.#ports, domains: this.#config.domains.size })
  }

  async #close(): Promise<void> {
    clearInterval(this.#ticker)
    this.#loopDelay.stop()
    this.#listener.close()
    this.#seat.end()
    this.#events.close()
    await this.#links.stop()
    await this.#admin?.close()
    this.#state = 'stopped'
  }

  #end(domain: DomainRoutes): void {
    this.#seat.member?.registry.end(domain)
    const instances = [...domain.members.values(), ...domain.joining.values()]
    for (const { stream } of instances) stream.close('host-gone')
    this.#watch.giveUpHold(domain, 'unassigned')
  }

  #tick(): void {
    this.#clock.now = performance.now()
    // What was held too long is bounced once all of it has been read.
    if (this.#state !== 'starting') this.#watch.tick()
    this.#seat.member?.tick()
    this.#overload.tick()
    if (this.#admin !== undefined) this.#recent.tick()
    this.#loopDelay.tick()
    if (this.#state === 'draining') this.#links.giveUpDown()
  }
}
