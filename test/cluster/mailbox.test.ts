import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntryBuffers } from '../../src/cluster/entry-buffers.ts'
import { decodeHeading } from '../../src/cluster/entry-codec.ts'
import { Mailbox } from '../../src/cluster/mailbox.ts'
import { Lab, shop } from './posted.ts'

const MEBIBYTE = 1024 * 1024
const LIMIT = 4 * MEBIBYTE
/** With what goes with it, a quarter of that. */
const SENT = MEBIBYTE - 1000

interface Bench {
  readonly lab: Lab
  readonly buffers: EntryBuffers
  readonly mailbox: Mailbox
  /** Hands over a stanza of so many bytes. */
  readonly send: (bytes?: number) => void
  /** How many stanzas were said to be written. */
  readonly written: () => number
  /** What the other node's inbox has: numbers, and notes as their negative numbers. */
  readonly numbers: () => readonly number[]
}

async function bench(): Promise<Bench> {
  const lab = new Lab()
  const { store, time, random } = lab
  const buffers = new EntryBuffers()
  const mailbox = new Mailbox({
    ...{ store: store.asStore, me: 'a', node: 'b', timing: time, random, buffers },
    limit: () => LIMIT,
  })
  void store.openInbox('b')
  await time.pass(10)
  let written = 0
  return {
    lab,
    buffers,
    mailbox,
    send: (bytes = 1) => mailbox.run(shop, 1, 0, 0, 1, Buffer.alloc(bytes, 'x'), () => written++),
    written: () => written,
    numbers: () =>
      store.mails('b').map(({ bytes }) => {
        const { isNote, number } = decodeHeading(bytes)
        return isNote ? -number : number
      }),
  }
}

test('it counts what the other node has not taken', async () => {
  const { lab, mailbox, send } = await bench()
  send(1000)
  const before = mailbox.bytes
  assert.ok(before >= 1000 && before < 1100)
  await lab.time.pass(100)
  assert.ok(mailbox.bytes >= 1000)
  mailbox.taken(1)
  assert.equal(mailbox.bytes, 0)
  mailbox.taken(1)
  mailbox.taken(500)
  assert.equal(mailbox.bytes, 0)
})

test('above its limit nothing is said to be written, until half of that is left; both are told once', async () => {
  const { lab, mailbox, send, written } = await bench()
  const told: string[] = []
  mailbox.onFull = (bytes) => void told.push(`full ${bytes > LIMIT}`)
  mailbox.onRoom = () => void told.push('room')
  for (let n = 0; n < 4; n++) send(SENT)
  await lab.time.pass(1000)
  assert.deepEqual([written(), mailbox.isClogged, told], [4, false, []])
  for (let n = 0; n < 2; n++) send(SENT)
  assert.deepEqual([mailbox.isClogged, told], [true, ['full true']])
  await lab.time.pass(1000)
  assert.deepEqual([written(), mailbox.isWritten], [4, true])
  mailbox.taken(2)
  assert.deepEqual([mailbox.isClogged, written()], [false, 4])
  // It is full anew, and that is no news.
  send(SENT)
  mailbox.taken(4)
  assert.deepEqual(told, ['full true'])
  mailbox.taken(5)
  assert.equal(mailbox.bytes <= LIMIT / 2, true)
  assert.deepEqual([written(), told], [6, ['full true', 'room']])
  await lab.time.pass(1000)
  for (let n = 0; n < 4; n++) send(SENT)
  assert.deepEqual(told, ['full true', 'room', 'full true'])
})

test('an append writes no more than a mebibyte, and the entry that fills it', async () => {
  const { lab, send } = await bench()
  for (let n = 0; n < 40; n++) send(256 * 1024)
  await lab.time.pass(1000)
  assert.ok(lab.store.appended.length >= 10)
  for (const entries of lab.store.appended) assert.ok(entries <= 5)
})

test('entries that may not have been written are written again, with the same numbers, before later ones', async () => {
  const { lab, send, numbers, written } = await bench()
  lab.store.faults = { lost: 0, silent: 1, late: 0 }
  send()
  await lab.time.pass(100)
  lab.store.faults = { lost: 0, silent: 0, late: 0 }
  send()
  await lab.time.pass(50)
  assert.equal(written(), 0)
  await lab.time.pass(2000)
  assert.deepEqual(numbers().slice(0, 3), [1, 1, 2])
  assert.equal(written(), 2)
})

test('the buffer of an entry is used again when it was taken, but not of one that may still be written', async () => {
  const { lab, buffers, mailbox, send } = await bench()
  const given: Buffer[] = []
  buffers.give = (buffer) => void given.push(buffer)
  send(200_000)
  await lab.time.pass(100)
  given.length = 0
  mailbox.taken(1)
  assert.deepEqual(
    given.map(({ length }) => length > 200_000),
    [true],
  )
  lab.store.faults = { lost: 0, silent: 1, late: 0 }
  send(200_000)
  await lab.time.pass(100)
  given.length = 0
  mailbox.taken(2)
  assert.deepEqual(given, [])
})

test('what was taken although nobody knew that it was written is written', async () => {
  const { lab, mailbox, send, written } = await bench()
  lab.store.faults = { lost: 0, silent: 1, late: 0 }
  send()
  await lab.time.pass(100)
  mailbox.taken(1)
  assert.equal(written(), 1)
  lab.store.faults = { lost: 0, silent: 0, late: 0 }
  await lab.time.pass(2000)
  assert.equal(written(), 1)
  assert.equal(mailbox.isWritten, true)
})

test('what was taken is told within 20 ms, in an entry without stanzas if nothing else goes there', async () => {
  const { lab, mailbox, send, numbers } = await bench()
  const taken = (): readonly number[] => lab.store.mails('b').map(({ bytes }) => decodeHeading(bytes).taken)
  mailbox.took(4)
  mailbox.took(5)
  await lab.time.pass(10)
  assert.deepEqual(numbers(), [])
  await lab.time.pass(15)
  assert.deepEqual([numbers(), taken()], [[-0], [5]])
  mailbox.took(6)
  send()
  await lab.time.pass(100)
  assert.deepEqual(
    [numbers(), taken()],
    [
      [-0, 1],
      [5, 6],
    ],
  )
})

test('a node without an inbox is not told again and again what was taken', async () => {
  const { lab, mailbox } = await bench()
  lab.store.forget()
  mailbox.took(4)
  await lab.time.pass(10_000)
  void lab.store.openInbox('b')
  await lab.time.pass(10_000)
  assert.deepEqual(lab.store.mails('b'), [])
})

test('the other node is asked what it has taken when it says nothing, less and less often', async () => {
  const { lab, mailbox, send } = await bench()
  const questions = (): number => lab.store.mails('b').filter(({ bytes }) => decodeHeading(bytes).isAsking).length
  send()
  await lab.time.pass(1900)
  assert.equal(questions(), 0)
  await lab.time.pass(200)
  assert.equal(questions(), 1)
  await lab.time.pass(60_000)
  const asked = questions()
  assert.ok(asked >= 3 && asked <= 6, `${asked} questions`)
  mailbox.taken(1)
  await lab.time.pass(60_000)
  assert.equal(questions(), asked)
})

test('what is to be sent again is, from the first, though an append is under way', async () => {
  const { lab, mailbox, send, numbers } = await bench()
  send()
  await lab.time.pass(20)
  send()
  // Its append has begun when this turn has ended.
  await lab.time.pass(0.01)
  mailbox.sendAgain()
  send()
  await lab.time.pass(100)
  assert.deepEqual(numbers(), [1, 2, 1, 2, 3])
})
