import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Cluster, Config } from '../config/config.ts'
import { MemoryServer } from '../src/cluster/memory-server.ts'
import { type Call, type Fate, MemoryStore } from '../src/cluster/memory-store.ts'
import { realTiming } from '../src/cluster/timing.ts'
import { alone } from '../src/cluster-metrics.ts'
import { ClusterSeat, type ClusterSeatParts } from '../src/cluster-seat.ts'
import { Drains } from '../src/drains.ts'
import { SwitchyardError } from '../src/errors.ts'
import { LocalRegistry } from '../src/registry.ts'
import { configOf } from './stub/gateway.ts'
import { InnerNode } from './stub/inner-node.ts'

const text =
  'domains: {a.test: {instances: {left: {secret: l}, right: {secret: r}}, hold: {seconds: 60, store: redis}}, b.test: {secret: s}}\n' +
  'domain_balancing: {a.test: {type: source, component_number: 2}}'

/** A store that was in use before: nobody has to wait until it is known to be empty. */
function usedStore(): MemoryServer {
  const server = new MemoryServer(realTiming)
  server.commit({ me: 'somebody', epoch: 0, delta: new Map(), joinFor: 60_000 })
  return server
}

function settings(changes: Partial<Cluster> = {}): Cluster {
  const { cluster } = configOf(`listen: [{port: 0}]\ncluster: {redis: 'redis://127.0.0.1'}\n${text}`)
  return { ...cluster!, startup_retries: 0, task_seconds: 5, ...changes }
}

interface State {
  fate: Fate
  isBroken: boolean
  seated: string[]
  stopped: number
  reload: () => Promise<void>
  /** In force; one without a cluster is another. */
  config: Config | undefined
  /** What becomes of a call in the other cluster, whose keys begin with `x:`. */
  elsewhere: (call: Call) => Fate
}

/** A node that is alone until it enters. With `other` there is another cluster, too. */
function seated(t: TestContext, name: string, server: MemoryServer, other = server, domains = text) {
  const state: State = {
    ...{ fate: 'done', isBroken: false, seated: [], stopped: 0, config: undefined, elsewhere: () => 'done' },
    reload: async () => {},
  }
  const moved: string[] = []
  const clock = {
    get now() {
      return performance.now()
    },
  }
  const inner: InnerNode = new InnerNode(`node: ${name}\ncluster: {redis: 'redis://127.0.0.1'}\n${domains}`, {
    clock,
    registry: () => seat.registry,
    keeper: () => seat.member?.keeper,
    advertised: (domain) => seat.member?.adverts.tell(domain),
  })
  const { routes, router, shares, redelivery, flusher, log, config, instances } = inner
  const taken: ClusterSeatParts['seated'] = (domain, { name }) => {
    state.seated.push(name)
    shares.release(domain)
  }
  const alone = new LocalRegistry({ shares, router, log, seated: taken })
  const drains = new Drains({
    roster: () => ({
      all: instances,
      handOver: (domain, instance) => seat.registry.leave(domain, instance),
      release: (domain) => shares.release(domain),
      rejoin() {},
    }),
    unregister: (instance) => routes.unregister(instance),
    log,
    now: () => performance.now(),
    tick: () => new Promise(setImmediate),
  })
  const seat = new ClusterSeat({
    ...{ version: '1', routes, self: inner.self, router, shares, redelivery, flusher, log, clock },
    epoch: performance.timeOrigin,
    ...{ config: () => state.config ?? config, drains, alone, instances: { all: instances } },
    links: {
      linkFor: () => inner.server,
      settleAnew: () => void moved.push(seat.member === undefined ? 'alone' : 'together'),
      settled: async () => {},
      closeShared: async () => {},
      peek: () => undefined,
    },
    seated: taken,
    giveUp() {},
    act() {},
    usage: () => ({ state: 'ready', load: 0, memory: null }),
    asked: { reload: () => state.reload().then(() => []), stop: () => void state.stopped++ },
    stores:
      async ({ key_prefix }) =>
      () => {
        if (state.isBroken) throw new Error('no such file: ca.pem')
        const isOther = key_prefix === 'x:'
        const store = new MemoryStore(isOther ? other : server)
        store.fate = (call) => (isOther ? state.elsewhere(call) : state.fate)
        return store
      },
  })
  const ticker = setInterval(() => seat.member?.tick(), 50)
  t.after(() => clearInterval(ticker))
  t.after(() => seat.end())
  return { seat, inner, state, moved }
}

