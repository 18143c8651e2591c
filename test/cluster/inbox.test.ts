import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Incarnation } from '../../src/cluster/cluster-store.ts'
import { EntryWriter } from '../../src/cluster/entry-codec.ts'
import { Post } from '../../src/cluster/post.ts'
import { Lab, limit, Recorder, send, shop } from './posted.ts'

/** An entry of one stanza, as `a` would write it. */
function entry(number: number, text: string): Buffer {
  const writer = new EntryWriter('a')
  writer.run(shop, 1, 0, 0, 1, Buffer.from(text))
  return writer.seal({ number, taken: 0, isNote: false, isAsking: false, isMissing: false })
}

async function put(lab: Lab, of: Incarnation, ...entries: readonly Buffer[]): Promise<void> {
  void lab.store.append(of, entries)
  await lab.time.pass(10)
}

function textsOf({ runs }: Recorder): readonly string[] {
  return runs.map(({ bytes }) => `${bytes}`)
}

test('an entry that comes again is handed out once, and every copy of it goes when it has ended', async () => {
  const lab = new Lab()
  const { seen } = lab.node('b')
  seen.isKeeping = true
  await lab.time.pass(10)
  await put(lab, 'b', entry(1, '1'), entry(2, '2'), entry(1, '1'), entry(2, '2'), entry(3, '3'))
  assert.deepEqual(textsOf(seen), ['1', '2', '3'])
  await lab.time.pass(100)
  assert.equal(lab.store.mails('b').length, 5)
  seen.tickets[1]?.release()
  await lab.time.pass(100)
  assert.equal(lab.store.mails('b').length, 3)
  await put(lab, 'b', entry(2, '2'))
  await lab.time.pass(100)
  assert.equal(lab.store.mails('b').length, 3)
  for (const ticket of seen.tickets) ticket.release()
  await lab.time.pass(100)
  assert.deepEqual([textsOf(seen), lab.store.mails('b').length], [['1', '2', '3'], 0])
})

test('what comes before something that is missing waits for it, and is not removed', async () => {
  const lab = new Lab()
  const { seen } = lab.node('b')
  await lab.time.pass(10)
  await put(lab, 'b', entry(1, '1'), entry(3, '3'), entry(4, '4'))
  await lab.time.pass(1000)
  assert.deepEqual(textsOf(seen), ['1'])
  assert.equal(lab.store.mails('b').length, 2)
  await put(lab, 'b', entry(2, '2'), entry(3, '3'), entry(4, '4'))
  await lab.time.pass(1000)
  assert.deepEqual(textsOf(seen), ['1', '2', '3', '4'])
  assert.equal(lab.store.mails('b').length, 0)
})

test('items that cannot be read are told, and their entry counts as taken', async () => {
  const lab = new Lab()
  const { seen } = lab.node('b')
  await lab.time.pass(10)
  const unlike = entry(1, '1')
  unlike[0] = 9
  await put(lab, 'b', unlike, entry(2, '2').subarray(0, -1), entry(3, '3'))
  await lab.time.pass(1000)
  assert.equal(seen.lines.length, 3)
  assert.match(seen.lines[0] ?? '', /^a: unreadable: .* form 9/)
  assert.match(seen.lines[1] ?? '', /^a: unreadable: /)
  assert.deepEqual(textsOf(seen), ['3'])
  assert.equal(lab.store.mails('b').length, 0)
})

test('an inbox that is gone although nothing failed is opened anew', async () => {
  const lab = new Lab()
  const a = lab.node('a')
  const b = lab.node('b')
  await lab.time.pass(100)
  lab.store.forget()
  await lab.time.pass(2000)
  assert.ok(lab.store.has('b'))
  send(a.post, 'b', '1')
  await lab.time.pass(1000)
  assert.deepEqual(textsOf(b.seen), ['1'])
})

test('while it is paused no more than one read is asked for', async () => {
  const lab = new Lab()
  const { post } = lab.node('b')
  await lab.time.pass(10)
  let reads = 0
  const { read } = lab.store
  lab.store.read = (...asked) => {
    reads++
    return read.apply(lab.store, asked)
  }
  post.pause()
  for (let n = 1; n <= 300; n++) await put(lab, 'b', entry(n, `${n}`))
  await lab.time.pass(10_000)
  assert.ok(reads <= 1, `${reads} reads`)
})

test('others have their turn after 2 ms of handing out', async () => {
  const lab = new Lab()
  const seen = new Recorder()
  let spent = 0
  const timing = {
    now: () => lab.time.now() + spent,
    soon: (run: () => void) => lab.time.soon(run),
    later: (run: () => void, milliseconds: number) => lab.time.later(run, milliseconds),
  }
  const turns: number[] = []
  const watch = (): void => {
    if (turns.at(-1) !== seen.runs.length) turns.push(seen.runs.length)
    if (seen.runs.length < 10) lab.time.later(watch, 0)
  }
  seen.run = (_sender, run) => {
    if (seen.runs.length === 0) watch()
    seen.runs.push(run)
    spent += 0.7
  }
  const post = new Post({ store: lab.store.asStore, me: 'b', handler: seen, timing, random: lab.random, limit })
  post.start()
  await lab.time.pass(10)
  await put(lab, 'b', ...Array.from({ length: 10 }, (_, n) => entry(n + 1, `${n}`)))
  assert.deepEqual(turns, [0, 3, 6, 9, 10])
})
