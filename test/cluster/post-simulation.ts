import assert from 'node:assert/strict'
import type { Incarnation } from '../../src/cluster/cluster-store.ts'
import type { Destination, Run } from '../../src/cluster/entry.ts'
import { Estate } from '../../src/cluster/estate.ts'
import type { PostHandler } from '../../src/cluster/inbox.ts'
import { Post } from '../../src/cluster/post.ts'
import type { Ticket } from '../../src/stream/queue.ts'
import { FaultyStore, none } from './faulty-store.ts'
import { seeded, VirtualTime } from './virtual-time.ts'

/** A dead node is taken for dead after so many milliseconds. */
const LEASE = 5000

export interface Scenario {
  readonly seed: number
  readonly nodes: number
  readonly milliseconds: number
  /** Nodes that crash. */
  readonly crashes: number
  /** Whether the store may forget all it has, or some of it. */
  readonly forgets: boolean
  /** The part of stanzas that is kept by the node that reads them, from 0 to 1. */
  readonly kept: number
}

export interface Outcome {
  readonly sent: number
  /** Stanzas that were handed out again. */
  readonly again: number
  /** Stanzas that were handed out after a later one of their source and destination. */
  readonly behind: number
  /** Stanzas that were in the store, or whose source lives, and that have not ended. */
  readonly lost: readonly string[]
  /** What is left when all is over: entries, bytes, unconfirmed stanzas. */
  readonly left: readonly string[]
}

/** A stanza on its way: `a>b1#5` is the fifth of node a for the destination b1. */
interface Sent {
  readonly text: string
  readonly ticket: Ticket | undefined
  /** The barrier behind it; 0 until there is one. */
  barrier: number
}

/** What a node has sent to one destination and nobody has confirmed. */
interface Window {
  readonly unconfirmed: Sent[]
  barriers: number
}

class World {
  readonly time = new VirtualTime()
  readonly random: () => number
  readonly store: FaultyStore
  readonly nodes = new Map<Incarnation, Node>()
  /** Where a destination is. */
  readonly homes = new Map<string, Incarnation>()
  readonly dead: Incarnation[] = []
  readonly estates = new Map<Incarnation, { readonly heir: Incarnation; readonly estate: Estate }>()
  readonly ended = new Set<string>()
  readonly seen = new Set<string>()
  readonly highest = new Map<string, number>()
  /** What must not be lost. */
  readonly owed = new Set<string>()
  readonly kept: number
  again = 0
  behind = 0

  constructor(seed: number, kept: number) {
    this.random = seeded(seed)
    this.kept = kept
    this.store = new FaultyStore(this.time, this.random)
  }

  get live(): readonly Node[] {
    return [...this.nodes.values()].filter(({ isAlive }) => isAlive)
  }
  isAlive(node: Incarnation): boolean {
    return this.nodes.get(node)?.isAlive === true
  }
  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T
  }

  /** An instance is given a stanza. */
  handedOut(text: string): void {
    const [lane = '', number] = text.split('#')
    const count = Number(number)
    if (this.seen.has(text)) this.again++
    else if (count < (this.highest.get(lane) ?? 0)) this.behind++
    this.seen.add(text)
    this.highest.set(lane, Math.max(count, this.highest.get(lane) ?? 0))
  }

  /** All others deal with a death. */
  bury(node: Incarnation): void {
    this.dead.push(node)
    const [heir] = this.live
    assert.ok(heir !== undefined)
    for (const [destination, home] of this.homes) if (home === node) this.homes.set(destination, heir.me)
    for (const other of this.live) other.lose(node)
    for (const dead of this.dead) {
      const known = this.estates.get(dead)
      if (known === undefined ? dead === node : !this.isAlive(known.heir)) this.#inherit(heir, dead)
    }
    for (const { estate } of this.estates.values()) estate.look()
  }

  #inherit(heir: Node, dead: Incarnation): void {
    const estate = new Estate({
      ...{ store: this.store.asStore, dead, timing: this.time, random: this.random },
      isAlive: (node) => this.isAlive(node),
      handler: {
        run: (_sender, run, ticket) => heir.take(run, ticket),
        unreadable: (_sender, _id, reason) => assert.fail(reason),
        read() {},
        emptied: () => this.estates.delete(dead),
      },
    })
    estate.start()
    this.estates.set(dead, { heir: heir.me, estate })
    const purge = (): void => {
      if (!this.estates.has(dead)) return
      for (const { post } of this.live) void post.purge(dead)
      this.time.later(purge, 5000)
    }
    purge()
  }
}

