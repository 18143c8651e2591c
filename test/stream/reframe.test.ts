import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slab, StanzaQueue } from '../../src/stream/queue.ts'
import { Reframer } from '../../src/stream/reframe.ts'

const limits = { stanza_bytes: 10_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const stanza = (id: number): string => `<message id='${id}'><body>${'x'.repeat(id)}</body></message>`

test('a queue is read stanza by stanza, in order, and is empty then; what is no stanza is left out', () => {
  const queue = new StanzaQueue()
  for (let id = 0; id < 200; id++) queue.append(Buffer.from(stanza(id)), 0, stanza(id).length, id % 7)
  const control = new Slab(3, 0)
  control.end = control.buffer.write('<a>')
  queue.push(control)
  const seen: string[] = []
  new Reframer(limits).queue(queue, (head) => seen.push(head.bytes.toString()))
  assert.deepEqual(
    seen,
    Array.from({ length: 200 }, (_, id) => stanza(id)),
  )
  assert.ok(queue.isEmpty)
})

test('one stanza may lead to another while it is read, as deep as it goes', () => {
  const reframer = new Reframer(limits)
  const seen: string[] = []
  const read = (depth: number): void =>
    reframer.stanzas(Buffer.from(stanza(depth) + stanza(depth)), (head) => {
      if (depth < 6) read(depth + 1)
      seen.push(head.text(head.idStart, head.idEnd) ?? '')
    })
  read(0)
  assert.equal(seen.length, 2 ** 8 - 2)
  assert.equal(seen.at(-1), '0')
})

test('what grew when it was written anew still fits', () => {
  let seen = 0
  const token = `<message id='${'x'.repeat(3 * limits.stanza_bytes)}'/>`
  new Reframer(limits).stanzas(Buffer.from(token), () => seen++)
  assert.equal(seen, 1)
})

test('bytes that are no stanza are a bug, and said to be one', () => {
  assert.throws(() => new Reframer(limits).stanzas(Buffer.from('<a/>'), () => {}), /a stanza of ours cannot be read/)
})

test('a stanza that does not end is said to be one, too, and the next one has nothing of it', () => {
  const reframer = new Reframer(limits)
  const seen: string[] = []
  const read = (text: string): void => reframer.stanzas(Buffer.from(text), (head) => seen.push(head.bytes.toString()))
  for (const half of ['<message', "<message id='1'>", "<message id='1'><body>x</body></messag"]) {
    assert.throws(() => read(`${stanza(1)}${half}`), /a stanza of ours cannot be read/)
    read(stanza(2))
  }
  assert.deepEqual(seen, [1, 2, 1, 2, 1, 2].map(stanza))
})
