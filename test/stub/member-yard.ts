import type { Config } from '../../config/config.ts'
import type { Incarnation } from '../../src/cluster/cluster-store.ts'
import { MemoryServer } from '../../src/cluster/memory-server.ts'
import { type Fate, MemoryStore } from '../../src/cluster/memory-store.ts'
import { ClusterMember, type ClusterMemberParts } from '../../src/cluster-member.ts'
import type { RemoteStream } from '../../src/remote-stream.ts'
import { VirtualTime } from '../cluster/virtual-time.ts'
import { InnerNode } from './inner-node.ts'

/** One node of a yard: what it has without a socket, and its life in the cluster. */
export class MemberNode {
  readonly name: string
  readonly inner: InnerNode
  readonly seated: string[] = []
  readonly lost: string[] = []
  readonly news: string[] = []
  /** How often it was told that it is a member. */
  entered = 0
  /** Of the present life. */
  store: MemoryStore
  member: ClusterMember
  /** What a reload takes into force. */
  config: Config
  readonly #yard: MemberYard

  constructor(yard: MemberYard, name: string, text: string) {
    this.#yard = yard
    this.name = name
    this.inner = new InnerNode(`node: ${name}\ncluster: {redis: 'redis://127.0.0.1'}\n${text}`, {
      clock: yard.clock,
      registry: () => this.member.registry,
      keeper: () => this.member.keeper,
      linkFor: (domain) => this.#linkFor(domain),
      advertised: (domain) => this.member.adverts.tell(domain),
    })
    this.config = this.inner.config
    this.store = new MemoryStore(yard.server)
    this.member = this.begin(name)
  }

  /** What a life is made of, but for what is to hear of its end. */
  get parts(): Omit<ClusterMemberParts, 'lost'> {
    const { routes, self, router, shares, redelivery, reframer, flusher, log } = this.inner
    return {
      ...{ routes, self, router, shares, redelivery, reframer, flusher, log, version: '1', epoch: 0 },
      config: () => this.config,
      links: { linkFor: (domain) => this.#linkFor(domain), settleAnew() {} },
      clock: this.#yard.clock,
      timing: this.#yard.time,
      seated: (_domain, { name }) => void this.seated.push(name),
      giveUp() {},
      news: (topic, text) => {
        this.news.push(`${topic} ${text}`)
        if (topic === 'adverts') this.member.adverts.heard(text)
      },
      entered: () => {
        this.entered++
      },
    }
  }

  /** A new life; it is no member before it joins. */
  begin(incarnation: Incarnation): ClusterMember {
    this.store = new MemoryStore(this.#yard.server)
    this.member = new ClusterMember(incarnation, this.store, {
      ...this.parts,
      lost: (why) => void this.lost.push(why),
    })
    return this.member
  }

  /** From now on this becomes of what it asks the store. */
  meets(fate: Fate): void {
    this.store.fate = () => fate
  }

  /** What was sent to other nodes is confirmed by those that have it behind them. */
  async confirmed(): Promise<void> {
    await this.inner.turn()
    const streams = [...this.member.registry.remotes.keys()].map(({ stream }) => stream as RemoteStream)
    const outboxes = [...streams, ...this.member.links.ways].map(({ outbox }) => outbox)
    // An outbox asks by itself, too, after 20 ms that are not those of the yard.
    for (let tried = 0; tried < 50 && outboxes.some(({ stanzas }) => stanzas > 0); tried++) {
      for (const outbox of outboxes) outbox.askToConfirm()
      await this.#yard.pass(200)
      await this.inner.turn()
    }
  }

  received(name: string): Promise<readonly string[]> {
    return this.inner.received(name)
  }

  #linkFor(domain: string) {
    const holder = this.member.links.want(domain)
    return holder === undefined || holder === 'here' ? this.inner.server : holder
  }
}

/** Nodes of one cluster, in time of their own. */
export class MemberYard {
  readonly time = new VirtualTime()
  readonly server = new MemoryServer(this.time)
  readonly clock: { readonly now: number }
  readonly #text: string
  readonly #nodes: MemberNode[] = []

  /** @param text domains and their balancing, in YAML */
  constructor(text: string) {
    const { time } = this
    this.#text = text
    this.clock = {
      get now() {
        return time.now()
      },
    }
  }

  /** A node that has not joined yet. */
  node(name: string, text = this.#text): MemberNode {
    const node = new MemberNode(this, name, text)
    this.#nodes.push(node)
    return node
  }

  /** Nodes that have joined, and may write. */
  async members(...names: readonly string[]): Promise<readonly MemberNode[]> {
    const nodes = names.map((name) => this.node(name))
    for (const { member } of nodes) await this.until(member.join())
    await this.pass(7000)
    return nodes
  }

  /** Time passes, for all that live, tick by tick. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time.now() + milliseconds
    while (this.time.now() < end) {
      await this.time.pass(Math.min(TICK, end - this.time.now()))
      for (const { member } of this.#nodes) member.tick()
    }
    await this.time.pass(0)
  }

  /** Time passes until that is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    settled.catch(() => {})
    for (let passed = 0; !isSettled; passed += TICK) {
      if (passed > PATIENCE) throw new Error(`it never settled, in ${PATIENCE} ms`)
      await this.pass(TICK)
    }
    return settled
  }
}

/** Milliseconds of the nodes' time. */
const TICK = 100
const PATIENCE = 60_000
