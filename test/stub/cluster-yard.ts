import { Draft } from '../../src/cluster/draft.ts'
import { namesIn } from '../../src/cluster/names-in.ts'
import { announceNode, bury } from '../../src/cluster/node-wishes.ts'
import type { Wish } from '../../src/cluster/proposals.ts'
import { Table } from '../../src/cluster/table.ts'
import { ClusterRegistry } from '../../src/cluster-registry.ts'
import type { DomainRoutes } from '../../src/domain-routes.ts'
import { ANY_INSTANCE, type Place } from '../../src/hold.ts'
import type { Instance } from '../../src/instance.ts'
import type { Keeper } from '../../src/past.ts'
import { RemoteStream, type Way } from '../../src/remote-stream.ts'
import type { Router } from '../../src/router.ts'
import type { Routes } from '../../src/routes.ts'
import type { Shares } from '../../src/shares.ts'
import type { Tenure } from '../../src/stream/queue.ts'
import { InnerNode, idsIn, type LocalStream, MARKS } from './inner-node.ts'
import type { LogBook } from './log-book.ts'

/**
 * One node's part in a cluster, with a table that the test changes: what is proposed comes into force with `grant`, and
 * what goes to other nodes is in `sent`.
 */
export class ClusterYard {
  readonly clock = { now: 0 }
  readonly authority = { isHeld: true }
  readonly routes: Routes
  readonly log: LogBook
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
  /** What stands against all that it asks for. */
  refusal: Error | undefined
  /** How often it has asked for something. */
  asked = 0
  table: Table
  readonly address: string
  readonly #inner: InnerNode
  readonly #proposals: Wish[] = []
  /** Whose stanzas are for the first bucket. */
  readonly sender: string

  /** @param text domains and their balancing, in YAML. @param others the other nodes, all alive */
  constructor(text: string, others: readonly string[] = ['B', 'C']) {
    const { clock } = this
    this.#inner = new InnerNode(text, { clock, registry: () => this.registry, keeper: () => this.keeper })
    const { routes, router, shares, log, config } = this.#inner
    this.routes = routes
    this.router = router
    this.shares = shares
    this.server = this.#inner.server
    this.log = this.#inner.book
    this.address = config.address
    this.registry = new ClusterRegistry({
      time: { epoch: 0 },
      ...{ me: 'A', routes, shares, router, log, authority: this.authority },
      propose: (wish) => this.#propose(wish),
      waiting: () => this.#proposals.length,
      isUp: () => this.isUp && this.authority.isHeld,
      nameOf: (node) => this.table.nodes.get(node)?.name,
      streamTo: (domain, name, node) => this.wayTo(domain.name, name, node),
      table: () => this.table,
      now: () => clock.now,
      giveUp: (_domain, _outbox, before) => void this.givenUp.push(before),
      seated: (_domain, { name }) => void this.seated.push(name),
    })
    this.table = Table.empty
    for (const node of ['A', ...others]) this.agree(announced(node))
    this.registry.begin()
    this.sender = this.#senderOf(0)
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
    const parts = {
      flusher: this.#inner.flusher,
      clock: this.clock,
      time: { epoch: 0 },
      numbers: { last: 0 },
      marks: MARKS,
    }
    return new RemoteStream(way, { domain, instance }, node, parts)
  }

  /** An instance of this node arrives; it has its place when that is granted. */
  join(name: string, route?: string): Instance {
    return this.#inner.join(name, route, this.domain)
  }

  /** An instance's stream has ended. */
  leave(instance: Instance): void {
    this.#inner.leave(instance)
  }

  stream(name: string): LocalStream {
    return this.#inner.stream(name)
  }

  /** The ids that an instance of this node has been written. */
  received(name: string): Promise<readonly string[]> {
    return this.#inner.received(name)
  }

  async #propose(wish: Wish): Promise<void> {
    this.asked++
    if (this.refusal !== undefined) throw this.refusal
    this.#proposals.push(wish)
  }

  /** How many of them wait to come into force. */
  get wishes(): number {
    return this.#proposals.length
  }

  /** What this node has asked for never does. */
  lose(): void {
    this.#proposals.length = 0
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
  fromServer(stanza: string, tenure?: Tenure): void {
    this.#inner.fromServer(stanza, tenure)
  }

  /** A request comes from the server. */
  ask(id: string, type = 'set'): void {
    this.fromServer(`<iq type='${type}' from='${this.sender}' to='a.test' id='${id}'><q xmlns='q'/></iq>`)
  }

  /** Messages of these ids come from the server. */
  say(...ids: readonly string[]): void {
    for (const id of ids) this.fromServer(`<message from='${this.sender}' to='a.test' id='${id}'/>`)
  }

  #senderOf(bucket: number): string {
    for (let i = 0; ; i++) {
      let place: Place = ANY_INSTANCE
      const sender = `u${i}@x.test`
      this.#inner.reframer.stanzas(Buffer.from(`<message from='${sender}' to='a.test'/>`), (head) => {
        place = this.domain.placeOf(head)
      })
      if (place === bucket || place === ANY_INSTANCE) return sender
    }
  }

  /** Everything that was to be written in this turn of the event loop has been. */
  turn(): Promise<void> {
    return this.#inner.turn()
  }
}

export function announced(incarnation: string): Wish {
  return (draft) =>
    announceNode(draft, incarnation, { name: incarnation, version: '1', form: 1, since: 0, configs: {} })
}
