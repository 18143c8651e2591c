import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Change, ClusterStore, Delta, Incarnation, Mail } from '../../src/cluster/cluster-store.ts'

/** A store that nobody has used, as several nodes see it. */
export interface World {
  /** Another client of it, open. */
  client(): Promise<ClusterStore>
  forget(): Promise<void>
}

export interface Subject {
  world(): World
  end(): Promise<void>
}

/** Long enough for all that has to happen within it. */
const LONG = 60_000

const delta = (fields: Readonly<Record<string, string | null>>): Delta => new Map(Object.entries(fields))
const textsOf = (mails: readonly Mail[]) => mails.map(({ bytes }) => bytes.toString())
const buffers = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text))

async function join(
  store: ClusterStore,
  me: Incarnation,
  fields: Delta = delta({}),
  milliseconds = LONG,
): Promise<number> {
  for (;;) {
    const { epoch } = await store.changes(0)
    const outcome = await store.commit({ me, epoch, delta: fields, joinFor: milliseconds })
    if (outcome.kind === 'done') return outcome.epoch
    assert.equal(outcome.kind, 'stale')
  }
}

/** Ends as soon as the store says so. */
async function untilExpired(store: ClusterStore, incarnation: Incarnation): Promise<void> {
  for (;;) {
    const { expired } = await store.renew('somebody who asks', LONG)
    if (expired.includes(incarnation)) return
  }
}

function apply(table: Map<string, string>, change: Change): void {
  if (change.isWhole) table.clear()
  for (const [name, value] of change.delta) {
    if (value === null) table.delete(name)
    else table.set(name, value)
  }
}

