import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StanzaQueue, Ticket } from '../src/stream/queue.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { Unwritten } from '../src/unwritten.ts'
import { idsIn } from './stub/inner-node.ts'

const limits = { stanza_bytes: 1e6, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const reframer = new Reframer(limits)
const ticket: Ticket = { retain() {}, release() {} }

/** Who sends, and whether it is paused. */
function source() {
  const made = {
    isPaused: false,
    pause: () => {
      made.isPaused = true
    },
    resume: () => {
      made.isPaused = false
    },
  }
  return made
}

function append(unwritten: Unwritten, id: string, since = 0, from = source(), carried = ticket, bytes = 0): void {
  const stanza = `<message from='u@x.test' to='a.test' id='${id}'><b>${'x'.repeat(bytes)}</b></message>`
  reframer.stanzas(Buffer.from(stanza), (head) => unwritten.append(head, since, carried, from))
}

function ids(queue: StanzaQueue): readonly string[] {
  const all: string[] = []
  reframer.queue(queue, ({ bytes }) => all.push(...idsIn(bytes.toString())))
  return all
}

test('what came before the store was asked is taken, in order; what came since waits for the next time', () => {
  const unwritten = new Unwritten()
  append(unwritten, '1')
  append(unwritten, '2', 7)
  unwritten.ask()
  append(unwritten, '3', 7)
  assert.deepEqual([unwritten.isAsked, unwritten.stanzas], [true, 3])
  assert.deepEqual(ids(unwritten.take()), ['1', '2'])
  assert.deepEqual([unwritten.isAsked, unwritten.stanzas], [false, 1])
  assert.deepEqual(ids(unwritten.take()), [], 'it has not been asked about')
  unwritten.ask()
  assert.deepEqual(ids(unwritten.take()), ['3'])
  assert.deepEqual([unwritten.stanzas, unwritten.bytes], [0, 0])
})

test('who asks once more before an answer has all that came until then, the oldest first', () => {
  const unwritten = new Unwritten()
  append(unwritten, '1')
  unwritten.ask()
  append(unwritten, '2')
  unwritten.ask()
  assert.deepEqual(ids(unwritten.take()), ['1', '2'])
})

test('a stanza keeps its ticket and its age while it waits', () => {
  const unwritten = new Unwritten()
  let carriers = 0
  const carried: Ticket = { retain: () => void carriers++, release: () => void carriers-- }
  append(unwritten, '1', 5, undefined, carried)
  unwritten.ask()
  assert.equal(carriers, 1)
  const queue = unwritten.take()
  assert.equal(carriers, 1, 'whoever takes it goes on with it')
  assert.deepEqual([queue.first?.since, queue.first?.ticket], [5, carried])
  ids(queue)
  assert.equal(carriers, 0)
})

test('above a mebibyte whoever sends more is paused, and goes on when something has been written', () => {
  const unwritten = new Unwritten()
  const [early, late] = [source(), source()]
  append(unwritten, '1', 0, early, ticket, 1_000_000)
  assert.equal(early.isPaused, false)
  append(unwritten, '2', 0, late, ticket, 100_000)
  assert.deepEqual([early.isPaused, late.isPaused], [false, true], 'who sent before is none of it')
  append(unwritten, '3', 0, early)
  assert.equal(early.isPaused, true)
  unwritten.ask()
  unwritten.take()
  assert.deepEqual([early.isPaused, late.isPaused], [false, false])
})

test('what nobody can pause is taken above the bound, too', () => {
  const unwritten = new Unwritten()
  reframer.stanzas(Buffer.from(`<message id='1'>${'x'.repeat(900_000)}</message>`), (head) => {
    for (let n = 0; n < 2; n++) unwritten.append(head, 0, ticket, undefined)
  })
  assert.equal(unwritten.stanzas, 2)
})

test('what has waited for too long is taken wherever it is, and the rest stays in order', () => {
  const unwritten = new Unwritten()
  for (const [id, since] of [
    ['1', 1],
    ['2', 5],
  ] as const) {
    append(unwritten, id, since)
  }
  unwritten.ask()
  for (const [id, since] of [
    ['3', 6],
    ['4', 9],
  ] as const) {
    append(unwritten, id, since)
  }
  assert.deepEqual(ids(unwritten.takeOlderThan(1)), [])
  assert.deepEqual(ids(unwritten.takeOlderThan(5)), ['1'])
  assert.deepEqual(ids(unwritten.takeOlderThan(9)), ['2', '3'])
  assert.equal(unwritten.stanzas, 1)
  assert.deepEqual(ids(unwritten.take()), [])
  unwritten.ask()
  assert.deepEqual(ids(unwritten.take()), ['4'])
})
