import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config, Domain } from '../config/config.ts'
import { normaliseDomain } from '../config/names.ts'
import { acceptedDomain } from './accepted-domain.ts'
import type { AdminActions } from './admin/actions.ts'
import type { Admin } from './admin/admin.ts'
import { Backoff } from './backoff.ts'
import { census } from './census.ts'
import { TICK_MILLISECONDS } from './clock.ts'
import { storeOf } from './cluster/store.ts'
import { StreamErrorCounters } from './counters.ts'
import { domainMetrics } from './domain-metrics.ts'
import { DomainRoutes } from './domain-routes.ts'
import { Drains } from './drains.ts'
import { Histogram, iqBounds, routeBounds } from './histogram.ts'
import type { Instance } from './instance.ts'
import { Instances } from './instances.ts'
import type { HoldStore } from './journal.ts'
import { Journals } from './journals.ts'
import { LateMetrics } from './late-metrics.ts'
import { LinkEvents } from './link-events.ts'
import { Links, type LinksParts } from './links.ts'
import { Listener } from './listener.ts'
import { LocalRouter } from './local.ts'
import { type Log, logEvent } from './log.ts'
import { Redelivery } from './redelivery.ts'
import { LocalRegistry } from './registry.ts'
import { Router } from './router.ts'
import { Routes } from './routes.ts'
import { scannersBy } from './scanning.ts'
import { selfConfig } from './self-config.ts'
import { Shares } from './shares.ts'
import { Barriers } from './stream/barriers.ts'
import { Flusher } from './stream/flusher.ts'
import { Reframer } from './stream/reframe.ts'
import { View } from './view.ts'
import { type Patience, usualPatience, Watch } from './watch.ts'

export interface GatewayOptions {
  readonly version: string
  readonly log: Log
  readonly patience?: Patience
}

