import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryServer } from '../../src/cluster/memory-server.ts'
import { MemoryStore } from '../../src/cluster/memory-store.ts'

/** Time that passes when the test says so. */
class Time {
  #now = 0
  readonly #due: { readonly at: number; readonly run: () => void }[] = []

  now = (): number => this.#now
  later = (run: () => void, milliseconds: number): (() => void) => {
    const timer = { at: this.#now + milliseconds, run }
    this.#due.push(timer)
    return () => void (this.#due.includes(timer) && this.#due.splice(this.#due.indexOf(timer), 1))
  }
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const [next] = this.#due.toSorted((a, b) => a.at - b.at)
      if (next === undefined || next.at > end) break
      this.#due.splice(this.#due.indexOf(next), 1)
      this.#now = next.at
      next.run()
    }
    this.#now = end
  }
}

function start() {
  const time = new Time()
  const server = new MemoryServer(time)
  return { time, server, store: new MemoryStore(server), other: new MemoryStore(server) }
}

const joining = (me: string) => ({ me, epoch: 0, delta: new Map([['x', me]]), joinFor: 5000 })

test('leases run out by the time of the server', async () => {
  const { time, store } = start()
  await store.commit(joining('a'))
  await time.pass(4999)
  assert.deepEqual((await store.renew('b', 1)).expired, [])
  await time.pass(1)
  assert.deepEqual((await store.renew('b', 1)).expired, ['a'])
})

test('answers to a task are forgotten after a minute', async () => {
  const { time, store } = start()
  await store.answer('t', 'one')
  await time.pass(59_999)
  assert.deepEqual(await store.answers('t', 0, 0), ['one'])
  await time.pass(1)
  assert.deepEqual(await store.answers('t', 0, 0), [])
})

test('a call that is refused is not carried out, and its caller is told why', async () => {
  const { server, store } = start()
  store.fate = () => 'refused'
  await assert.rejects(store.commit(joining('a')), { name: 'StoreUnreachable', refused: true })
  assert.equal(server.epoch, 0)
})

test('of a call that is lost, or whose answer is, nothing is heard', async () => {
  const { time, server, store } = start()
  const silent = { name: 'StoreUnreachable', refused: false }
  for (const [fate, epoch] of [['lost', 0] as const, ['unheard', 1] as const]) {
    store.fate = () => fate
    const rejected = assert.rejects(store.commit(joining('a')), silent)
    await time.pass(3000)
    await rejected
    assert.equal(server.epoch, epoch)
  }
})

test('a call that is held is carried out when it is released, whether or not its caller still waits', async () => {
  const { time, server, store } = start()
  store.fate = (call) => (call === 'commit' ? 'held' : 'done')
  const heard = store.commit(joining('a'))
  await time.pass(2999)
  assert.equal(server.epoch, 0)
  server.release()
  assert.deepEqual(await heard, { kind: 'done', epoch: 1 })
  const unheard = assert.rejects(store.commit({ ...joining('b'), epoch: 1 }), { refused: false })
  await time.pass(3000)
  await unheard
  assert.equal(server.epoch, 1)
  server.release()
  assert.equal(server.epoch, 2)
})

test('a call is under way for as long as it is said to be, both ways', async () => {
  const { time, server, store } = start()
  store.delay = () => 10
  const outcome = store.commit(joining('a'))
  await time.pass(9)
  assert.equal(server.epoch, 0)
  await time.pass(1)
  assert.equal(server.epoch, 1)
  let isHeard = false
  void outcome.then(() => {
    isHeard = true
  })
  await time.pass(9)
  assert.equal(isHeard, false)
  await time.pass(1)
  assert.equal(isHeard, true)
})

test('who waits while the server forgets everything is told that the connection is gone', async () => {
  const { time, server, store, other } = start()
  await store.openInbox('a')
  const waiting = assert.rejects(other.read('a', '0', 1, 10_000), { refused: true })
  await time.pass(0)
  server.forget()
  await waiting
  assert.equal(await store.append('a', [Buffer.from('1')]), false)
})

test('a store that is closed harms no other', async () => {
  const { time, store, other } = start()
  await store.openInbox('a')
  const closed = assert.rejects(store.read('a', '0', 1, 10_000), { name: 'StoreUnreachable' })
  const waiting = other.read('a', '0', 1, 10_000)
  await time.pass(0)
  store.close()
  await closed
  await other.append('a', [Buffer.from('1')])
  assert.equal((await waiting).length, 1)
})

test('an entry can be lost, as in a failover, and what was appended is not what the sender goes on to write', async () => {
  const { server, store } = start()
  await store.openInbox('a')
  const bytes = Buffer.from('x')
  await store.append('a', [Buffer.from('lost'), bytes])
  bytes.write('y')
  server.lose('a', 0)
  assert.deepEqual(
    (await store.read('a', '0', 10, 0)).map((mail) => mail.bytes.toString()),
    ['x'],
  )
})
