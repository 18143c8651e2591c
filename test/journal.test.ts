import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hold, type Place } from '../src/hold.ts'
import { Journal } from '../src/journal.ts'
import { Slab, type StanzaQueue } from '../src/stream/queue.ts'
import { Head } from '../src/xmpp/head.ts'
import { MemoryHoldStore } from './contracts/memory-hold-store.ts'

const DOMAIN = 'a.example'
const EPOCH = 1_000_000

interface Bench {
  readonly store: MemoryHoldStore
  readonly journal: Journal
  readonly hold: Hold
  /** How often there was said to be something to save. */
  readonly changes: () => number
  readonly add: (text: string, place?: Place, since?: number) => void
  readonly save: () => Promise<void>
  /** What a later life would find, entry by entry. */
  readonly stored: () => Promise<readonly string[]>
}

async function bench(store = new MemoryHoldStore()): Promise<Bench> {
  let changes = 0
  const journal = new Journal(DOMAIN, store, EPOCH, () => changes++)
  const hold = new Hold(1024 * 1024)
  hold.journal = journal
  await journal.read(5000)
  return {
    ...{ store, journal, hold, changes: () => changes },
    add: (text, place = 0, since = 1) => void hold.add(place, head(text), since),
    save: async () => {
      while (journal.isDirty) assert.equal(await journal.save(5000), true)
    },
    stored: async () => (await store.read(DOMAIN)).entries.map(({ bytes }) => bytes.toString()),
  }
}

function head(text: string): Head {
  const made = new Head()
  made.buffer = Buffer.from(text)
  made.start = 0
  made.end = made.buffer.length
  return made
}

/** Holds anew what was taken, as when the instance that it was given to is gone. */
function holdAgain(hold: Hold, queue: StanzaQueue | undefined, place: Place = 0): void {
  for (let slab = queue?.shift(); slab !== undefined; slab = queue?.shift()) {
    hold.add(place, head(slab.bytes.toString()), slab.since, slab.deaths, slab.ticket)
    slab.ticket?.release()
  }
}

test('what is held at a place in one tick is one entry, with its time and its count', async () => {
  const { add, save, store, stored } = await bench()
  for (const text of ['a', 'b', 'c']) add(text)
  add('x', 1)
  add('d', 0, 2)
  await save()
  assert.deepEqual(await stored(), ['abc', 'x', 'd'])
  const { entries } = await store.read(DOMAIN)
  assert.deepEqual(
    entries.map(({ since, deaths, stanzas }) => [since, deaths, stanzas]),
    [
      [EPOCH + 1, 0, 3],
      [EPOCH + 1, 0, 1],
      [EPOCH + 2, 0, 1],
    ],
  )
})

test('an entry has 64 stanzas, or 256 KiB and the stanza that fills it, and no more', async () => {
  const many = await bench()
  for (let n = 0; n < 65; n++) many.add('x')
  await many.save()
  assert.deepEqual(await many.stored(), ['x'.repeat(64), 'x'])
  const large = await bench()
  for (let n = 0; n < 6; n++) large.add('y'.repeat(60 * 1024))
  await large.save()
  assert.deepEqual(
    (await large.stored()).map((text) => text.length),
    [300 * 1024, 60 * 1024],
  )
})

test('an entry that is being written takes nothing more', async () => {
  const { add, save, journal, stored } = await bench()
  add('a')
  const saving = journal.save(5000)
  add('b')
  assert.equal(journal.unsaved, 2)
  await saving
  assert.equal(journal.unsaved, 1)
  await save()
  assert.deepEqual(await stored(), ['a', 'b'])
})

test('an entry is removed when the last of its stanzas has ended, not before', async () => {
  const { add, save, hold, stored } = await bench()
  add('a'.repeat(1500))
  add('b'.repeat(1500))
  await save()
  const queue = hold.take(0)
  const slabs = [queue?.shift(), queue?.shift()]
  slabs[0]?.ticket?.release()
  await save()
  assert.equal((await stored()).length, 1)
  slabs[1]?.ticket?.release()
  await save()
  assert.deepEqual(await stored(), [])
})

test('what ends before it was written is not written', async () => {
  const { add, save, hold, store } = await bench()
  add('a')
  hold.take(0)?.drop()
  await save()
  assert.deepEqual(store.changes, [])
})

test('what ends while it is being written is removed', async () => {
  const { add, save, hold, journal, stored } = await bench()
  add('a')
  const saving = journal.save(5000)
  hold.take(0)?.drop()
  await saving
  await save()
  assert.deepEqual(await stored(), [])
  assert.ok(journal.isEmpty)
})