/** Of what waits for one other node: more than it ever is. */
const LIMIT = 64 * 1024 * 1024

class Node implements PostHandler {
  readonly me: Incarnation
  readonly post: Post
  readonly #world: World
  readonly #windows = new Map<string, Window>()
  readonly #counts = new Map<string, number>()
  isAlive = true

  constructor(me: Incarnation, world: World) {
    this.me = me
    this.#world = world
    const { time: timing, random, store } = world
    this.post = new Post({ store: store.asStore, me, handler: this, timing, random, limit: () => LIMIT })
    this.post.start()
  }

  get unconfirmed(): number {
    return [...this.#windows.values()].reduce((sum, { unconfirmed }) => sum + unconfirmed.length, 0)
  }

  /** A source sends a stanza; if it is kept, it must not be lost once it is written. */
  send(): void {
    const world = this.#world
    const destination = world.pick([...world.homes.keys()])
    const count = (this.#counts.get(destination) ?? 0) + 1
    this.#counts.set(destination, count)
    const text = `${this.me}>${destination}#${count}`
    const bytes = Buffer.from(`${text};`)
    const to = destinationOf(destination)
    const ticket =
      world.random() < world.kept ? this.post.keep(to, 1, 0, world.random() < 0.2, bytes, 0, bytes.length) : undefined
    this.#route(text, ticket)
    if (ticket !== undefined) void this.post.written().then(() => this.#owe(text))
  }

  #owe(text: string): void {
    if (this.isAlive) this.#world.owed.add(text)
  }

  /** Stanzas from elsewhere: for here, or for where they should be by now. */
  take({ bytes }: Run, ticket: Ticket): void {
    for (const text of `${bytes}`.split(';').slice(0, -1)) this.#route(text, ticket)
  }

  #route(text: string, ticket: Ticket | undefined): void {
    const world = this.#world
    const destination = text.slice(text.indexOf('>') + 1, text.indexOf('#'))
    const home = world.homes.get(destination) ?? ''
    ticket?.retain()
    if (home === this.me) return this.#handOut(text, ticket)
    const to = destinationOf(destination)
    const mailbox = this.post.to(home)
    const window = this.#windows.get(destination) ?? { unconfirmed: [], barriers: 0 }
    this.#windows.set(destination, window)
    window.unconfirmed.push({ text, ticket, barrier: 0 })
    mailbox.run(to, 1, 0, 0, 1, Buffer.from(`${text};`), () => {})
    if (window.unconfirmed.filter(({ barrier }) => barrier === 0).length < 1 + world.random() * 6) return
    this.#barrier(destination, window)
  }

  #barrier(destination: string, window: Window): void {
    const number = ++window.barriers
    for (const sent of window.unconfirmed) if (sent.barrier === 0) sent.barrier = number
    this.post.to(this.#world.homes.get(destination) ?? '').barrier(destinationOf(destination), number)
  }

  #handOut(text: string, ticket: Ticket | undefined): void {
    const world = this.#world
    world.handedOut(text)
    const isRequest = world.random() < 0.2
    if (isRequest) ticket?.asked?.()
    world.time.later(
      () => {
        if (!this.isAlive) return
        world.ended.add(text)
        ticket?.release()
        if (isRequest) world.time.later(() => this.isAlive && ticket?.answered?.(text), world.random() * 500)
      },
      world.random() < 0.02 ? 3000 : world.random() * 30,
    )
  }

  /** Barriers for what has none yet. */
  ask(): void {
    for (const [destination, window] of this.#windows) {
      if (window.unconfirmed.some(({ barrier }) => barrier === 0)) this.#barrier(destination, window)
    }
  }