/** What every `ClusterStore` does. `rounds` says how much of what takes long. */
export function clusterStoreSuite(name: string, start: () => Promise<Subject>, rounds: number): void {
  describe(name, () => {
    let subject: Subject
    before(async () => {
      subject = await start()
    })
    after(() => subject.end())
    const client = () => subject.world().client()

    test('a store that nobody has used has nothing, at epoch 0, and nobody is a member', async () => {
      const store = await client()
      const nothing = { epoch: 0, delta: new Map(), isWhole: true }
      for (const epoch of [0, 7]) assert.deepEqual(await store.changes(epoch), nothing)
      assert.deepEqual(await store.renew('a', LONG), { isMember: false, epoch: 0, expired: [] })
    })

    test('what is committed is known to others as what has changed', async () => {
      const world = subject.world()
      const [one, other] = [await world.client(), await world.client()]
      assert.equal(await join(one, 'a', delta({ x: '1', y: '2' })), 1)
      assert.deepEqual(await one.renew('a', LONG), { isMember: true, epoch: 1, expired: [] })
      assert.deepEqual(await one.commit({ me: 'a', epoch: 1, delta: delta({ x: null, z: '£ \0 "\\' }) }), {
        kind: 'done',
        epoch: 2,
      })
      assert.deepEqual(await one.commit({ me: 'a', epoch: 2, delta: delta({ z: '3' }) }), { kind: 'done', epoch: 3 })
      const last = { epoch: 3, delta: delta({ z: '3' }), isWhole: false }
      assert.deepEqual(await other.changes(2), last)
      assert.deepEqual(await other.changes(1), { ...last, delta: delta({ x: null, z: '3' }) })
      assert.deepEqual(await other.changes(3), { ...last, delta: delta({}) })
      assert.deepEqual(await other.changes(4), { ...last, delta: delta({ y: '2', z: '3' }), isWhole: true })
    })

    test('what was worked out at another epoch is refused, and nothing happens', async () => {
      const store = await client()
      await join(store, 'a')
      await join(store, 'b', delta({ x: '1' }))
      const outcome = await store.commit({ me: 'a', epoch: 1, delta: delta({ x: '2' }), leaves: true })
      assert.deepEqual(outcome, { kind: 'stale', epoch: 2 })
      assert.deepEqual((await store.changes(0)).delta.get('x'), '1')
      assert.equal((await store.renew('a', LONG)).isMember, true)
    })

    test('of two that join at one epoch one has to do it again', async () => {
      const world = subject.world()
      const stores = [await world.client(), await world.client()] as const
      const joins = stores.map((store, i) =>
        store.commit({ me: `${i}`, epoch: 0, delta: delta({ [`${i}`]: '' }), joinFor: LONG }),
      )
      const outcomes = await Promise.all(joins)
      assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['done', 'stale'])
      assert.equal((await stores[0].changes(0)).delta.size, 1)
    })

    test('who has no lease is fenced: never had one, or left', async () => {
      const store = await client()
      await join(store, 'a')
      const fenced = { kind: 'fenced' }
      assert.deepEqual(await store.commit({ me: 'b', epoch: 1, delta: delta({ x: '1' }) }), fenced)
      const left = await store.commit({ me: 'a', epoch: 1, delta: delta({ x: '2' }), leaves: true })
      assert.deepEqual(left, { kind: 'done', epoch: 2 })
      assert.deepEqual(await store.commit({ me: 'a', epoch: 2, delta: delta({ x: '3' }) }), fenced)
      // At whatever epoch: that it is dead is what matters.
      assert.deepEqual(await store.commit({ me: 'a', epoch: 1, delta: delta({ x: '3' }) }), fenced)
      assert.deepEqual((await store.changes(0)).delta, delta({ x: '2' }))
    })

    test('a store that is behind says so, to who has no lease there, too', async () => {
      const store = await client()
      const outcome = await store.commit({ me: 'a', epoch: 5, delta: delta({ x: '1' }) })
      assert.deepEqual(outcome, { kind: 'stale', epoch: 0 })
    })

    test('who is alive cannot be buried', async () => {
      const store = await client()
      await join(store, 'dead', delta({}), 1)
      await join(store, 'a')
      await join(store, 'b')
      await untilExpired(store, 'dead')
      const outcome = await store.commit({ me: 'a', epoch: 3, delta: delta({ x: '1' }), expired: ['dead', 'b'] })
      assert.deepEqual(outcome, { kind: 'alive', incarnation: 'b' })
      assert.deepEqual(await store.changes(3), { epoch: 3, delta: delta({}), isWhole: false })
      assert.deepEqual((await store.renew('b', LONG)).expired, ['dead'])
    })

    test('who has run out is named to others, can come back, and is dead when it was buried', async () => {
      const store = await client()
      await join(store, 'a')
      await join(store, 'b', delta({}), 1)
      await untilExpired(store, 'b')
      assert.deepEqual((await store.renew('a', LONG)).expired, ['b'])
      assert.deepEqual(await store.renew('b', LONG), { isMember: true, epoch: 2, expired: [] })
      const alive = await store.commit({ me: 'a', epoch: 2, delta: delta({}), expired: ['b'] })
      assert.deepEqual(alive, { kind: 'alive', incarnation: 'b' })
      await store.renew('b', 1)
      await untilExpired(store, 'b')
      const buried = await store.commit({ me: 'a', epoch: 2, delta: delta({}), expired: ['b'] })
      assert.deepEqual(buried, { kind: 'done', epoch: 3 })
      assert.deepEqual(await store.renew('b', LONG), { isMember: false, epoch: 3, expired: [] })
      assert.deepEqual(await store.commit({ me: 'b', epoch: 3, delta: delta({}) }), { kind: 'fenced' })
    })

    test('a lease that has run out does not keep its own node from committing before it is buried', async () => {
      const store = await client()
      await join(store, 'a', delta({}), 1)
      await untilExpired(store, 'a')
      assert.equal((await store.commit({ me: 'a', epoch: 1, delta: delta({}) })).kind, 'done')
    })

    test('what changed too long ago to be remembered comes as the whole table', async () => {
      const store = await client()
      await join(store, 'a', delta({ first: '1' }))
      const changes = 1200
      for (let epoch = 1; epoch <= changes; epoch++) {
        await store.commit({ me: 'a', epoch, delta: delta({ x: `${epoch}` }) })
      }
      const x = { x: `${changes}` }
      const epoch = changes + 1
      assert.deepEqual(await store.changes(1), { epoch, delta: delta({ first: '1', ...x }), isWhole: true })
      assert.deepEqual(await store.changes(epoch - 999), { epoch, delta: delta(x), isWhole: false })
    })

    test('a change of thousands of fields, and of large ones, arrives', async () => {
      const store = await client()
      await join(store, 'a', delta({ gone: '1' }))
      const fields = new Map<string, string | null>([['gone', null]])
      for (let i = 0; i < 5000; i++) fields.set(`field/${i}`, `value ${i} £ "`)
      fields.set('large', randomBytes(500_000).toString('hex'))
      assert.equal((await store.commit({ me: 'a', epoch: 1, delta: fields })).kind, 'done')
      const table = new Map([['gone', '1']])
      apply(table, await store.changes(1))
      fields.delete('gone')
      assert.deepEqual(table, fields)
      // What comes after it is told by itself again.
      await store.commit({ me: 'a', epoch: 2, delta: delta({ x: '1' }) })
      assert.deepEqual(await store.changes(2), { epoch: 3, delta: delta({ x: '1' }), isWhole: false })
    })

    test('half a pair of surrogates, which is no text, is replaced and harms nothing', async () => {
      const store = await client()
      await join(store, 'a', delta({ x: 'a\ud800b', y: '\\ud800' }))
      const { delta: found } = await store.changes(0)
      assert.equal(found.get('y'), '\\ud800')
      assert.equal(Buffer.from(found.get('x') ?? '').toString(), 'a\ufffdb')
    })

    test('twenty clients that commit at once lose no change', async () => {
      const world = subject.world()
      const stores = await Promise.all(Array.from({ length: 20 }, () => world.client()))
      await Promise.all(
        stores.map(async (store, i) => {
          await join(store, `${i}`)
          const table = new Map<string, string>()
          let epoch = 0
          for (let done = 0; done < rounds; ) {
            const change = await store.changes(epoch)
            apply(table, change)
            epoch = change.epoch
            const count = Number(table.get('count') ?? 0)
            const fields = delta({ count: `${count + 1}`, [`by/${i}`]: `${done + 1}` })
            const outcome = await store.commit({ me: `${i}`, epoch, delta: fields })
            if (outcome.kind === 'done') done++
            else assert.equal(outcome.kind, 'stale')
          }
        }),
      )
      const { epoch, delta: table } = await stores[0]!.changes(0)
      assert.equal(epoch, 20 + 20 * rounds)
      assert.equal(table.get('count'), `${20 * rounds}`)
      for (let i = 0; i < 20; i++) assert.equal(table.get(`by/${i}`), `${rounds}`)
    })

    test('who waits for a change is told of it, and of what has changed already', async () => {
      const world = subject.world()
      const [one, other] = [await world.client(), await world.client()]
      await join(one, 'a')
      const changed = other.awaitChange(1, 10_000)
      await one.commit({ me: 'a', epoch: 1, delta: delta({ x: '1' }) })
      await changed
      await other.awaitChange(1, 10_000)
      await other.awaitChange(3, 10_000)
      await other.awaitChange(2, 1)
    })

    test('a store that has forgotten is given back what was known', async () => {
      const world = subject.world()
      const [one, other] = [await world.client(), await world.client()]
      await join(one, 'a', delta({ x: '1' }))
      await join(other, 'b', delta({ y: '2' }))
      const known = new Map<string, string>()
      apply(known, await one.changes(0))
      await world.forget()
      assert.deepEqual(await one.renew('a', LONG), { isMember: false, epoch: 0, expired: [] })
      await join(other, 'new', delta({ z: '3' }))
      const waits = other.awaitChange(1, 10_000)
      assert.equal(await one.seed(2, known, ['a', 'b'], LONG), true)
      await waits
      assert.equal(await other.seed(2, new Map(), [], LONG), false)
      assert.equal(await other.seed(3, new Map(), [], LONG), false)
      for (const epoch of [0, 1, 2]) {
        assert.deepEqual(await one.changes(epoch), { epoch: 3, delta: known, isWhole: true })
      }
      for (const me of ['a', 'b']) assert.equal((await one.renew(me, LONG)).isMember, true)
      assert.equal((await one.renew('new', LONG)).isMember, false)
      assert.equal((await other.commit({ me: 'b', epoch: 3, delta: delta({ x: null }) })).kind, 'done')
      assert.deepEqual(await one.changes(3), { epoch: 4, delta: delta({ x: null }), isWhole: false })
    })

    test('a lease that was given with the table runs out as any other', async () => {
      const store = await client()
      assert.equal(await store.seed(7, new Map(), ['a'], 1), true)
      await untilExpired(store, 'a')
      assert.equal((await store.renew('b', LONG)).epoch, 8)
    })

    test('there is no inbox before it is opened, and nothing in it then', async () => {
      const store = await client()
      assert.equal(await store.append('a', buffers('1')), false)
      assert.equal(await store.append('a', buffers('1', '2')), false)
      assert.deepEqual(await store.read('a', '0', 10, 1), [])
      await store.openInbox('a')
      assert.deepEqual(await store.read('a', '0', 10, 1), [])
      assert.equal(await store.append('a', []), true)
    })

    test('entries are read in the order in which they were appended, after an id, and so many', async () => {
      const world = subject.world()
      const [reader, sender] = [await world.client(), await world.client()]
      await reader.openInbox('a')
      assert.equal(await sender.append('a', buffers('1')), true)
      assert.equal(await reader.append('a', buffers('2', '3')), true)
      await reader.openInbox('a')
      const first = await reader.read('a', '0', 2, 1)
      assert.deepEqual(textsOf(first), ['1', '2'])
      assert.deepEqual(textsOf(await reader.read('a', first[0]!.id, 10, 1)), ['2', '3'])
      assert.deepEqual(await reader.read('b', '0', 10, 1), [])
    })

    test('bytes come back as they were', async () => {
      const store = await client()
      await store.openInbox('a')
      const entries = [randomBytes(300_000), Buffer.from([0]), Buffer.from('\r\n$-1\r\n'), randomBytes(20_000)]
      for (const entry of entries) await store.append('a', [entry])
      await store.append('a', entries)
      const mails = await store.read('a', '0', 100, 1000)
      assert.deepEqual(
        mails.map(({ bytes }) => bytes),
        [...entries, ...entries],
      )
    })

    test('who waits for an entry gets it, and another wait does not hold it up', async () => {
      const world = subject.world()
      const [reader, sender] = [await world.client(), await world.client()]
      for (const of of ['a', 'b']) await reader.openInbox(of)
      const idle = reader.read('b', '0', 10, 10_000)
      const change = reader.awaitChange(0, 10_000)
      const waiting = reader.read('a', '0', 10, 10_000)
      await sender.append('a', buffers('1'))
      assert.deepEqual(textsOf(await waiting), ['1'])
      await join(reader, 'a')
      await change
      await sender.append('b', buffers('2'))
      assert.deepEqual(textsOf(await idle), ['2'])
    })

    test('who waits for an entry that does not come gets none', async () => {
      const store = await client()
      await store.openInbox('a')
      assert.deepEqual(await store.read('a', '0', 10, 20), [])
    })

    test('what is removed is gone, and ids go on to rise', async () => {
      const store = await client()
      await store.openInbox('a')
      await store.append('a', buffers('1', '2', '3'))
      const [one, two, three] = await store.read('a', '0', 10, 1)
      await store.remove('a', [two!.id])
      await store.remove('a', [two!.id])
      assert.deepEqual(textsOf(await store.read('a', '0', 10, 1)), ['1', '3'])
      await store.remove('a', [three!.id, one!.id])
      await store.remove('none', [one!.id])
      await store.remove('a', [])
      await store.append('a', buffers('4'))
      assert.deepEqual(textsOf(await store.read('a', three!.id, 10, 1)), ['4'])
    })

    test('thousands of entries are removed at once', async () => {
      const store = await client()
      await store.openInbox('a')
      await store.append('a', Array(2500).fill(Buffer.from('x')))
      const mails = await store.read('a', '0', 5000, 1)
      assert.equal(mails.length, 2500)
      await store.remove(
        'a',
        mails.slice(1).map(({ id }) => id),
      )
      assert.deepEqual(await store.read('a', '0', 10, 1), mails.slice(0, 1))
    })

    test('an inbox with something in it is not closed', async () => {
      const store = await client()
      await store.openInbox('a')
      await store.append('a', buffers('1'))
      assert.equal(await store.closeInbox('a'), 'full')
      const mails = await store.read('a', '0', 10, 1)
      await store.remove(
        'a',
        mails.map(({ id }) => id),
      )
      assert.equal(await store.closeInbox('a'), 'closed')
      assert.equal(await store.append('a', buffers('2')), false)
      assert.equal(await store.closeInbox('a'), 'missing')
    })

    test('many senders to one inbox: nothing is lost, and each sender’s order is kept', async () => {
      const world = subject.world()
      const stores = await Promise.all(Array.from({ length: 5 }, () => world.client()))
      await stores[0]!.openInbox('a')
      const sending = stores.map(async (store, i) => {
        for (let n = 0; n < rounds * 10; n += 2) {
          assert.equal(await store.append('a', buffers(`${i} ${n}`, `${i} ${n + 1}`)), true)
        }
      })
      const next = [0, 0, 0, 0, 0]
      let after = '0'
      for (let read = 0; read < 5 * rounds * 10; ) {
        const mails = await stores[0]!.read('a', after, 7, 1000)
        for (const { id, bytes } of mails) {
          const [i, n] = bytes.toString().split(' ').map(Number)
          assert.equal(n, next[i!]!++)
          after = id
        }
        read += mails.length
      }
      await Promise.all(sending)
    })

    test('answers to a task are told in order, after those that are known, to who waits for them', async () => {
      const world = subject.world()
      const [asker, node] = [await world.client(), await world.client()]
      assert.deepEqual(await asker.answers('t', 0, 1), [])
      const waiting = asker.answers('t', 0, 10_000)
      await node.answer('t', 'one £')
      assert.deepEqual(await waiting, ['one £'])
      const more = asker.answers('t', 1, 10_000)
      await node.answer('u', 'of another task')
      await node.answer('t', 'two')
      assert.deepEqual(await more, ['two'])
      assert.deepEqual(await asker.answers('t', 0, 1), ['one £', 'two'])
      assert.deepEqual(await asker.answers('t', 2, 20), [])
    })

    test('a store that is closed rejects what waits, and everything after it', async () => {
      const store = await client()
      await store.openInbox('a')
      const waiting = [store.read('a', '0', 10, 10_000), store.awaitChange(0, 10_000), store.answers('t', 0, 10_000)]
      const rejected = Promise.all(waiting.map((call) => assert.rejects(call, { name: 'StoreUnreachable' })))
      // Their first words have gone out.
      await store.renew('a', LONG)
      store.close()
      await rejected
      await assert.rejects(store.renew('a', LONG), { name: 'StoreUnreachable' })
      await assert.rejects(store.read('a', '0', 10, 1000), { name: 'StoreUnreachable' })
    })
  })
}
