import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Incarnation } from '../../src/cluster/cluster-store.ts'
import { EntryWriter } from '../../src/cluster/entry-codec.ts'
import { Estate } from '../../src/cluster/estate.ts'
import { Lab, Recorder, send, shop } from './posted.ts'

interface Bench {
  readonly lab: Lab
  readonly alive: Set<Incarnation>
  readonly seen: Recorder
  readonly estate: Estate
  readonly texts: () => readonly string[]
  readonly isEmptied: () => boolean
}

/** An heir's view of the inbox of `dead`. */
function heir(lab: Lab, ...living: readonly Incarnation[]): Bench {
  const seen = new Recorder()
  const alive = new Set(living)
  let isEmptied = false
  const emptied = (): void => {
    isEmptied = true
  }
  const estate = new Estate({
    ...{
      store: lab.store.asStore,
      dead: 'dead',
      isAlive: (node) => alive.has(node),
      timing: lab.time,
      random: lab.random,
    },
    handler: {
      run: (sender, run, ticket) => seen.run(sender, run, ticket),
      unreadable: (sender, id, reason) => seen.unreadable(sender, id, reason),
      read() {},
      emptied,
    },
  })
  estate.start()
  const texts = (): readonly string[] => seen.runs.map(({ bytes }) => `${bytes}`)
  return { lab, alive, seen, estate, texts, isEmptied: () => isEmptied }
}

/** Puts an entry into the inbox of the dead, as `sender` would. */
async function put(lab: Lab, sender: Incarnation, number: number, text: string): Promise<void> {
  const writer = new EntryWriter(sender)
  writer.run(shop, 1, 0, 0, 1, Buffer.from(text))
  writer.barrier(shop, 1)
  const bytes = writer.seal({ number, taken: 0, isNote: false, isAsking: false, isMissing: false })
  void lab.store.append('dead', [bytes])
  await lab.time.pass(5)
}

async function opened(): Promise<Lab> {
  const lab = new Lab()
  void lab.store.openInbox('dead')
  await lab.time.pass(5)
  return lab
}

test('what the dead node kept and what dead senders sent is handed out; what a live one sent is not', async () => {
  const lab = new Lab()
  const dead = lab.node('dead')
  const gone = lab.node('gone')
  const live = lab.node('live')
  await lab.time.pass(10)
  dead.post.keep(shop, 1, 0, false, Buffer.from('kept'), 0, 4).retain()
  await lab.time.pass(10)
  dead.post.stop()
  await lab.time.pass(2000)
  send(gone.post, 'dead', 'sent')
  send(live.post, 'dead', 'other')
  await lab.time.pass(10)
  gone.post.stop()
  const { texts, isEmptied } = heir(lab, 'live')
  await lab.time.pass(2000)
  assert.deepEqual(texts(), ['kept', 'sent'])
  assert.equal(isEmptied(), false)
  live.post.forget('dead')
  void live.post.purge('dead')
  await lab.time.pass(3000)
  assert.equal(isEmptied(), true)
  assert.equal(lab.store.has('dead'), false)
})

test('an entry stays until all that was handed out of it has ended', async () => {
  const lab = await opened()
  await put(lab, 'c', 1, 'a')
  const { seen, isEmptied } = heir(lab)
  seen.isKeeping = true
  await lab.time.pass(5000)
  assert.equal(lab.store.mails('dead').length, 1)
  const [ticket] = seen.tickets
  assert.equal(ticket?.isStored, true)
  ticket?.release()
  await lab.time.pass(2000)
  assert.equal(isEmptied(), true)
})

test('an entry that was appended twice is handed out once, and all of it is removed', async () => {
  const lab = await opened()
  for (const number of [1, 2, 3, 2, 3, 4]) await put(lab, 'c', number, `${number}`)
  const { seen, texts, isEmptied } = heir(lab)
  seen.isKeeping = true
  await lab.time.pass(2000)
  await put(lab, 'c', 1, '1')
  await lab.time.pass(2000)
  assert.deepEqual(texts(), ['1', '2', '3', '4'])
  for (const ticket of seen.tickets) ticket.release()
  await lab.time.pass(2000)
  assert.equal(isEmptied(), true)
})

test('what was sent again behind later entries comes in its order', async () => {
  const lab = await opened()
  for (const number of [5, 3, 4, 9]) await put(lab, 'c', number, `${number}`)
  const { texts } = heir(lab)
  await lab.time.pass(2000)
  assert.deepEqual(texts(), ['3', '4', '5', '9'])
})