/** How long a stop waits for Redis to take what is held, in milliseconds. */
const FLUSH_MILLISECONDS = 2000
/** Between one try and the next to reach Redis, in milliseconds. */
const redisRetry = { first: 250, most: 5000 }

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
  readonly #watch: Watch
  /** Undefined where what is held ends with the node. */
  readonly #journals: Journals | undefined
  readonly #metrics: LateMetrics
  readonly #view: View
  readonly #ticker: NodeJS.Timeout
  #config: Config
  #state: GatewayState = 'starting'
  #ports: readonly number[] = []
  #admin: Admin | undefined

  /** Builds the node and opens its ports; rejects with a SwitchyardError when one cannot be opened. */
  static async start(config: Config, options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(config, options, await storeOf(config))
    try {
      await gateway.#open()
    } catch (error) {
      await gateway.#close()
      throw error
    }
    return gateway
  }

  private constructor(
    config: Config,
    { version, log, patience = usualPatience }: GatewayOptions,
    store: HoldStore | undefined,
  ) {
    this.#config = config
    this.#log = log
    this.#self = new DomainRoutes(selfConfig(config), Math.random)
    const { routes, clock, flusher } = { routes: this.#routes, clock: this.#clock, flusher: this.#flusher }
    const reframer = new Reframer(config.limits)
    const limits = () => this.#config.limits
    const scanners = scannersBy(limits, (why) => logEvent(log, 'scanner-plain', { why }))
    const domains = () => [...this.#config.domains.keys()].filter((name) => name !== config.address)
    const drain = (asker: Instance) => {
      const domain = routes.domains.get(asker.domain.name)
      if (domain !== undefined) this.#drain(domain, asker)
    }
    const local = new LocalRouter({ address: config.address, version, domains, now: () => new Date() })
    const readFile = (path: string) => readFileSync(path, 'utf8')
    const undeliverable: LinksParts['undeliverable'] = (domain, queue) => this.#router.giveUpLink(domain, queue)
    const random = Math.random
    const handler = new LinkEvents({
      routes,
      router: () => this.#router,
      streamErrors: this.#streamErrors,
      log,
      retrying: () => {},
      forgotten: () => {},
    })
    this.#links = new Links({ routes, flusher, handler, random, readFile, limits, scanners, undeliverable })
    this.#router = new Router({
      routes,
      self: this.#self,
      local,
      links: this.#links,
      clock,
      reframer,
      answered: (seconds) => this.#iqSeconds.observe(seconds),
      drain,
      routed: (seconds) => this.#routeSeconds.observe(seconds),
      preciseNow: () => performance.now(),
      keeper: () => undefined,
      advertised: () => {},
    })
    const own = { address: config.address, epoch: performance.timeOrigin }
    const redelivery = new Redelivery({ router: this.#router, reframer, clock, log, ...own })
    this.#shares = new Shares({ router: this.#router, redelivery, log })
    const registry = new LocalRegistry({
      shares: this.#shares,
      router: this.#router,
      log,
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
      clock,
      drains: this.#drains,
      node: config.node,
      routes,
      router: this.#router,
      shares: this.#shares,
      registry: () => registry,
      barriers: (domain) => new Barriers(clock, config.address, domain),
      log,
      randomBytes,
      now: Date.now,
      joined: (domain) => void this.#links.linkFor(domain),
    })
    this.#listener = new Listener({
      find: (name, allowed) => acceptedDomain(this.#config, name, allowed),
      admit: (stream, domain, credential) => this.#instances.admit(stream, domain, credential),
      flusher,
      streamErrors: this.#streamErrors,
      log,
      limits,
      scanners,
    })
    const { router, instances, links } = { router: this.#router, instances: this.#instances, links: this.#links }
    this.#watch = new Watch({ routes, instances, links, router, reframer, clock, log, patience, limits })
    this.#journals =
      store &&
      new Journals({
        store,
        log,
        epoch: own.epoch,
        now: Date.now,
        backoff: new Backoff(redisRetry.first, redisRetry.most, Math.random),
        restore: (domain, slab) => redelivery.restore(domain, slab),
        reroute: (domain, queue) => router.reroute(domain, queue),
      })
    const counts = () => census(routes, instances, links)
    this.#metrics = new LateMetrics({
      domains: () => counts().map((count) => domainMetrics(count, this.#journals?.unsaved(count.domain.name) ?? null)),
      streamErrors: this.#streamErrors,
      routeSeconds: this.#routeSeconds,
      iqSeconds: this.#iqSeconds,
      clusterNodes: 1,
      clusterUp: true,
      holdStoreUp: () => this.#journals?.isUp ?? null,
      configReloads: this.#configReloads,
    })
    const state = () => this.#state
    const metrics = () => this.#metrics.text()
    this.#view = new View({ version, config: () => this.#config, state, census: counts, metrics })
    this.#serve(config)
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
  get view(): View {
    return this.#view
  }

  /** Takes a new config into force, without closing a stream that need not be. What only a restart changes is logged. */
  async reload(config: Config): Promise<void> {
    const old = this.#config
    const { node, address, admin, cluster } = old
    const kept: Config = { ...config, node, address, ...(admin ? { admin } : {}), ...(cluster ? { cluster } : {}) }
    // What may fail comes first: a reload that fails has changed nothing.
    this.#ports = await this.#listener.configure(kept.listen)
    this.#config = kept
    this.#serve(kept)
    for (const domain of this.#routes.domains.values()) this.#instances.closeUnauthorised(domain)
    await this.#links.configure()
    this.#log.level = kept.log.level
    this.#configReloads.ok++
    const restart = (['node', 'address', 'admin', 'cluster'] as const).filter(
      (key) => JSON.stringify(old[key]) !== JSON.stringify(config[key]),
    )
    logEvent(this.#log, 'config-reloaded', restart.length > 0 ? { needsRestart: restart } : {})
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
    this.#router.isStopping = true
    this.#listener.close()
    this.#links.giveUpDown()
    await this.#drains.drainAll('system-shutdown', deadline)
    await this.#journals?.flushed(FLUSH_MILLISECONDS)
    this.#journals?.close()
    for (const domain of this.#routes.domains.values()) this.#watch.giveUpUnsaved(domain)
    await this.#links.drained(deadline)
    await this.#close()
    logEvent(this.#log, 'stopped')
  }

  async #open(): Promise<void> {
    // First of all, so that nothing overtakes what was held before.
    await this.#journals?.open()
    this.#ports = await this.#listener.configure(this.#config.listen)
    const { admin } = this.#config
    if (admin !== undefined) {
      // A node that nobody can ask loads neither.
      const [{ startAdmin }] = await Promise.all([import('./admin/admin.ts'), this.#metrics.make()])
      this.#admin = await startAdmin({ host: admin.host, port: admin.port }, this.#view, this.#actions(), this.#log)
    }
    this.#state = 'ready'
    logEvent(this.#log, 'ready', { ports: this.#ports, domains: this.#config.domains.size })
  }

  /** What the admin port may do. */
  #actions(): AdminActions {
    return {
      token: () => this.#config.admin?.token,
      drain: (name, instance) => {
        const domain = this.#routes.domains.get(normaliseDomain(name) ?? '')
        const found = domain?.members.get(instance)
        if (domain === undefined || found === undefined) return undefined
        return this.#drain(domain, found)
      },
      clearQuarantine: (name) => {
        const domain = this.#routes.domains.get(normaliseDomain(name) ?? '')
        domain?.quarantine.clear()
        return domain && true
      },
    }
  }

  /** Starts to drain an instance; false when that has begun already. */
  #drain(domain: DomainRoutes, instance: Instance): boolean {
    if (instance.state === 'draining') return false
    this.#drains
      .drain(domain, instance, 'reset', this.#config.drain.seconds)
      .catch((error: Error) => logEvent(this.#log, 'bug', { error: error.message }))
    return true
  }

  async #close(): Promise<void> {
    clearInterval(this.#ticker)
    this.#listener.close()
    this.#journals?.close()
    await this.#links.stop()
    await this.#admin?.close()
    this.#state = 'stopped'
  }

  /** Makes the routing table serve the config's domains: those that it had stay, changed; those that it lost are ended. */
  #serve(config: Config): void {
    const before = new Map(this.#routes.domains)
    const served = [...config.domains.values()].map((domain) => this.#configure(before.get(domain.name), domain))
    if (!config.domains.has(config.address)) served.push(this.#configure(this.#self, selfConfig(config)))
    const names = new Set(served.map(({ name }) => name))
    for (const domain of before.values()) if (!names.has(domain.name)) this.#end(domain)
    this.#routes.serve(served)
    this.#journals?.configure(served.filter((domain) => domain.config.hold.store === 'redis'))
  }

  #configure(existing: DomainRoutes | undefined, config: Domain): DomainRoutes {
    const domain = existing ?? (config.name === this.#self.name ? this.#self : undefined)
    if (domain === undefined) return new DomainRoutes(config, Math.random, this.#flusher.slabs)
    if (domain.configure(config)) this.#shares.redistribute(domain)
    return domain
  }

  #end(domain: DomainRoutes): void {
    for (const instance of [...domain.members.values()]) instance.stream.close('host-gone')
    this.#watch.giveUpHold(domain, 'unassigned')
  }

  #tick(): void {
    this.#clock.now = performance.now()
    // What was held too long is bounced once all of it has been read.
    if (this.#state !== 'starting') this.#watch.tick()
    if (this.#state === 'draining') this.#links.giveUpDown()
  }
}