/** A config that wants the other cluster. */
function elsewhere({ inner }: ReturnType<typeof seated>, changes: Partial<Cluster> = {}): Config {
  return { ...inner.config, cluster: settings({ key_prefix: 'x:', ...changes }) }
}

function withoutCluster({ cluster: _, ...config }: Config): Config {
  return config
}

/** Whether a node was refused for that reason. */
function isRefusal(reason: RegExp) {
  return (error: unknown) =>
    error instanceof SwitchyardError && error.code === 'cluster-refused' && reason.test(error.message)
}

/** Two nodes in a cluster, an instance at each. */
async function pair(t: TestContext) {
  const server = usedStore()
  const [a, b] = [seated(t, 'A', server), seated(t, 'B', server)]
  await a.seat.enter(settings())
  await b.seat.enter(settings())
  a.inner.join('left')
  b.inner.join('right')
  const { members } = a.inner.domain
  await until(() => members.size === 2 && b.inner.domain.members.size === 2)
  return { server, a, b }
}

/** Resolves when it holds; looked at in each turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

/** So many messages, each from somebody else: for both buckets. */
function say({ inner }: { readonly inner: InnerNode }, count: number, first = 0): void {
  for (let id = first; id < first + count; id++) {
    inner.fromServer(`<message from='u${id}@x.test' to='a.test' id='${id}'/>`)
  }
}