test('what a sender left that has died since is handed out when it is told, or after a while', async () => {
  const lab = await opened()
  await put(lab, 'c', 1, 'c')
  await put(lab, 'd', 1, 'd')
  const { alive, estate, texts, isEmptied } = heir(lab, 'c', 'd')
  await lab.time.pass(10_000)
  assert.deepEqual(texts(), [])
  alive.delete('c')
  estate.look()
  await lab.time.pass(100)
  assert.deepEqual(texts(), ['c'])
  alive.delete('d')
  await lab.time.pass(10_000)
  assert.deepEqual(texts(), ['c', 'd'])
  assert.equal(isEmptied(), true)
})

test('it hands out no more than 16 MiB that have not ended', async () => {
  const lab = await opened()
  for (let n = 1; n <= 40; n++) await put(lab, 'c', n, 'x'.repeat(1024 * 1024))
  const { seen, estate, isEmptied } = heir(lab)
  seen.isKeeping = true
  await lab.time.pass(3000)
  assert.equal(seen.runs.length, 16)
  assert.ok(estate.bytes < 18 * 1024 * 1024)
  while (seen.tickets.length > 0) {
    seen.tickets.shift()?.release()
    await lab.time.pass(100)
  }
  await lab.time.pass(3000)
  assert.equal(seen.runs.length, 40)
  assert.equal(isEmptied(), true)
})

test('what waits in a hold does not stop what is behind it, until it leaves the hold', async () => {
  const lab = await opened()
  const mebibyte = 1024 * 1024
  for (let n = 1; n <= 40; n++) await put(lab, 'c', n, 'x'.repeat(mebibyte))
  const { seen, isEmptied } = heir(lab)
  seen.isKeeping = true
  await lab.time.pass(3000)
  assert.equal(seen.runs.length, 16)
  // More than its own bytes: a stanza is held with the time that it came.
  for (const ticket of seen.tickets) ticket.held?.(mebibyte + 100)
  await lab.time.pass(3000)
  assert.equal(seen.runs.length, 32)
  for (const ticket of seen.tickets.slice(16)) ticket.held?.(mebibyte + 100)
  for (const ticket of seen.tickets) ticket.held?.(-mebibyte - 100)
  await lab.time.pass(3000)
  assert.equal(seen.runs.length, 32)
  while (seen.tickets.length > 0) {
    seen.tickets.shift()?.release()
    await lab.time.pass(100)
  }
  await lab.time.pass(3000)
  assert.deepEqual([seen.runs.length, isEmptied()], [40, true])
})

test('a paused one hands out nothing', async () => {
  const lab = await opened()
  const { estate, texts } = heir(lab)
  estate.pause()
  await put(lab, 'c', 1, 'a')
  await lab.time.pass(5000)
  assert.deepEqual(texts(), [])
  estate.resume()
  await lab.time.pass(2000)
  assert.deepEqual(texts(), ['a'])
})

test('an heir that stops leaves the rest to the next one', async () => {
  const lab = await opened()
  await put(lab, 'c', 1, 'a')
  const first = heir(lab)
  first.seen.isKeeping = true
  await lab.time.pass(1000)
  const [ticket] = first.seen.tickets
  first.estate.close()
  assert.equal(ticket?.isVoid, false)
  first.estate.void()
  assert.equal(ticket?.isVoid, true)
  const next = heir(lab)
  await lab.time.pass(3000)
  assert.deepEqual(next.texts(), ['a'])
  assert.deepEqual([first.isEmptied(), next.isEmptied()], [false, true])
})

test('what cannot be read is told and removed, and a store that fails is asked again', async () => {
  const lab = await opened()
  lab.store.faults = { lost: 0.2, silent: 0.2, late: 0 }
  void lab.store.append('dead', [Buffer.from('nonsense')]).catch(() => {})
  await lab.time.pass(1000)
  lab.store.faults = { lost: 0, silent: 0, late: 0 }
  void lab.store.append('dead', [Buffer.from('nonsense')])
  await put(lab, 'c', 1, 'a')
  lab.store.faults = { lost: 0.2, silent: 0.2, late: 0 }
  const { texts, seen, isEmptied } = heir(lab)
  assert.ok(await lab.time.pass(60_000, isEmptied))
  assert.deepEqual(texts(), ['a'])
  assert.match(seen.lines.join('\n'), /unreadable: the entry/)
})
