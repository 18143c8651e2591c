import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { RedisHoldStore } from '../../src/cluster/redis-hold.ts'
import type { HoldStore, StoredEntry } from '../../src/journal.ts'
import { type Redis, startRedis } from '../peers/redis.ts'
import { MemoryHoldStore } from './memory-hold-store.ts'

interface Subject {
  readonly store: HoldStore
  /** The store loses what it had, and its life. */
  forget(): Promise<void>
  end(): Promise<void>
}

const entry = (id: string, text = `<message id='${id}'/>`): StoredEntry => ({
  ...{ id, since: 1_700_000_000_000.125, deaths: 1, stanzas: 1 },
  bytes: Buffer.from(text),
})

async function idsOf(store: HoldStore, domain: string): Promise<readonly string[]> {
  return (await store.read(domain)).entries.map(({ id }) => id)
}

function suite(name: string, start: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject
    let store: HoldStore
    before(async () => {
      subject = await start()
      store = subject.store
      await store.memory()
    })
    after(() => subject.end())

    test('a domain that was never written has nothing, and no highest id', async () => {
      assert.deepEqual(await store.read('none.example'), { entries: [], unreadable: [], highest: 0 })
    })

    test('entries come back as they were, in order, and no other domain has them', async () => {
      const entries = [entry('7-1'), entry('7-2', '£ \r\n\u0000'), { ...entry('7-10'), bytes: randomBytes(300_000) }]
      assert.equal(await store.write('a.example', { add: entries, remove: [] }), true)
      assert.deepEqual(await store.read('a.example'), { entries, unreadable: [], highest: 7 })
      assert.deepEqual(await idsOf(store, 'b.example'), [])
    })

    test('more entries than one reply has are all read, in order', async () => {
      const entries = Array.from({ length: 1234 }, (_, n) => entry(`8-${n + 1}`))
      await store.write('many.example', { add: entries, remove: [] })
      assert.deepEqual(
        await idsOf(store, 'many.example'),
        entries.map(({ id }) => id),
      )
    })

    test('a removed entry is gone, its id stays used, and to remove it again is no error', async () => {
      await store.write('c.example', { add: [entry('7-1'), entry('7-2')], remove: [] })
      for (const _ of [1, 2]) assert.equal(await store.write('c.example', { add: [], remove: ['7-2', '7-1'] }), true)
      assert.deepEqual(await store.read('c.example'), { entries: [], unreadable: [], highest: 7 })
    })

    test('a change that is repeated, with more behind it, is made once', async () => {
      await store.write('d.example', { add: [entry('7-1'), entry('7-2')], remove: [] })
      const again = { add: [entry('7-1'), entry('7-2'), entry('7-3')], remove: [] }
      assert.equal(await store.write('d.example', again), true)
      assert.deepEqual(await idsOf(store, 'd.example'), ['7-1', '7-2', '7-3'])
    })

    test('entries are added before others are removed, and all below an id can be', async () => {
      await store.write('e.example', { add: [entry('7-1'), entry('7-2'), entry('8-3')], remove: [] })
      await store.write('e.example', { add: [entry('9-4')], remove: ['8-3'], removeBelow: '8-0' })
      assert.deepEqual(await idsOf(store, 'e.example'), ['9-4'])
    })

    test('an id below one that is there is refused: somebody else writes', async () => {
      await store.write('f.example', { add: [entry('9-1')], remove: [] })
      assert.equal(await store.write('f.example', { add: [entry('8-1')], remove: [] }), false)
      assert.deepEqual(await idsOf(store, 'f.example'), ['9-1'])
    })

    test('the name of its memory stays as long as that does, and changes when it is lost', async () => {
      const memory = await store.memory()
      assert.equal(await store.memory(), memory)
      await subject.forget()
      let now = memory
      for (; now === memory; await setImmediate()) now = await store.memory().catch(() => memory)
      assert.deepEqual(await idsOf(store, 'f.example'), [])
    })

    test('a store that is closed refuses everything, and does not wait', async () => {
      store.close()
      await assert.rejects(store.memory())
      await assert.rejects(store.read('a.example'))
      await assert.rejects(store.write('a.example', { add: [entry('99-1')], remove: [] }))
    })
  })
}

suite('a store of holds in memory', async () => {
  const store = new MemoryHoldStore()
  return { store, forget: async () => store.forget(), end: async () => {} }
})

suite('a store of holds in Redis', async () => {
  const redis: Redis = await startRedis()
  const store = new RedisHoldStore({ url: redis.url, prefix: 'test:' })
  return {
    store,
    forget: () => redis.restart(),
    end: async () => {
      store.close()
      await redis.stop()
    },
  }
})
