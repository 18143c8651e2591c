import type { Upstream as UpstreamConfig } from '../config/config.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { Link, type LinkHandler } from './link.ts'
import type { LinkHolder, LinkLeases } from './link-leases.ts'
import type { LinkTenure } from './link-tenure.ts'
import type { LinkTls } from './link-tls.ts'
import type { RemoteStream } from './remote-stream.ts'
import type { Routes } from './routes.ts'
import type { Flusher } from './stream/flusher.ts'
import { Outbox } from './stream/outbox.ts'
import { StanzaQueue } from './stream/queue.ts'
import type { Standstill } from './stream/standstill.ts'
import type { Upstream, Upstreams } from './upstream.ts'
import type { Scanners } from './xmpp/scanners.ts'

export interface LinksParts {
  readonly routes: Routes
  readonly flusher: Flusher
  readonly handler: LinkHandler
  readonly random: () => number
  readonly readFile: (path: string) => string
  readonly limits: () => { readonly outbox_bytes: number; readonly handshake_bytes: number }
  readonly scanners: () => Scanners
  /** Takes what waited for a link that ends without another in its place. */
  readonly undeliverable: (domain: DomainRoutes, queue: StanzaQueue) => void
  /** Undefined for a node alone, which dials whenever it likes. */
  readonly leases: () => LinkLeases | undefined
}

/** How long the node that had a link may take to pass on what it was given for it, in milliseconds. */
const PASSING_MILLISECONDS = 10_000
/** Between one look and the next whether links have changed hands. */
const SETTLING_MILLISECONDS = 20
/** After a server has said `conflict` to a link that another node may have had, in milliseconds; then twice that, … */
const TAKEOVER_RETRY_MILLISECONDS = 2000

interface Held {
  /** Ours; not open while another node has the domain's one link. */
  link: Link
  /** Where stanzas go: to the link, to the node that has it, or to where they wait until that is settled. */
  way: Upstream
  /** Who is to have the link, and who had it when `way` was last settled. */
  holder: LinkHolder
  settled: LinkHolder
  isSettling: boolean
  /** Resolves when it is not settling. */
  rest: Promise<void>
  /** Another is to stand in its place: what changes hands from now on is that one's. */
  isStale: boolean
  readonly config: UpstreamConfig
  readonly domain: DomainRoutes
  readonly standstill: Standstill
}

/** The links to XMPP servers: one per source domain that has an upstream, opened when it is first wanted, then kept. */
export class Links implements Upstreams {
  readonly #parts: LinksParts
  readonly #held = new Map<string, Held>()
  #isStopping = false

  constructor(parts: LinksParts) {
    this.#parts = parts
  }

  /** The link of a domain, opened if there was none; undefined when the domain has no upstream. */
  linkFor(domain: string): Upstream | undefined {
    return this.#held.get(domain)?.way ?? this.#open(domain)
  }

  /** The link of a domain if it has been opened. */
  peek(domain: string): Link | undefined {
    return this.#held.get(domain)?.link
  }

  /** A domain's one link is another's from now on: what is on its way to the old one goes first. */
  assign(domain: string, holder: LinkHolder): void {
    const held = this.#held.get(domain)
    if (held === undefined || held.holder === holder || held.isStale) return
    held.holder = holder
    if (!held.isSettling) held.rest = this.#settle(held)
  }

  /** Alone from now on, or not: each link is settled anew. */
  settleAnew(): void {
    const leases = this.#parts.leases()
    for (const [name, held] of this.#held) {
      const isOne = leases !== undefined && held.config.links === 'one'
      const holder = isOne ? leases.want(name) : 'here'
      // A link that stays may have been opened before this node was in a cluster, or while it was.
      if (holder === 'here' && held.holder === 'here' && !held.isSettling) held.link.tenure = this.#tenureOf(held)
      // A link that is up stays so until it is known to be another's.
      if (holder === undefined && held.holder === 'here' && leases?.isClaiming(name)) continue
      this.assign(name, holder)
    }
  }

