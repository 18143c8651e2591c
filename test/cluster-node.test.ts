import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cluster } from '../config/config.ts'
import { type Fate, MemoryStore } from '../src/cluster/memory-store.ts'
import { ClusterNode } from '../src/cluster-node.ts'
import { SwitchyardError } from '../src/errors.ts'
import { type MemberNode, MemberYard } from './stub/member-yard.ts'

const text = 'domains: {a.test: {secret: s, hold: {seconds: 60}}}'
const journaled = 'domains: {a.test: {secret: s, delivery: journal}}'

interface Joiner {
  readonly node: ClusterNode
  readonly inner: MemberNode['inner']
  /** All stores that it opened, the newest last. */
  readonly stores: MemoryStore[]
  readonly calls: string[]
  readonly state: {
    /** How many lives followed the first. */
    begins: number
    /** What becomes of what it asks the store. */
    fate: Fate
    /** And once another life begins. */
    next: Fate | undefined
    /** No store can be made. */
    isBroken: boolean
  }
  /** The reasons of its tries, and how long it waits for the next one. */
  readonly retries: () => readonly (readonly [string, number])[]
}

/** A node of a yard that begins one life after the other. */
function joiner(yard: MemberYard, name: string): Joiner {
  const outer = yard.node(name)
  const stores: MemoryStore[] = []
  const calls: string[] = []
  const state: Joiner['state'] = { begins: 0, fate: 'done', next: undefined, isBroken: false }
  const node = new ClusterNode({
    ...outer.parts,
    store: () => {
      if (state.isBroken) throw new Error('no such file: ca.pem')
      const store = new MemoryStore(yard.server)
      store.fate = (call) => {
        calls.push(call)
        return state.fate
      }
      stores.push(store)
      return store
    },
    begins: () => {
      state.begins++
      state.fate = state.next ?? state.fate
      outer.member = node.member
    },
  })
  outer.member = node.member
  const retries = () =>
    outer.inner.book.all('cluster-retry').map(({ reason, seconds }) => [String(reason), Number(seconds)] as const)
  return { node, inner: outer.inner, stores, calls, state, retries }
}

function settings(yard: MemberYard, changes: Partial<Cluster> = {}): Cluster {
  const { cluster } = yard.node('x').config
  return { ...cluster!, startup_delay_seconds: 0, startup_retries: 3, retry_seconds: 2, ...changes }
}

test('a node joins after the delay that the config gives it', async () => {
  const yard = new MemberYard(text)
  const { node, calls } = joiner(yard, 'A')
  const started = node.start(settings(yard, { startup_delay_seconds: 5 }))
  await yard.time.pass(4900)
  assert.deepEqual(calls, [])
  await yard.until(started)
  assert.deepEqual(
    node.member.nodes().map(({ name }) => name),
    ['A'],
  )
})

test('what passes is tried again, as often as the config says, each time as another', async () => {
  const yard = new MemberYard(text)
  const { node, stores, state, retries } = joiner(yard, 'A')
  state.fate = 'refused'
  const first = node.member
  const started = node.start(settings(yard))
  await yard.time.pass(3000)
  assert.equal(retries().length, 2)
  state.fate = 'done'
  await yard.until(started)
  assert.deepEqual([retries().map(([, seconds]) => seconds), state.begins, stores.length], [[2, 2], 2, 3])
  assert.notEqual(node.member.incarnation, first.incarnation)
  assert.equal(node.member.look(), true)
})

test('who cannot join in so many tries is told why, and leaves nothing open', async () => {
  const yard = new MemberYard(text)
  const { node, stores, state, retries } = joiner(yard, 'A')
  state.fate = 'refused'
  const started = node.start(settings(yard, { startup_retries: 2 }))
  await assert.rejects(yard.until(started), (error) => {
    assert.ok(error instanceof SwitchyardError)
    assert.equal(error.code, 'cluster-refused')
    assert.match(error.message, /^cannot join the cluster: open: refused$/)
    return true
  })
  assert.deepEqual([retries().length, stores.length], [2, 3])
  for (const store of stores) await assert.rejects(store.time(), /the store is closed/)
})

test('a name that a live node has is not tried again', async () => {
  const yard = new MemberYard(text)
  await yard.members('A')
  const { node, retries } = joiner(yard, 'A')
  await assert.rejects(yard.until(node.start(settings(yard))), /cannot join the cluster: .*a node named A is in/)
  assert.deepEqual(retries(), [])
})

test('who is to stop while it tries to join stops at once, and opens nothing more', async () => {
  for (const end of ['end', 'leave'] as const) {
    for (const milliseconds of [500, 3000]) {
      const yard = new MemberYard(text)
      const { node, stores, state, inner } = joiner(yard, 'A')
      // After 500 ms it waits for an answer, and after 3000 ms for its next try.
      state.fate = 'lost'
      const started = node.start(settings(yard, { retry_seconds: 1000 }))
      let reason = ''
      started.catch((error: Error) => {
        reason = error.message
      })
      await yard.time.pass(milliseconds)
      const stopped = node[end](0)
      await yard.until(Promise.resolve(stopped))
      await yard.time.pass(5000)
      assert.equal(reason, 'cannot join the cluster: the node stops')
      for (const store of stores) await assert.rejects(store.time(), /the store is closed/)
      assert.deepEqual([stores.length, inner.book.all('cluster-joined')], [1, []], `${end} after ${milliseconds} ms`)
    }
  }
})

