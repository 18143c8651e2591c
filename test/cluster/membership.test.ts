import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance, leaveInstance } from '../../src/cluster/instance-wishes.ts'
import type { TableChange } from '../../src/cluster/known.ts'
import { Membership } from '../../src/cluster/membership.ts'
import { MemoryServer } from '../../src/cluster/memory-server.ts'
import { MemoryStore } from '../../src/cluster/memory-store.ts'
import type { Reach } from '../../src/cluster/reach.ts'
import { TABLE_FORM } from '../../src/cluster/records.ts'
import { Scheduler } from './simulation-scheduler.ts'
import { StoreConnection, StoreState } from './simulation-store.ts'

/** A store and its nodes, in time of their own. */
class World {
  readonly scheduler = new Scheduler(1)
  readonly store = new StoreState(this.scheduler, {})

  async pass(milliseconds: number): Promise<void> {
    await this.scheduler.runUntil(this.scheduler.now + milliseconds, () => undefined)
  }

  node(incarnation: string, name = incarnation, form = 1): Node {
    return new Node(this, incarnation, name, form)
  }

  /** Nodes that have joined, and may write. */
  async members(...incarnations: readonly string[]): Promise<Node[]> {
    const nodes = incarnations.map((incarnation) => this.node(incarnation))
    for (const node of nodes) await node.join()
    await this.pass(7000)
    return nodes
  }
}

class Node {
  readonly world: World
  readonly incarnation: string
  readonly connection: StoreConnection
  readonly membership: Membership
  readonly changes: TableChange[] = []
  readonly lost: string[] = []
  readonly reaches: Reach[] = []
  readonly restored: number[] = []
  isCutOff = false
  isPaused = false
  #waiting: (() => void)[] = []

  constructor(world: World, incarnation: string, name: string, form: number) {
    this.world = world
    this.incarnation = incarnation
    const { scheduler } = world
    this.connection = new StoreConnection(scheduler, world.store, this)
    this.membership = new Membership({
      store: this.connection,
      incarnation,
      facts: { name, version: '1.2', form, since: 0, configs: {} },
      now: () => scheduler.now,
      timers: { after: (milliseconds, callback) => this.#after(milliseconds, callback) },
      events: {
        changed: (change) => this.changes.push(change),
        lost: (why) => this.lost.push(why),
        reach: (reach) => this.reaches.push(reach),
        restored: (epoch) => this.restored.push(epoch),
      },
    })
  }

  #after(milliseconds: number, callback: () => void): () => void {
    let isCancelled = false
    this.world.scheduler.after(milliseconds, () => this.run(() => isCancelled || callback()))
    return () => {
      isCancelled = true
    }
  }
  run(callback: () => void): void {
    if (this.isPaused) this.#waiting.push(callback)
    else callback()
  }
  resume(): void {
    this.isPaused = false
    for (const callback of this.#waiting.splice(0)) callback()
  }

  get isHeld(): boolean {
    return this.membership.isHeld
  }
  async join(): Promise<void> {
    await this.until(this.membership.join())
  }
  /** Lets time pass until a promise is settled. */
  async until<Result>(promise: Promise<Result>): Promise<Result> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    settled.catch(() => undefined)
    for (let i = 0; !isSettled && i < 1000; i++) await this.world.pass(20)
    assert.ok(isSettled, 'still waits after 20 s')
    return settled
  }
  propose(name: string): Promise<void> {
    return this.membership.propose((draft) =>
      joinInstance(draft, 'muc.example', name, { node: this.incarnation, route: name, since: 0 }, { count: 2 }),
    )
  }
}

test('nodes that join know of each other, and the first is the senior', async () => {
  const [a, b] = await new World().members('A', 'B')
  assert.deepEqual([...(a?.membership.table.nodes.keys() ?? [])], ['A', 'B'])
  assert.equal(b?.membership.table.senior, 'A')
  assert.ok(a?.isHeld && b?.isHeld)
})

