import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadExpress, reframerOf } from '../../src/scanning.ts'
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

/** Reads with both scanners: what is found must not depend on which. */
const reframers = () => [new Reframer(limits), reframerOf(limits)]
const iq = (id: number): string => `<iq type='get' id='${id}'><q xmlns='q'/></iq>`

test('much is read with the express scanner, which is fetched once, and no sooner', () => {
  const few = Buffer.from(stanza(9).repeat(10))
  const fetched: number[] = []
  let read = 0
  const reframer = new Reframer(limits, () => {
    fetched.push(read)
    return loadExpress(limits.stanza_bytes)
  })
  const seen = new Set<string>()
  for (; read < 300_000; read += few.length) reframer.stanzas(few, (head) => seen.add(head.bytes.toString()))
  assert.deepEqual([...seen], [stanza(9)])
  assert.equal(fetched.length, 1)
  assert.ok(fetched[0]! > 60_000, `fetched after ${fetched[0]} bytes`)
})

test('where there is no express scanner, much is read, too, and it is not asked for again', () => {
  let asked = 0
  const reframer = new Reframer(limits, () => void asked++)
  let seen = 0
  for (let i = 0; i < 3; i++) reframer.stanzas(Buffer.from(stanza(9).repeat(3000)), () => seen++)
  assert.deepEqual([seen, asked], [9000, 1])
})

test('several that are no iq come at once, byte for byte and counted; an iq comes by itself, where it was', () => {
  // More than the scanner reads in one call, and an iq now and then.
  const all = Array.from({ length: 1500 }, (_, id) => (id % 311 === 300 ? iq(id) : stanza(id % 50)))
  const text = all.join('')
  for (const reframer of reframers()) {
    for (let round = 0; round < 2; round++) {
      const seen: string[] = []
      let count = 0
      let alone = 0
      reframer.stanzas(
        Buffer.from(text),
        (head) => {
          seen.push(head.bytes.toString())
          alone++
          count++
        },
        (head, stanzas) => {
          seen.push(head.bytes.toString())
          count += stanzas
        },
      )
      assert.equal(seen.join(''), text)
      assert.deepEqual([count, alone], [1500, 4])
      assert.deepEqual(
        seen.filter((one) => one.startsWith('<iq')),
        all.filter((one) => one.startsWith('<iq')),
      )
    }
  }
})

test('several at once are few calls with the express scanner', () => {
  const reframer = reframerOf(limits)
  const bytes = Buffer.from(stanza(60).repeat(1000))
  let calls = 0
  const read = () =>
    reframer.stanzas(
      bytes,
      () => assert.fail('no iq'),
      () => calls++,
    )
  read()
  calls = 0
  read()
  assert.ok(calls < 10, `${calls} calls`)
})

test('where several do not end well, what was whole has come, and it is said', () => {
  for (const reframer of reframers()) {
    reframer.stanzas(Buffer.from(stanza(50).repeat(2000)), () => {})
    let count = 0
    const torn = Buffer.from(`${stanza(1)}${stanza(2)}<message`)
    const read = () =>
      reframer.stanzas(
        torn,
        () => assert.fail('no iq'),
        (_, stanzas) => (count += stanzas),
      )
    assert.throws(read, /a stanza of ours cannot be read/)
    assert.equal(count, 2)
  }
})