describe('a node and its cluster', { concurrency: true }, () => {
  test('a node alone has no life in a cluster, and to leave or to stop is nothing to it', async (t) => {
    const { seat, inner, state } = seated(t, 'A', usedStore())
    state.config = withoutCluster(inner.config)
    await seat.enter(undefined)
    assert.deepEqual([seat.member, seat.metrics(), seat.holdStoreUp], [undefined, undefined, null])
    seat.serve(inner.routes.domains.values())
    assert.equal(inner.domain.hold.keeper, undefined)
    await seat.leave()
    await seat.drain(performance.now() + 1000)
    await seat.stop()
    assert.equal(inner.book.text, '')
  })

  test('a node that enters has a life in the cluster, and writes down what those domains hold that want it', async (t) => {
    const server = usedStore()
    const { seat, inner } = seated(t, 'A', server)
    await seat.enter(settings())
    assert.equal(seat.metrics()?.nodes, 1)
    const other = inner.routes.domains.get('b.test')!
    assert.deepEqual([inner.domain.hold.outlives, other.hold.keeper], [true, undefined])
    say({ inner }, 3)
    const { incarnation } = seat.member!
    await until(() => server.mails(incarnation).length > 0)
    assert.equal(inner.domain.hold.unsaved, 0)
  })

  test('a node that cannot join is told so, and goes on alone; another time it may', async (t) => {
    const { seat, inner, state } = seated(t, 'A', usedStore())
    inner.join('left')
    state.fate = 'refused'
    await assert.rejects(seat.enter(settings()), (error) => {
      assert.ok(error instanceof SwitchyardError && error.code === 'cluster-refused')
      return true
    })
    assert.deepEqual([seat.member, inner.domain.hold.keeper, seat.isOther(undefined)], [undefined, undefined, false])
    state.fate = 'done'
    await seat.enter(settings())
    assert.ok(seat.member)
    await until(() => seat.member?.membership.table.domain('a.test')?.instances.has('left') === true)
    assert.deepEqual(state.seated, ['left'], 'it had its place before')
  })

  test('those that have buckets keep them when their node enters', async (t) => {
    const { seat, inner } = seated(t, 'A', usedStore())
    const first = inner.join('first')
    for (const name of ['second', 'third']) inner.join(name)
    inner.leave(first)
    assert.deepEqual(inner.domain.buckets?.holders, ['third', 'second'])
    await seat.enter(settings())
    const agreed = () => seat.member?.membership.table.domain('a.test')
    await until(() => agreed()?.instances.size === 2)
    assert.deepEqual(agreed()?.buckets?.holders, ['third', 'second'])
  })

  test('a node that is to be in a cluster and is in none says so in its metrics', async (t) => {
    const server = usedStore()
    const { seat } = seated(t, 'A', server, server, 'domains: {a.test: {secret: s, hold: {store: redis}}}')
    assert.deepEqual(seat.metrics(), { ...alone, isUp: false, isSenior: false })
    assert.equal(seat.holdStoreUp, false)
    await seat.enter(settings())
    assert.deepEqual([seat.metrics()?.isUp, seat.holdStoreUp], [true, true])
  })

  test('what stands against another cluster is known before anything is changed', async (t) => {
    const other = usedStore()
    const a = seated(t, 'A', usedStore(), other)
    const { seat, state, inner } = a
    await seat.enter(settings())
    const { member } = seat
    await seat.inspect(elsewhere(a))
    state.elsewhere = () => 'refused'
    await assert.rejects(seat.inspect(elsewhere(a)), isRefusal(/^cannot join the cluster: open: refused$/))
    // Such as a replica.
    state.elsewhere = (call) => (call === 'renew' ? 'refused' : 'done')
    await assert.rejects(seat.inspect(elsewhere(a)), isRefusal(/renew: refused/))
    state.elsewhere = () => 'done'
    state.isBroken = true
    await assert.rejects(seat.inspect(elsewhere(a)), isRefusal(/no such file: ca\.pem/))
    state.isBroken = false
    await seat.inspect(withoutCluster(inner.config))
    assert.ok(seat.member === member && seat.metrics()?.isUp)
    assert.equal(other.epoch, 1, 'nothing was written there')
    assert.deepEqual([...other.inboxes], [])
  })

  test('a live node that has the name stands against it, unless it is this one, and one that is dead does not', async (t) => {
    const other = usedStore()
    const [a, rival] = [seated(t, 'A', usedStore(), other), seated(t, 'A', other)]
    await rival.seat.enter(settings())
    await assert.rejects(a.seat.inspect(elsewhere(a)), isRefusal(/a node named A is in the cluster already/))
    rival.seat.end()
    await a.seat.inspect(elsewhere(a))
    await a.seat.move(elsewhere(a), () => {})
    await a.seat.inspect(elsewhere(a))
  })

  test('a node that moves to another cluster takes its config into force when it has joined, and not before', async (t) => {
    const other = usedStore()
    const a = seated(t, 'A', usedStore(), other)
    const { seat, state, inner, moved } = a
    inner.join('left')
    await seat.enter(settings())
    const config = elsewhere(a, { inbox_bytes: 9_000_000 })
    let joined: boolean | undefined
    moved.length = 0
    await seat.move(config, () => {
      joined = [...other.fields.keys()].some((field) => field.startsWith('node'))
      state.config = config
    })
    assert.equal(joined, true)
    assert.deepEqual([seat.isOther(config.cluster), seat.metrics()?.nodes], [false, 1])
    assert.ok(!moved.includes('alone'), 'it dials no link of the others meanwhile')
    await until(() => seat.member?.membership.table.domain('a.test')?.instances.has('left') === true)
    let isApplied = false
    await seat.move(withoutCluster(inner.config), () => {
      isApplied = true
    })
    assert.deepEqual([isApplied, seat.member], [true, undefined])
    assert.equal(moved.at(-1), 'alone')
  })

  test('a node that cannot join the other cluster after all is back in the one before, by the config before', async (t) => {
    const { a, b } = await pair(t)
    a.state.elsewhere = (call) => (call === 'commit' ? 'refused' : 'done')
    await a.seat.inspect(elsewhere(a))
    await assert.rejects(
      a.seat.move(elsewhere(a), () => assert.fail('it has not joined')),
      isRefusal(/commit: refused/),
    )
    assert.equal(a.seat.isOther(settings()), false)
    await until(() => a.inner.domain.members.size === 2 && b.inner.domain.members.size === 2)
    assert.deepEqual(a.inner.book.all('cluster-absent'), [])
    say(a, 20)
    await until(() => a.inner.domain.counters.forwarded > 0)
    const [left, right] = [await a.inner.received('left'), await b.inner.received('right')]
    assert.equal(left.length + right.length, 20)
  })

  test('a node that can join neither says so, goes on alone, and comes back when it can', async (t) => {
    const a = seated(t, 'A', usedStore(), usedStore())
    const { seat, state, inner, moved } = a
    const home = settings({ retry_seconds: 0.1 })
    await seat.enter(home)
    inner.join('left')
    state.elsewhere = (call) => {
      // Both go away at that moment.
      if (call === 'commit') state.fate = 'refused'
      return call === 'commit' ? 'refused' : 'done'
    }
    await assert.rejects(seat.move(elsewhere(a), () => assert.fail('it has not joined')))
    assert.deepEqual([seat.member, seat.metrics()?.isUp, seat.holdStoreUp], [undefined, false, false])
    assert.equal(moved.at(-1), 'alone')
    assert.deepEqual([seat.isOther(home), seat.isOther(undefined)], [false, true])
    await inner.book.waitFor('cluster-absent', {}, 2)
    const [line] = inner.book.all('cluster-absent')
    assert.deepEqual([line?.seconds, line?.level], [0.1, 'error'])
    state.fate = 'done'
    await inner.book.waitFor('cluster-joined', {}, 2)
    await until(() => seat.member?.membership.table.domain('a.test')?.instances.has('left') === true)
    assert.equal(seat.metrics()?.isUp, true)
  })

  test('a node on its way back goes where a reload wants it, or stops, and tries no more', async (t) => {
    const a = seated(t, 'A', usedStore(), usedStore())
    const { seat, state, inner } = a
    await seat.enter(settings({ retry_seconds: 0.1 }))
    const goAstray = async (nth: number) => {
      state.fate = 'refused'
      state.elsewhere = (call) => (call === 'commit' ? 'refused' : 'done')
      await assert.rejects(seat.move(elsewhere(a), () => assert.fail('it has not joined')))
      await inner.book.waitFor('cluster-absent', {}, nth)
    }
    await goAstray(1)
    state.elsewhere = () => 'done'
    await seat.move(elsewhere(a), () => {})
    assert.deepEqual([seat.metrics()?.isUp, seat.isOther(elsewhere(a).cluster)], [true, false])
    const tried = inner.book.all('cluster-absent').length
    state.fate = 'done'
    await seat.move({ ...inner.config, cluster: settings({ retry_seconds: 0.1 }) }, () => {})
    await goAstray(tried + 1)
    await seat.stop()
    seat.end()
    const last = inner.book.all('cluster-absent').length
    state.fate = 'done'
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.deepEqual([seat.member, inner.book.all('cluster-absent').length], [undefined, last])
  })

  test('a store that cannot be made is no bug', async (t) => {
    const { seat, state } = seated(t, 'A', usedStore())
    state.isBroken = true
    await assert.rejects(seat.enter(settings()), (error) => {
      return error instanceof SwitchyardError && /^cannot join the cluster: no such file: ca\.pem$/.test(error.message)
    })
    assert.equal(seat.member, undefined)
  })

  test('only where and with whom it meets says whether a cluster is another', async (t) => {
    const { seat } = seated(t, 'A', usedStore())
    assert.deepEqual([seat.isOther(undefined), seat.isOther(settings())], [false, true])
    await seat.enter(settings())
    assert.deepEqual(
      [undefined, settings(), settings({ task_seconds: 9 }), settings({ key_prefix: 'x:' })].map((of) =>
        seat.isOther(of),
      ),
      [true, false, false, true],
    )
  })

  test('a node that leaves keeps its instances and what it holds, and lets go of what others have', async (t) => {
    const { a, b } = await pair(t)
    say(a, 20)
    await until(() => a.inner.domain.counters.forwarded > 0)
    const sent = a.inner.domain.counters.forwarded
    await a.seat.leave()
    assert.deepEqual([a.seat.member, a.seat.isOther(undefined)], [undefined, false])
    assert.deepEqual([[...a.inner.domain.members.keys()], a.inner.stream('left').isOpen], [['left'], true])
    assert.equal(a.inner.domain.hold.keeper, undefined)
    await until(() => b.inner.book.all('node-left').length === 1)
    assert.deepEqual(
      b.inner.book.all('node-left').map(({ name, isDead }) => [name, isDead]),
      [['A', false]],
    )
    const [left, right] = [await a.inner.received('left'), await b.inner.received('right')]
    assert.deepEqual([left.length + right.length, right.length], [20, sent], 'each once')
    // Alone again: what was for the other's instance waits for one of its own.
    say(a, 20, 20)
    const { hold } = a.inner.domain
    assert.equal((await a.inner.received('left')).length - left.length + hold.stanzas, 20)
    a.inner.join('right')
    assert.deepEqual([(await a.inner.received('right')).length > 0, hold.stanzas], [true, 0])
  })

  test('an instance that comes while its node leaves, or just before, has its place there, and is read', async (t) => {
    const { a, b } = await pair(t)
    a.inner.join('before')
    const leaving = a.seat.leave()
    a.inner.join('right')
    await new Promise(setImmediate)
    a.inner.join('after')
    const names = ['left', 'before', 'right', 'after']
    assert.deepEqual([...a.inner.domain.members.keys()], names)
    assert.deepEqual([a.state.seated, a.inner.domain.joining.size], [names, 0])
    for (const name of names) assert.equal(a.inner.stream(name).isPaused, false, name)
    // One of those that hold a bucket goes: the next one has it at once, as the node decides alone.
    a.inner.leave([...a.inner.instances.keys()].find(({ name }) => name === 'left')!)
    assert.equal(a.inner.domain.buckets?.holders.includes(undefined), false)
    await leaving
    say(a, 20)
    await a.inner.turn()
    const received = await Promise.all(names.map((name) => a.inner.received(name)))
    assert.deepEqual([received.flat().length, a.inner.domain.hold.stanzas], [20, 0])
    await until(() => b.inner.book.all('node-left').length === 1)
    assert.deepEqual([[...b.inner.domain.members.keys()], b.inner.stream('right').isOpen], [['right'], true])
  })

  test('a node that is to stop moves its shares to the others first, in order', async (t) => {
    const { a, b } = await pair(t)
    say(a, 20)
    await a.seat.drain(performance.now() + 10_000)
    assert.deepEqual([a.inner.instances.size, a.inner.stream('left').condition], [0, 'system-shutdown'])
    assert.deepEqual([...b.inner.domain.members.keys()], ['right'])
    await a.seat.stop()
    await until(() => b.inner.book.all('node-left').length === 1)
    const { counters, hold } = a.inner.domain
    assert.deepEqual([hold.stanzas, counters.receivedFromLink], [0, 20])
    const [left, right] = [await a.inner.received('left'), await b.inner.received('right')]
    assert.equal(left.length + right.length, 20)
  })

  test('without others there is nobody to move anything to', async (t) => {
    const { seat, inner } = seated(t, 'A', usedStore())
    await seat.enter(settings())
    inner.join('left')
    await until(() => inner.domain.members.size === 1)
    await seat.drain(performance.now() + 10_000)
    assert.equal(inner.stream('left').isOpen, true)
  })

  test('what one node asks of all, and what its server says, reaches the others', async (t) => {
    const { a, b } = await pair(t)
    const { tasks } = await a.seat.tasks()
    const { answers, silent } = await tasks.ask('drain')
    assert.deepEqual([[...answers.keys()].sort(), silent, a.state.stopped, b.state.stopped], [['A', 'B'], [], 1, 1])
    assert.equal(await a.seat.tasks(), await a.seat.tasks())
    a.inner.fromServer(
      "<message from='test' to='a.test'><privilege xmlns='urn:xmpp:privilege:2'><perm access='roster'/></privilege></message>",
    )
    await until(() => b.inner.domain.adverts.all.length === 1)
  })

  test('a reload that takes all nodes out of their cluster is answered by all', async (t) => {
    const { a, b, server } = await pair(t)
    const stores = [a, b].map(({ seat }) => seat.member!.store)
    for (const { seat, state } of [a, b]) state.reload = () => seat.leave()
    const { tasks } = await a.seat.tasks()
    const { answers, silent } = await tasks.ask('reload')
    assert.deepEqual([[...answers].sort(), silent], [['A', 'B'].map((name) => [name, { value: null }]), []])
    assert.deepEqual([a.seat.member, b.seat.member, server.leases.size], [undefined, undefined, 1])
    // And nobody has the stores any more.
    for (const store of stores) await assert.rejects(store.time(), /closed/)
  })

  test('what is asked while Redis is away is refused, or not done when nobody waits for it any more', async (t) => {
    const { a, b, server } = await pair(t)
    const { tasks } = await a.seat.tasks()
    const others = tasks.everybody.filter(({ name }) => name === 'B')
    for (const { state } of [a, b]) state.fate = 'refused'
    server.interrupt()
    // It is not known yet.
    const { silent } = await tasks.ask('drain', null, others, 0.1)
    await until(() => a.seat.member?.isUp === false)
    await assert.rejects(tasks.ask('drain', null, others), /does not reach Redis/)
    for (const { state } of [a, b]) state.fate = 'done'
    await until(() => b.inner.book.all('cluster-task-late').length > 0)
    assert.deepEqual([silent, b.state.stopped], [['B'], 0])
    await until(() => a.seat.member?.isUp === true)
    await tasks.ask('drain', null, others)
    assert.equal(b.state.stopped, 1)
  })

  test('nobody looks at stanzas for a node where nobody waits for that any more', async (t) => {
    const { a, b } = await pair(t)
    const { tasks } = await a.seat.tasks()
    const others = tasks.everybody.filter(({ name }) => name === 'B')
    const gone = new AbortController()
    const asked = { domain: 'a.test', seconds: 600, hashed: false }
    const asking = tasks.ask('sample', asked, others, 630, gone.signal)
    await until(() => b.inner.domain.watcher !== undefined)
    gone.abort()
    assert.deepEqual((await asking).silent, ['B'])
    await until(() => b.inner.domain.watcher === undefined)
  })

  test('Redis is there for what is held, or is not, only where a domain wants it for that', async (t) => {
    const server = usedStore()
    const wanting = seated(t, 'A', server)
    const other = seated(t, 'B', server, server, 'domains: {a.test: {secret: s}, b.test: {secret: s}}')
    assert.deepEqual([wanting.seat.holdStoreUp, other.seat.holdStoreUp], [false, null])
    await wanting.seat.enter(settings())
    await other.seat.enter(settings())
    assert.deepEqual([wanting.seat.holdStoreUp, other.seat.holdStoreUp], [true, null])
    wanting.state.fate = 'refused'
    server.interrupt()
    await until(() => wanting.seat.holdStoreUp === false)
  })
})
