import { Draft } from '../../src/cluster/draft.ts'
import { namesIn } from '../../src/cluster/names-in.ts'
import { announceNode, bury } from '../../src/cluster/node-wishes.ts'
import type { Wish } from '../../src/cluster/proposals.ts'
import { Table } from '../../src/cluster/table.ts'
import { ClusterRegistry } from '../../src/cluster-registry.ts'
import { DomainRoutes } from '../../src/domain-routes.ts'
import { ANY_INSTANCE, type Place } from '../../src/hold.ts'
import { Instance } from '../../src/instance.ts'
import { LocalRouter } from '../../src/local.ts'
import { createLog } from '../../src/log.ts'
import type { Keeper } from '../../src/past.ts'
import { Redelivery } from '../../src/redelivery.ts'
import { RemoteStream, type Way } from '../../src/remote-stream.ts'
import { Router } from '../../src/router.ts'
import { Routes } from '../../src/routes.ts'
import { selfConfig } from '../../src/self-config.ts'
import { Shares } from '../../src/shares.ts'
import { Flusher } from '../../src/stream/flusher.ts'
import { Outbox } from '../../src/stream/outbox.ts'
import { Reframer } from '../../src/stream/reframe.ts'
import type { StreamCondition } from '../../src/xmpp/stream-error.ts'
import { configOf } from '../e2e/node.ts'
import { LogBook } from './log-book.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const MARKS = { soft: 100_000, limit: 1_000_000 }
/** Routes are of that length. */
const routeOf = (name: string): string => name.padEnd(16, 'q').slice(0, 16)

/** The ids of the stanzas in a text, in order. */
export function idsIn(text: string): readonly string[] {
  return [...text.matchAll(/<(?:message|iq|presence)\b[^>]*? id='([^']*)'/g)].map(([, id]) => id!)
}

/** An instance's own stream: writes down what it is given. */
class LocalStream {
  readonly outbox: Outbox
  readonly remote = 'here'
  readonly isPaused = false
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
  pause(): void {}
  resume(): void {}
  end(): void {}
  close(condition?: StreamCondition): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.condition = condition
    this.ended()
  }
}

/**
 * One node's part in a cluster, with a table that the test changes: what is proposed comes into force with `grant`, and
 * what goes to other nodes is in `sent`.
 */
export class ClusterYard {
  readonly clock = { now: 0 }
  readonly authority = { isHeld: true }
  readonly routes = new Routes()
  readonly log = new LogBook()
  readonly seated: string[] = []
  /** `giveUp` was told of these outboxes, and of this time. */
  readonly givenUp: number[] = []
  /** Per instance of another node, what has gone there: ids of stanzas, and `|` for each barrier. */
  readonly sent = new Map<string, string[]>()
  /** The text of what has gone there. */
  readonly texts = new Map<string, string>()
  readonly router: Router
  readonly shares: Shares
  readonly registry: ClusterRegistry
  /** The server's link. */
  readonly server: LocalStream
  isUp = true
  keeper: Keeper | undefined
  table: Table
  readonly address: string
  readonly #flusher = new Flusher()
  readonly #streams = new Map<string, LocalStream>()
  readonly #proposals: Wish[] = []
  /** Whose stanzas are for the first bucket. */
  readonly #sender: string