  /** Resolves when no link is changing hands, or at the deadline (`performance.now()`). */
  async settled(deadline: number): Promise<void> {
    const isSettling = () => [...this.#held.values()].some((held) => held.isSettling)
    while (isSettling() && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, SETTLING_MILLISECONDS))
  }

  /** Where stanzas for a domain's server wait. */
  outboxes(domain: string): ReadonlySet<Outbox> {
    const held = this.#held.get(domain)
    return new Set(held === undefined ? [] : [held.link.outbox, held.way.outbox])
  }

  /** The links that have been opened. */
  *all(): IterableIterator<Held> {
    yield* this.#held.values()
  }

  /** Stops and forgets the links whose domain or upstream is no more what it was. Those of the new ones open when wanted. */
  async configure(): Promise<void> {
    const stale = [...this.#held.values()].filter(({ domain, config }) => {
      const now = this.#parts.routes.domains.get(domain.name)
      return now !== domain || JSON.stringify(now.config.upstream) !== JSON.stringify(config)
    })
    await Promise.all(stale.map((held) => this.#replace(held)))
  }

  /** Resolves when every link that is up has sent what waited for it, or at the deadline (`performance.now()`). */
  async drained(deadline: number): Promise<void> {
    const going = [...this.#held.values()].filter(({ link, way }) => way !== link || link.state === 'online')
    await Promise.all(going.map(({ way }) => way.outbox.passed(deadline - performance.now())))
  }

  /** The node is stopping, and others have links of their own: these are closed, in order, while what they bring can be passed on. */
  async closeShared(): Promise<void> {
    const shared = [...this.#held.values()].filter(({ config }) => config.links === 'each')
    await Promise.all(shared.map(({ link }) => link.stop()))
  }

  /** The node is stopping: what waits for a link that is not up is given up, while those who sent it are still there. */
  giveUpDown(): void {
    for (const held of this.#held.values()) {
      if (held.way === held.link && held.link.state !== 'online') this.#giveUp(held)
    }
  }

  /** Stops every link, for good; what could not be written is given up. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const held = [...this.#held.values()]
    await Promise.all(held.map(({ link }) => link.stop()))
    for (const stopped of held) this.#giveUp(stopped)
  }

  /** What waited for the old link goes by the new one, or is given up when there is none. */
  async #replace(held: Held): Promise<void> {
    const { domain } = held
    held.isStale = true
    // What one holder had not confirmed is on its way to the next: it comes back here first.
    await held.rest
    const { link, way, settled } = held
    // Until it has stopped, what its socket had been handed may still come back to its outbox; what is newer waits behind.
    await link.stop()
    if (this.#held.get(domain.name) !== held) return
    this.#held.delete(domain.name)
    const left = way.outbox.take()
    if (way !== link) left.prepend(link.outbox.take())
    // What another node was given and has not confirmed goes before anything that the new one is given.
    const before = settled !== 'here' && way === settled ? settled : undefined
    if (left.isEmpty && before === undefined) return
    const next = this.#open(domain.name, before)
    if (next !== undefined) next.outbox.requeue(left)
    else if (!left.isEmpty) this.#parts.undeliverable(domain, left)
  }

  #giveUp({ link, way, domain }: Held): void {
    const left = way.outbox.take()
    if (way !== link) left.prepend(link.outbox.take())
    if (!left.isEmpty) this.#parts.undeliverable(domain, left)
  }

  /** Until it is known to have ended, nothing that is newer overtakes what went the old way. */
  async #settle(held: Held): Promise<void> {
    held.isSettling = true
    const waiting = this.#newOutbox(held.domain, held.config)
    const older = new StanzaQueue()
    const first = held.way
    held.way = { outbox: waiting }
    if (first !== held.link) older.prepend(first.outbox.take())
    while (held.settled !== held.holder) {
      const before = held.settled
      held.settled = held.holder
      if (held.settled === 'here') this.#openLink(held)
      older.prepend(before === 'here' ? await this.#part(held) : await this.#passed(before))
    }
    const next = held.holder === undefined || held.holder === 'here' ? held.link : held.holder
    if (next !== held.link) older.prepend(held.link.outbox.take())
    next.outbox.requeue(waiting.take())
    next.outbox.requeue(older)
    held.way = next
    held.isSettling = false
  }

  /** Our link ends, in order; the next one will be another. Resolves with what could not be written. */
  async #part(held: Held): Promise<StanzaQueue> {
    const { link } = held
    await link.stop()
    held.link = this.#newLink(held.domain, held.config)
    if (held.settled === 'here') this.#openLink(held)
    return link.outbox.take()
  }

  #openLink(held: Held): void {
    held.link.tenure = this.#tenureOf(held)
    held.link.open()
  }