test('what comes back to an empty place keeps its entry', async () => {
  const { add, save, hold, store, stored } = await bench()
  for (const since of [1, 2]) add(`${since}`, 0, since)
  await save()
  holdAgain(hold, hold.take(0))
  await save()
  assert.equal(store.changes.length, 1)
  assert.deepEqual(await stored(), ['1', '2'])
})

test('what comes back behind something newer is written anew behind it, in the same change as the old is removed', async () => {
  const { add, save, hold, store, stored } = await bench()
  add('later')
  await save()
  const later = hold.take(0)
  add('sooner')
  holdAgain(hold, later)
  await save()
  assert.deepEqual(await stored(), ['soonerlater'])
  assert.deepEqual([store.changes[1]?.add.length, store.changes[1]?.remove.length, store.changes.length], [1, 1, 2])
})

test('a change that was made although nobody heard so is not made twice', async () => {
  const { add, save, store, journal, stored } = await bench()
  add('a')
  store.isMute = true
  await assert.rejects(journal.save(5000), /timed out/)
  store.isMute = false
  add('b', 0, 2)
  await save()
  assert.deepEqual(await stored(), ['a', 'b'])
})

test('a store that has forgotten is told all that is live, in order; one that has not keeps nothing twice', async () => {
  for (const forgets of [true, false]) {
    const { add, save, hold, store, journal, stored } = await bench()
    add('a')
    add('gone', 1)
    add('b', 0, 2)
    await save()
    hold.take(1)?.drop()
    if (forgets) store.forget()
    add('c', 0, 3)
    journal.rewrite(6000)
    assert.equal(journal.unsaved, 3)
    await save()
    assert.deepEqual(await stored(), ['a', 'b', 'c'])
  }
})

test('a later life adopts the entries in order, and adds behind them', async () => {
  const before = await bench()
  for (const since of [1, 2]) before.add(`${since}`, 0, since)
  await before.save()
  const { add, save, hold, journal, stored } = await bench(before.store)
  const { entries } = await journal.read(5000)
  for (const entry of entries) {
    const slab = journal.adopt(entry)
    assert.ok(journal.isSaved(slab))
    hold.add(0, head(slab.bytes.toString()), slab.since, slab.deaths, slab.ticket)
    slab.ticket?.release()
  }
  add('3', 0, 3)
  await save()
  assert.deepEqual(await stored(), ['1', '2', '3'])
  for (const expected of ['1', '2']) assert.equal(hold.takeUnsaved().shift(), undefined, expected)
  hold.take(0)?.drop()
  await save()
  assert.deepEqual(await stored(), [])
})

test('when somebody else writes the journal, that is told, and what is held is saved behind it all the same', async () => {
  const { add, save, store, journal, stored } = await bench()
  await store.write(DOMAIN, {
    add: [{ id: '9000-1', since: 1, deaths: 0, stanzas: 1, bytes: Buffer.from('other') }],
    remove: [],
  })
  add('ours')
  assert.equal(await journal.save(5000), false)
  await save()
  assert.deepEqual(await stored(), ['other', 'ours'])
})

test('what was held once is held again though there is no room, and what is new is not', async () => {
  const { hold, add } = await bench()
  add('abc')
  const queue = hold.take(0)
  hold.limit = 0
  assert.equal(hold.add(0, head('x'), 1), false)
  holdAgain(hold, queue)
  assert.equal(hold.bytes, 3)
})

test('what the store does not have is told from what it has', async () => {
  const { hold, add, save } = await bench()
  add('a')
  await save()
  add('b', 0, 2)
  add('c', 1, 2)
  const unsaved = hold.takeUnsaved()
  assert.deepEqual([unsaved.stanzas, hold.stanzas, hold.bytes], [2, 1, 1])
  assert.equal(hold.take(0)?.shift()?.bytes.toString(), 'a')
})

test('nothing is saved before the store has been read', async () => {
  const store = new MemoryHoldStore()
  const journal = new Journal(DOMAIN, store, EPOCH, () => {})
  const ticket = journal.ticketFor(1, 0, undefined, undefined)
  const slab = new Slab(10, 1, 0, ticket)
  slab.end = slab.buffer.write('<a/>')
  journal.note(ticket, slab)
  assert.equal(await journal.save(5000), true)
  assert.deepEqual([store.changes, journal.isDirty, journal.isRead], [[], true, false])
})