  /** @param text domains and their balancing, in YAML. @param others the other nodes, all alive */
  constructor(text: string, others: readonly string[] = ['B', 'C']) {
    const config = configOf(`listen: [{port: 0}]\n${text}`)
    const domains = [...config.domains.values()].map((domain) => new DomainRoutes(domain, () => 0))
    const self = new DomainRoutes(selfConfig(config), () => 0)
    this.routes.serve([...domains, self])
    const log = createLog({ level: 'debug', node: 'A' }, this.log)
    this.address = config.address
    const reframer = new Reframer(limits)
    const { clock, routes } = this
    const names = () => this.routes.domains.keys()
    const local = new LocalRouter({ address: config.address, version: '1', domains: names, now: () => new Date(0) })
    const link = new LocalStream(this.#flusher)
    this.server = link
    this.router = new Router({
      ...{ routes, self, local, links: { linkFor: () => link }, clock, reframer, preciseNow: () => 0 },
      ...{ answered() {}, drain() {}, routed() {}, advertised() {}, keeper: () => this.keeper },
    })
    const { router } = this
    const redelivery = new Redelivery({ router, reframer, clock, log, address: config.address, epoch: 0 })
    this.shares = new Shares({ router, redelivery, log })
    this.registry = new ClusterRegistry({
      time: { epoch: 0 },
      ...{ me: 'A', routes, shares: this.shares, router, log, authority: this.authority },
      propose: (wish) => void this.#proposals.push(wish),
      isUp: () => this.isUp && this.authority.isHeld,
      nameOf: (node) => this.table.nodes.get(node)?.name,
      streamTo: (domain, name, node) => this.wayTo(domain.name, name, node),
      agreed: (domain) => this.table.domain(domain),
      now: () => clock.now,
      giveUp: (_domain, _outbox, before) => void this.givenUp.push(before),
      seated: (_domain, { name }) => void this.seated.push(name),
    })
    this.table = Table.empty
    for (const node of ['A', ...others]) this.agree(announced(node))
    this.registry.begin()
    this.#sender = this.#senderOf(0)
  }

  get domain(): DomainRoutes {
    return this.routes.domains.get('a.test')!
  }

  /** A stream to what another node has. */
  wayTo(domain: string, instance: string | undefined, node: string): RemoteStream {
    const key = instance ?? `link of ${node}`
    const sent: string[] = []
    this.sent.set(key, sent)
    this.texts.set(key, '')
    const way: Way = {
      run: (_to, _since, _deaths, _hops, _stanzas, bytes, written) => {
        sent.push(...idsIn(bytes.toString()))
        this.texts.set(key, `${this.texts.get(key)}${bytes}`)
        written()
      },
      barrier: () => void sent.push('|'),
    }
    const parts = { flusher: this.#flusher, clock: this.clock, time: { epoch: 0 }, numbers: { last: 0 }, marks: MARKS }
    return new RemoteStream(way, { domain, instance }, node, parts)
  }

  /** An instance of this node arrives; it has its place when that is granted. */
  join(name: string, route = routeOf(name)): Instance {
    const stream = new LocalStream(this.#flusher)
    this.#streams.set(name, stream)
    const owner = { opened() {}, fromInstance() {}, footer() {}, left() {} }
    const instance = new Instance(owner, this.domain, stream, { name, route }, 0)
    stream.ended = () => this.leave(instance)
    this.routes.register(instance)
    this.registry.join(this.domain, instance)
    return instance
  }

  /** An instance's stream has ended. */
  leave(instance: Instance): void {
    this.shares.moveAway(this.domain, instance, () => this.registry.leave(this.domain, instance))
    this.routes.unregister(instance)
  }

  stream(name: string): LocalStream {
    return this.#streams.get(name)!
  }

  /** The ids that an instance of this node has been written. */
  async received(name: string): Promise<readonly string[]> {
    await this.turn()
    return idsIn(this.stream(name).text)
  }

  /** What this node has asked for comes into force. */
  grant(): void {
    for (const wish of this.#proposals.splice(0)) this.agree(wish)
  }

  /** The nodes agree on something. */
  agree(wish: Wish): void {
    const draft = new Draft(this.table)
    wish(draft)
    const { delta } = draft
    this.table = this.table.with(delta, this.table.epoch + 1)
    const names = namesIn(delta)
    for (const domain of this.routes.domains.values()) {
      if (names.has(domain.name)) this.registry.follow(domain, this.table.domain(domain.name), names.get(domain.name))
    }
  }

  /** A node is declared dead. */
  bury(node: string): void {
    this.agree((draft) => bury(draft, [node], 'A'))
  }

  /** The instance, of a name, that another node has; also when it gets nothing new any more. */
  remote(name: string, node = 'B'): Instance {
    return this.registry.called('a.test', name, node)[0]!
  }

  /** What had been sent to an instance at another node is confirmed. */
  async confirm(remote: Instance): Promise<void> {
    const { outbox } = remote.stream
    await this.turn()
    outbox.askToConfirm()
    await this.turn()
    outbox.confirm(this.sent.get(remote.name)!.filter((item) => item === '|').length)
    await this.turn()
  }

  /** A stanza comes from the server. */
  fromServer(stanza: string): void {
    new Reframer(limits).stanzas(Buffer.from(stanza), (head) => {
      this.router.fromLink(this.domain, { pause() {}, resume() {} }, head)
    })
  }

  /** A request comes from the server. */
  ask(id: string, type = 'set'): void {
    this.fromServer(`<iq type='${type}' from='${this.#sender}' to='a.test' id='${id}'><q xmlns='q'/></iq>`)
  }

  /** Messages of these ids come from the server. */
  say(...ids: readonly string[]): void {
    for (const id of ids) this.fromServer(`<message from='${this.#sender}' to='a.test' id='${id}'/>`)
  }

  #senderOf(bucket: number): string {
    for (let i = 0; ; i++) {
      let place: Place = ANY_INSTANCE
      const sender = `u${i}@x.test`
      new Reframer(limits).stanzas(Buffer.from(`<message from='${sender}' to='a.test'/>`), (head) => {
        place = this.domain.placeOf(head)
      })
      if (place === bucket || place === ANY_INSTANCE) return sender
    }
  }

  /** Everything that was to be written in this turn of the event loop has been. */
  async turn(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate)
  }
}

export function announced(incarnation: string): Wish {
  return (draft) =>
    announceNode(draft, incarnation, { name: incarnation, version: '1', form: 1, since: 0, configs: {} })
}