  #tenureOf({ config }: Held): LinkTenure | undefined {
    return config.links === 'one' ? this.#parts.leases()?.tenure : undefined
  }

  /** Resolves when the node that had the link has confirmed all it was given, or is gone; with what it had not. */
  async #passed(before: RemoteStream | undefined): Promise<StanzaQueue> {
    if (before === undefined) return new StanzaQueue()
    await Promise.race([before.outbox.passed(PASSING_MILLISECONDS), before.gone])
    return before.outbox.detach()
  }

  /** @param before the node that what goes to this server was given until now */
  #open(name: string, before?: RemoteStream): Upstream | undefined {
    const domain = this.#parts.routes.domains.get(name)
    const config = domain?.config.upstream
    if (this.#isStopping || domain === undefined || config === undefined) return undefined
    const link = this.#newLink(domain, config)
    const held: Held = {
      ...{ link, way: before ?? link, config, domain, standstill: { progress: 0, since: undefined } },
      ...{ holder: before, settled: before, isSettling: false, rest: Promise.resolve(), isStale: false },
    }
    this.#held.set(name, held)
    const leases = config.links === 'one' ? this.#parts.leases() : undefined
    if (leases !== undefined) this.assign(name, leases.want(name))
    else if (before !== undefined) this.assign(name, 'here')
    else {
      held.holder = held.settled = 'here'
      this.#openLink(held)
    }
    return held.way
  }

  #newOutbox(domain: DomainRoutes, config: UpstreamConfig): Outbox {
    const outbox = new Outbox(this.#parts.flusher, this.#parts.limits().outbox_bytes, config.queue.bytes)
    outbox.pausesSources = false // nobody is paused for a link that is not up
    outbox.onDelivered = (stanzas) => {
      domain.counters.deliveredToLink += stanzas
    }
    return outbox
  }

  #newLink(domain: DomainRoutes, config: UpstreamConfig): Link {
    const isLeased = config.links === 'one' && this.#parts.leases() !== undefined
    return new Link(
      {
        domain: domain.name,
        host: config.host,
        port: config.port,
        tls: config.tls ? this.#tls(config) : undefined,
        secret: config.secret,
        scanners: this.#parts.scanners(),
        handshake_bytes: this.#parts.limits().handshake_bytes,
        outbox: this.#newOutbox(domain, config),
        shared: config.links === 'each',
        random: this.#parts.random,
        // The server may still believe in the connection of a node that is gone.
        ...(isLeased ? { timing: { patientRetry: TAKEOVER_RETRY_MILLISECONDS } } : {}),
      },
      this.#parts.handler,
    )
  }

  /** The authorities are read with every connection: where a file that is not there fails that one only, to be tried again. */
  #tls({ ca, servername, pins }: UpstreamConfig): LinkTls {
    const { readFile } = this.#parts
    const name = { ...(servername === undefined ? {} : { servername }), ...(pins === undefined ? {} : { pins }) }
    if (ca === undefined) return name
    return {
      ...name,
      get ca() {
        return readFile(ca)
      },
    }
  }
}
