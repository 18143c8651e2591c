import assert from 'node:assert/strict'
import type { Config } from '../../config/config.ts'
import { DomainRoutes } from '../../src/domain-routes.ts'
import { Instance } from '../../src/instance.ts'
import { LocalRouter } from '../../src/local.ts'
import { createLog, type Log } from '../../src/log.ts'
import type { Keeper } from '../../src/past.ts'
import { Redelivery } from '../../src/redelivery.ts'
import type { Registry } from '../../src/registry.ts'
import { Router } from '../../src/router.ts'
import { Routes } from '../../src/routes.ts'
import { selfConfig } from '../../src/self-config.ts'
import { Shares } from '../../src/shares.ts'
import { Flusher } from '../../src/stream/flusher.ts'
import { Outbox } from '../../src/stream/outbox.ts'
import type { Tenure } from '../../src/stream/queue.ts'
import { Reframer } from '../../src/stream/reframe.ts'
import type { Upstream } from '../../src/upstream.ts'
import type { FramerLimits } from '../../src/xmpp/found.ts'
import type { StreamCondition } from '../../src/xmpp/stream-error.ts'
import { configOf } from './gateway.ts'
import { LogBook } from './log-book.ts'

const SMALL = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
/** Bytes above which sources are paused, and above which nothing more is taken. */
export const MARKS = { soft: 100_000, limit: 1_000_000 }
/** Routes are of that length. */
const routeOf = (name: string): string => name.padEnd(16, 'q').slice(0, 16)

/** The ids of the stanzas in a text, in order. */
export function idsIn(text: string): readonly string[] {
  return [...text.matchAll(/<(?:message|iq|presence)\b[^>]*? id='([^']*)'/g)].map(([, id]) => id!)
}

/** An instance's own stream: writes down what it is given. */
export class LocalStream {
  readonly outbox: Outbox
  readonly remote = 'here'
  #pauses = 0
  isOpen = true
  text = ''
  condition: StreamCondition | undefined
  /** Told when it has ended. */
  ended = (): void => {}

  constructor(flusher: Flusher) {
    this.outbox = new Outbox(flusher, MARKS.soft, MARKS.limit)
    this.outbox.attach({
      writableLength: 0,
      write: (bytes, written) => {
        this.text += bytes.toString()
        queueMicrotask(() => written())
        return true
      },
      cork() {},
      uncork() {},
    })
  }
  /** Nothing is read of it. */
  get isPaused(): boolean {
    return this.#pauses > 0
  }
  pause(): void {
    this.#pauses++
  }
  resume(): void {
    this.#pauses--
  }
  end(): void {}
  close(condition?: StreamCondition): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.condition = condition
    this.ended()
  }
}

export interface InnerNodeParts {
  readonly clock: { readonly now: number }
  /** Whether its instances have their place at once, or when the nodes agree. */
  readonly registry: () => Registry
  readonly keeper: () => Keeper | undefined
  /** The way to a domain's server; the server's own link, if it says nothing else. */
  readonly linkFor?: (domain: string) => Upstream | undefined
  readonly advertised?: (domain: DomainRoutes) => void
  /** Of what it reads again. */
  readonly limits?: FramerLimits
}

/** What a node has without a socket: routes, a router, instances that write down what they are given, and a server's link. */
export class InnerNode {
  readonly routes = new Routes()
  readonly log: Log
  readonly book = new LogBook()
  readonly flusher = new Flusher()
  readonly reframer: Reframer
  readonly config: Config
  /** What is served under Switchyard's own address. */
  readonly self: DomainRoutes
  readonly router: Router
  readonly shares: Shares
  readonly redelivery: Redelivery
  /** The server's link. */
  readonly server: LocalStream
  /** Those whose streams are open. */
  readonly instances = new Map<Instance, DomainRoutes>()
  readonly #streams = new Map<string, LocalStream>()
  readonly #registry: () => Registry

  /** @param text domains and their balancing, in YAML; the first one is `domain` */
  constructor(text: string, parts: InnerNodeParts) {
    this.config = configOf(`listen: [{port: 0}]\n${text}`)
    const { clock, keeper, advertised = () => {}, limits = SMALL } = parts
    this.reframer = new Reframer(limits)
    const { config, routes, reframer } = this
    this.self = new DomainRoutes(selfConfig(config), () => 0)
    const { self } = this
    routes.serve([...[...config.domains.values()].map((domain) => new DomainRoutes(domain, () => 0)), self])
    this.#registry = parts.registry
    this.log = createLog({ level: 'debug', node: config.node }, this.book)
    const { address } = config
    const commands = { admit: () => undefined, refused() {}, commands: [], answer: () => assert.fail('nobody may') }
    const local = new LocalRouter({
      ...{ address, version: '1', commands },
      domains: () => routes.domains.keys(),
      now: () => new Date(0),
    })
    this.server = new LocalStream(this.flusher)
    const linkFor = parts.linkFor ?? (() => this.server)
    this.router = new Router({
      ...{ routes, self, local, links: { linkFor }, clock, reframer, preciseNow: () => 0 },
      ...{ answered() {}, drain() {}, routed() {}, advertised, keeper },
    })
    const { router, log } = this
    this.redelivery = new Redelivery({ router, reframer, clock, log, address, epoch: 0 })
    this.shares = new Shares({ router, redelivery: this.redelivery, log })
  }

  get domain(): DomainRoutes {
    return [...this.routes.domains.values()][0]!
  }

  /** An instance arrives. */
  join(name: string, route = routeOf(name), domain = this.domain): Instance {
    const stream = new LocalStream(this.flusher)
    this.#streams.set(name, stream)
    const owner = { opened() {}, fromInstance() {}, footer() {}, left() {} }
    const instance = new Instance(owner, domain, stream, { name, route }, 0)
    stream.ended = () => this.leave(instance)
    this.instances.set(instance, domain)
    this.routes.register(instance)
    this.#registry().join(domain, instance)
    return instance
  }

  /** An instance's stream has ended. */
  leave(instance: Instance): void {
    const domain = this.instances.get(instance)
    if (domain === undefined || !this.instances.delete(instance)) return
    this.shares.moveAway(domain, instance, () => this.#registry().leave(domain, instance))
    this.routes.unregister(instance)
  }

  stream(name: string): LocalStream {
    return this.#streams.get(name)!
  }

  /** The ids that an instance has been written. */
  async received(name: string): Promise<readonly string[]> {
    await this.turn()
    return idsIn(this.stream(name).text)
  }

  /** A stanza comes from the server, by a link that is leased perhaps. */
  fromServer(stanza: string, tenure?: Tenure, domain = this.domain): void {
    this.reframer.stanzas(Buffer.from(stanza), (head) => {
      this.router.fromLink(domain, { tenure, pause() {}, resume() {} }, head)
    })
  }

  /** Everything that was to be written in this turn of the event loop has been. */
  async turn(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate)
  }
}