  /** That node is dead, and where its destinations are is known: what it has not confirmed goes there. */
  lose(node: Incarnation): void {
    this.post.forget(node)
    for (const [destination, window] of this.#windows) {
      if (this.#world.nodes.get(destination[0] ?? '') === undefined) continue
      if (!window.unconfirmed.some(() => this.#sentTo.get(destination) === node)) continue
      const again = window.unconfirmed.splice(0)
      for (const { text, ticket } of again) {
        this.#route(text, ticket)
        ticket?.release()
      }
    }
    for (const [destination, home] of this.#world.homes) this.#sentTo.set(destination, home)
  }
  readonly #sentTo = new Map<string, Incarnation>()
  settle(): void {
    for (const [destination, home] of this.#world.homes) this.#sentTo.set(destination, home)
  }

  crash(): void {
    this.isAlive = false
    this.post.stop()
  }

  run(_sender: Incarnation, run: Run, ticket: Ticket): void {
    if (this.isAlive) this.take(run, ticket)
  }
  confirmed(_sender: Incarnation, to: Destination, number: number): void {
    const window = this.#windows.get(to.instance ?? '')
    if (window === undefined || !this.isAlive) return
    while (window.unconfirmed[0] !== undefined) {
      const { barrier, ticket } = window.unconfirmed[0]
      if (barrier === 0 || barrier > number) return
      window.unconfirmed.shift()
      ticket?.release()
    }
  }
  answered(): void {}
  news(): void {}
  unreadable(_sender: Incarnation | undefined, _id: string, reason: string): void {
    assert.fail(reason)
  }
}

function destinationOf(instance: string): Destination {
  return { domain: 'shop.example', instance }
}

/** Nodes send each other stanzas while the store, the readers and the nodes themselves fail; then all is well again. */
export async function simulate({ seed, nodes, milliseconds, crashes, forgets, kept }: Scenario): Promise<Outcome> {
  const world = new World(seed, kept)
  const { time, random, store } = world
  for (const me of 'abcdefgh'.slice(0, nodes)) {
    world.nodes.set(me, new Node(me, world))
    for (const number of [1, 2]) world.homes.set(`${me}${number}`, me)
  }
  for (const node of world.live) node.settle()
  await time.pass(100)
  let left = crashes
  let sent = 0
  for (const end = time.now() + milliseconds; time.now() < end; ) {
    for (const node of world.live) sent += sendSome(node, random)
    left -= disturb(world, forgets, left > 0)
    await time.pass(random() * 40)
  }
  store.faults = none
  store.isDown = false
  // The last node to crash is taken for dead first.
  await time.pass(2 * LEASE)
  for (let n = 0; n < 60 && remainsOf(world).length > 0; n++) {
    await time.pass(2000)
    for (const node of world.live) node.ask()
  }
  for (const { me } of world.live) for (const text of world.seen) if (text.startsWith(me)) world.owed.add(text)
  const remains = remainsOf(world)
  for (const { post } of world.live) post.stop()
  const lost = [...world.owed].filter((text) => !world.ended.has(text))
  return { sent, again: world.again, behind: world.behind, lost, left: remains }
}

function sendSome(node: Node, random: () => number): number {
  const stanzas = Math.floor(random() * 6)
  for (let n = 0; n < stanzas; n++) node.send()
  if (random() < 0.2) node.ask()
  return stanzas
}

/** Now and then something fails, or works again. Returns how many nodes have crashed. */
function disturb(world: World, forgets: boolean, crashes: boolean): number {
  const { store, time, random } = world
  const dice = random()
  const { me, post } = world.pick(world.live)
  if (dice < 0.02) store.faults = { lost: random() * 0.2, silent: random() * 0.2, late: random() * 0.1 }
  else if (dice < 0.05) store.faults = none
  else if (dice < 0.055) {
    store.isDown = true
    time.later(() => {
      store.isDown = false
    }, random() * 3000)
  } else if (dice < 0.06 && forgets) store.forget()
  else if (dice < 0.065 && forgets) store.lose(me, Math.floor(random() * store.mails(me).length))
  else if (dice < 0.08) {
    post.pause()
    time.later(() => post.resume(), random() * 1000)
  } else if (dice < 0.085 && crashes) {
    world.nodes.get(me)?.crash()
    time.later(() => world.bury(me), LEASE)
    return 1
  }
  return 0
}

/** What should come to nothing when no more is sent. */
function remainsOf({ live, estates, store }: World): readonly string[] {
  const remains = live.flatMap(({ me, post, unconfirmed }) => [
    ...(unconfirmed > 0 ? [`${me}: ${unconfirmed} unconfirmed`] : []),
    ...(post.keptBytes > 0 ? [`${me}: ${post.keptBytes} bytes kept`] : []),
    ...(store.mails(me).length > 0 ? [`${me}: ${store.mails(me).length} entries`] : []),
    ...live.flatMap((to) => (to.me !== me && post.to(to.me).bytes > 0 ? [`${me}: bytes for ${to.me}`] : [])),
  ])
  return [...remains, ...[...estates.keys()].map((dead) => `the estate of ${dead}`)]
}