test('a second node under a live name is refused, and told who has it', async () => {
  const world = new World()
  await world.members('A')
  const second = world.node('A2', 'A')
  await assert.rejects(
    second.join(),
    /NameTaken: a node named A is in the cluster already \(version 1\.2, started 1970-/,
  )
  assert.equal(second.isHeld, false)
  assert.deepEqual([...world.store.inboxes.keys()], ['A'], 'whoever tries all day leaves nothing behind')
})

test('a node that was killed and started anew comes back under its name once its lease has run out', async () => {
  const world = new World()
  const [a] = await world.members('A', 'B')
  a?.membership.stop()
  const again = world.node('A2', 'A')
  const began = world.scheduler.now
  await again.join()
  assert.ok(world.scheduler.now - began < 8000)
  await world.pass(100)
  assert.equal(again.membership.table.names.get('A'), 'A2')
  assert.ok(again.membership.table.estates.has('A'))
})

test('nodes that are more than one form of the table apart do not join each other', async () => {
  const world = new World()
  await world.members('A')
  await world.node('B', 'B', 2).join()
  await assert.rejects(
    world.node('C', 'C', 3).join(),
    /UnlikeForm: node A \(version 1\.2\) knows form 1 .* this node form 3/,
  )
})

test('what is asked for in one turn is written down together, and what comes to nothing is written down not at all', async () => {
  const world = new World()
  const [a] = await world.members('A')
  assert.ok(a)
  const { epoch } = world.store.state
  await a.until(Promise.all(['x', 'y', 'z'].map((name) => a.propose(name))))
  assert.equal(world.store.state.epoch, epoch + 1)
  assert.deepEqual(a.membership.table.domain('muc.example')?.buckets?.holders, ['x', 'y'])
  await a.until(a.membership.propose((draft) => leaveInstance(draft, 'muc.example', 'x', 'B', 'x')))
  assert.equal(world.store.state.epoch, epoch + 1)
})

test('two nodes that ask for one bucket at once: one has it, and both know who', async () => {
  const world = new World()
  const [a, b] = await world.members('A', 'B')
  assert.ok(a && b)
  await a.until(Promise.all([a.propose('x'), b.propose('y'), a.propose('z')]))
  await world.pass(100)
  assert.deepEqual(a.membership.table.fields, b.membership.table.fields)
  const holders = a.membership.table.domain('muc.example')?.buckets?.holders
  assert.equal(new Set(holders).size, 2)
})

test('a wish that throws is rejected alone', async () => {
  const [a] = await new World().members('A')
  assert.ok(a)
  const bad = a.membership.propose(() => {
    throw new RangeError('no such bucket')
  })
  const good = a.propose('x')
  await assert.rejects(a.until(bad), /no such bucket/)
  await a.until(good)
})

test('a node that hears nothing acts no more before others may act for it, and is lost when it is back', async () => {
  const world = new World()
  const [a, b] = await world.members('A', 'B')
  assert.ok(a && b)
  b.isCutOff = true
  let held = 0
  for (; b.isHeld; held += 10) await world.pass(10)
  assert.ok(held <= 4000, `acts for ${held} ms`)
  assert.ok(a.membership.table.nodes.has('B'))
  await world.pass(4000)
  assert.equal(a.membership.table.nodes.has('B'), false)
  assert.equal(a.membership.table.estates.get('B')?.heir, 'A')
  assert.ok(b.reaches.includes('silent'))
  b.isCutOff = false
  await world.pass(4000)
  assert.equal(b.lost.length, 1)
})

test('a senior that dies is buried by the next', async () => {
  const world = new World()
  const [a, b, c] = await world.members('A', 'B', 'C')
  a?.membership.stop()
  await world.pass(8000)
  assert.deepEqual([...(c?.membership.table.nodes.keys() ?? [])], ['B', 'C'])
  assert.equal(b?.membership.table.estates.get('A')?.heir, 'B')
})

test('a node that was paused for long does not act when it is resumed', async () => {
  const world = new World()
  const [a, b] = await world.members('A', 'B')
  assert.ok(a && b)
  b.isPaused = true
  await world.pass(9000)
  assert.equal(b.isHeld, false)
  b.resume()
  await world.pass(100)
  assert.equal(b.lost.length, 1)
  assert.equal(b.isHeld, false)
})

test('a store that takes almost two seconds for an answer fences nobody', async () => {
  const world = new World()
  const [a, b] = await world.members('A', 'B')
  assert.ok(a && b)
  a.connection.slowness = 900
  for (let i = 0; i < 3000; i++) {
    await world.pass(10)
    assert.ok(a.isHeld)
  }
})

test('while the store refuses everybody nobody is given up, however long; what is asked for waits', async () => {
  const world = new World()
  const [a, b] = await world.members('A', 'B')
  assert.ok(a && b)
  world.store.down()
  const waiting = a.propose('x')
  for (let i = 0; i < 1500; i++) {
    await world.pass(20)
    assert.ok(a.isHeld && b.isHeld)
  }
  assert.equal(a.reaches.at(-1), 'refused')
  assert.equal(a.membership.waiting, 1)
  world.store.up('all')
  await a.until(waiting)
  assert.equal(a.reaches.at(-1), 'up')
  assert.equal(a.membership.table.nodes.size, 2)
})

test('a store that has forgotten everything is told by whoever knows, and all are members as before', async () => {
  const world = new World()
  const [a, b] = await world.members('A', 'B')
  assert.ok(a && b)
  await a.until(a.propose('x'))
  await world.pass(100)
  const { epoch } = a.membership.table
  world.store.down()
  await world.pass(1000)
  world.store.up('none')
  await world.pass(3000)
  assert.ok(a.isHeld && b.isHeld)
  assert.ok(a.membership.table.epoch > epoch)
  assert.deepEqual([...a.membership.table.nodes.keys()], ['A', 'B'])
  assert.deepEqual(a.membership.table.fields, b.membership.table.fields)
  assert.deepEqual([...a.restored, ...b.restored], [epoch + 1], 'one of them has told it, once')
  assert.ok(b.changes.at(-1)?.isWhole)
  assert.equal(b.membership.table.domain('muc.example')?.instances.size, 1)
})

test('a node that leaves in order is gone at once, and leaves its inbox only if something is in it', async () => {
  const world = new World()
  const [a, b, c] = await world.members('A', 'B', 'C')
  assert.ok(a && b && c)
  await a.until(b.membership.leave())
  await a.until(a.connection.append('C', [Buffer.from('x')]))
  await a.until(c.membership.leave())
  await world.pass(1500)
  assert.deepEqual([...a.membership.table.nodes.keys()], ['A'])
  assert.deepEqual([...a.membership.table.estates.keys()], ['C'])
  assert.equal(b.isHeld, false)
  assert.deepEqual(b.lost, [])
  await assert.rejects(b.propose('x'), /MembershipEnded/)
})

test('what waits is rejected when the membership ends', async () => {
  const world = new World()
  const [a] = await world.members('A')
  assert.ok(a)
  world.store.down()
  const waiting = a.propose('x')
  a.membership.stop()
  await assert.rejects(waiting, /MembershipEnded: this node is not in the cluster any more: it was stopped/)
})

const names = ['A', 'B', 'C']

test('over the store in memory, whose answers are late or lost and which forgets: three nodes agree in the end', async () => {
  for (let seed = 1; seed <= 15; seed++) await agreeInTheEnd(seed)
})

async function agreeInTheEnd(seed: number): Promise<void> {
  const scheduler = new Scheduler(seed)
  const later = (milliseconds: number, callback: () => void): (() => void) => {
    let isWanted = true
    scheduler.after(milliseconds, callback, () => isWanted)
    return () => {
      isWanted = false
    }
  }
  const server = new MemoryServer({
    now: () => scheduler.now,
    later: (run, milliseconds) => later(milliseconds, run),
  })
  let isTroubled = true
  let lives = 0
  const slots: Membership[] = []
  const start = (slot: number): void => {
    const store = new MemoryStore(server)
    store.delay = () => scheduler.between(0, isTroubled && scheduler.chance(0.02) ? 1000 : 5)
    store.fate = () => {
      if (!isTroubled || scheduler.chance(0.97)) return 'done'
      return scheduler.pick(['refused', 'lost', 'unheard'] as const) ?? 'done'
    }
    const name = names[slot] ?? ''
    const incarnation = `${name}${++lives}`
    const membership = new Membership({
      ...{ store, incarnation, now: () => scheduler.now, timers: { after: later } },
      facts: { name, version: '1', form: TABLE_FORM, since: 0, configs: {} },
      events: {
        changed: () => undefined,
        lost: () => scheduler.after(10, () => start(slot)),
        reach: () => undefined,
        restored: () => undefined,
      },
    })
    slots[slot] = membership
    const record = { node: incarnation, route: incarnation, since: 0 }
    const ask = (): void => {
      membership.propose((draft) => joinInstance(draft, 'd', name, record, { count: 2 })).catch(() => undefined)
    }
    membership.join().then(ask, () => {
      membership.stop()
      scheduler.after(500, () => start(slot))
    })
  }
  names.forEach((_, slot) => {
    start(slot)
  })
  scheduler.after(15_000, () => server.forget())
  await scheduler.runUntil(30_000, () => undefined)
  isTroubled = false
  await scheduler.runUntil(50_000, () => undefined)
  for (const { table, isHeld } of slots) {
    assert.ok(isHeld, `seed ${seed}`)
    assert.deepEqual(table.fields, server.fields, `seed ${seed}`)
  }
  const [first] = slots
  assert.deepEqual([...(first?.table.names.keys() ?? [])].sort(), names)
  assert.equal(first?.table.domain('d')?.instances.size, 3, `seed ${seed}`)
  for (const membership of slots) membership.stop()
}
