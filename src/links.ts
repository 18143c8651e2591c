import type { Upstream as UpstreamConfig } from '../config/config.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { Link, type LinkHandler } from './link.ts'
import type { LinkTls } from './link-socket.ts'
import type { Upstream, Upstreams } from './router.ts'
import type { Routes } from './routes.ts'
import type { Flusher } from './stream/flusher.ts'
import { Outbox } from './stream/outbox.ts'
import type { StanzaQueue } from './stream/queue.ts'
import type { Standstill } from './stream/standstill.ts'
import type { Scanners } from './xmpp/scanners.ts'

export interface LinksParts {
  readonly routes: Routes
  readonly flusher: Flusher
  readonly handler: LinkHandler
  readonly random: () => number
  readonly readFile: (path: string) => string
  readonly limits: () => { readonly outbox_bytes: number }
  readonly scanners: () => Scanners
  /** Takes what waited for a link that ends without another in its place. */
  readonly undeliverable: (domain: DomainRoutes, queue: StanzaQueue) => void
}

interface Held {
  readonly link: Link
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
    return this.#held.get(domain)?.link ?? this.#open(domain)
  }

  /** The link of a domain if it has been opened. */
  peek(domain: string): Link | undefined {
    return this.#held.get(domain)?.link
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
    const online = [...this.#held.values()].filter(({ link }) => link.state === 'online')
    await Promise.all(online.map(({ link }) => link.outbox.passed(deadline - performance.now())))
  }

  /** The node is stopping: what waits for a link that is not up is given up, while those who sent it are still there. */
  giveUpDown(): void {
    for (const held of this.#held.values()) if (held.link.state !== 'online') this.#giveUp(held)
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
    const { link, domain } = held
    // Until it has stopped, what its socket had been handed may still come back to its outbox; what is newer waits behind.
    await link.stop()
    if (this.#held.get(domain.name) !== held) return
    this.#held.delete(domain.name)
    const left = link.outbox.take()
    if (left.isEmpty) return
    const next = this.linkFor(domain.name)
    if (next === undefined) this.#parts.undeliverable(domain, left)
    else next.outbox.requeue(left)
  }

  #giveUp({ link, domain }: Held): void {
    const left = link.outbox.take()
    if (!left.isEmpty) this.#parts.undeliverable(domain, left)
  }

  #open(name: string): Link | undefined {
    const domain = this.#parts.routes.domains.get(name)
    const config = domain?.config.upstream
    if (this.#isStopping || domain === undefined || config === undefined) return undefined
    const limits = this.#parts.limits()
    const outbox = new Outbox(this.#parts.flusher, limits.outbox_bytes, config.queue.bytes)
    outbox.pausesSources = false // nobody is paused for a link that is not up
    outbox.onDelivered = (stanzas) => {
      domain.counters.deliveredToLink += stanzas
    }
    const link = new Link(
      {
        domain: name,
        host: config.host,
        port: config.port,
        tls: config.tls ? this.#tls(config) : undefined,
        secret: config.secret,
        scanners: this.#parts.scanners(),
        outbox,
        shared: config.links === 'each',
        random: this.#parts.random,
      },
      this.#parts.handler,
    )
    this.#held.set(name, { link, config, domain, standstill: { progress: 0, since: undefined } })
    link.open()
    return link
  }

  /** The authorities are read with every connection: where a file that is not there fails that one only, to be tried again. */
  #tls({ ca, servername }: UpstreamConfig): LinkTls {
    const { readFile } = this.#parts
    const name = servername === undefined ? {} : { servername }
    if (ca === undefined) return name
    return {
      ...name,
      get ca() {
        return readFile(ca)
      },
    }
  }
}