/** A node that others have given up, and that has just heard of it. */
async function givenUp(domains = text) {
  const yard = new MemberYard(domains)
  const [other] = await yard.members('B')
  const made = joiner(yard, 'A')
  const started = made.node.start(settings(yard))
  await yard.until(started)
  await yard.pass(1000)
  made.inner.join('red')
  await yard.pass(1000)
  const { member } = made.node
  made.state.fate = 'lost'
  await yard.pass(9000)
  return { ...made, yard, other: other!, member }
}

test('a node that others have given up joins again as another, with the instances that it has', async () => {
  const { yard, node, member, state, inner, other } = await givenUp()
  assert.equal(other.inner.domain.members.size, 0)
  state.fate = 'done'
  await yard.pass(8000)
  assert.equal(state.begins, 1)
  assert.notEqual(node.member.incarnation, member.incarnation)
  assert.deepEqual([node.member.look(), member.look()], [true, false])
  assert.deepEqual(
    [inner.book.all('cluster-lost').length, inner.book.all('cluster-joined').length, inner.stream('red').isOpen],
    [1, 2, true],
  )
  assert.deepEqual([...other.inner.domain.members.keys()], ['red'])
  other.inner.fromServer("<message from='u@x.test' to='a.test' id='1'/>")
  await yard.pass(500)
  assert.deepEqual(await inner.stream('red').text.includes("id='1'"), true)
})

test('one that had no place in the life that has ended has one in the next, and is read', async () => {
  const { yard, node, member, state, inner, other } = await givenUp()
  other.inner.join('both')
  // The name is another node's, as far as this one knows: that it has not heard of it changes nothing.
  inner.join('new')
  await yard.pass(500)
  assert.equal(inner.stream('new').isPaused, false)
  state.fate = 'done'
  await yard.pass(8000)
  assert.notEqual(node.member.incarnation, member.incarnation)
  Object.assign(state, { fate: 'lost' })
  await yard.pass(4000)
  inner.join('both')
  await yard.pass(6000)
  assert.equal(inner.stream('both').isPaused, true)
  const { begins } = state
  state.fate = 'done'
  await yard.pass(8000)
  assert.equal(state.begins, begins + 1)
  // It is told that the other has the name, and may come again.
  assert.deepEqual([inner.stream('both').isPaused, inner.stream('both').condition], [false, 'conflict'])
  assert.deepEqual([...other.inner.domain.members.keys()].sort(), ['both', 'new', 'red'])
  assert.equal(inner.domain.joining.size, 0)
})

test('a node that cannot join again at once goes on trying, ever more patiently, and can be stopped', async () => {
  const { yard, node, state, stores, retries, inner } = await givenUp()
  // The next renewal comes through, and tells it; then the store is away again.
  Object.assign(state, { fate: 'done', next: 'refused' })
  await yard.time.pass(60_000)
  assert.equal(inner.book.all('cluster-lost').length, 1)
  const waits = retries().map(([, seconds]) => seconds)
  assert.ok(waits.length >= 8 && Math.max(...waits) <= 5, `${waits}`)
  assert.ok(waits[0]! < 1 && waits.at(-1)! > 2, `${waits}`)
  const left = node.leave(0)
  await yard.time.pass(100)
  await left
  const count = stores.length
  await yard.time.pass(60_000)
  assert.equal(stores.length, count)
  for (const store of stores) await assert.rejects(store.time(), /the store is closed/)
})

test('a life that is to come writes down what is to be journaled: it goes on when the node has joined', async () => {
  const { yard, state, inner, other } = await givenUp(journaled)
  Object.assign(state, { fate: 'done', next: 'refused' })
  await yard.time.pass(5000)
  assert.equal(inner.book.all('cluster-lost').length, 1)
  for (const id of ['1', '2']) {
    inner.fromServer(`<message from='u@x.test' to='a.test' id='${id}'/>`)
    await yard.time.pass(3000)
  }
  assert.deepEqual(inner.stream('red').text, '', 'it would be lost with this node')
  Object.assign(state, { fate: 'done', next: 'done' })
  await yard.pass(20_000)
  assert.match(inner.stream('red').text, /id='1'.*id='2'/)
  assert.equal(inner.stream('red').text.match(/<message/g)?.length, 2)
  assert.equal(other.inner.domain.hold.stanzas, 0)
})

test('a store that cannot even be made is a try that failed', async () => {
  const { yard, state, inner, node, retries } = await givenUp()
  state.fate = 'done'
  state.isBroken = true
  while (inner.book.all('cluster-lost').length === 0) await yard.time.pass(10)
  await yard.time.pass(3000)
  assert.match(retries()[0]?.[0] ?? '', /no such file: ca\.pem/)
  state.isBroken = false
  await yard.pass(10_000)
  assert.equal(node.member.look(), true)

  const second = new MemberYard(text)
  const made = joiner(second, 'A')
  made.state.fate = 'refused'
  const started = made.node.start(settings(second))
  made.state.isBroken = true
  await assert.rejects(
    second.until(started),
    (error) => error instanceof SwitchyardError && /ca\.pem/.test(error.message),
  )
})

test('who leaves tells the others, and says so; who cannot tell them says why', async () => {
  const yard = new MemberYard(text)
  const [other] = await yard.members('B')
  const { node, inner } = joiner(yard, 'A')
  await yard.until(node.start(settings(yard)))
  await yard.pass(2000)
  await yard.until(node.leave(100))
  await yard.pass(500)
  assert.equal(other!.member.hasOthers, false)
  assert.deepEqual(
    inner.book.all('cluster-left').map(({ reason }) => reason),
    [undefined],
  )
  const cut = joiner(yard, 'C')
  await yard.until(cut.node.start(settings(yard)))
  cut.state.fate = 'lost'
  await yard.until(cut.node.leave(100))
  assert.match(String(cut.inner.book.all('cluster-left')[0]?.reason), /nothing came back/)
})
