import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SLAB_BYTES, Slab, StanzaQueue, SUSPECT_DEATHS } from '../../src/stream/queue.ts'
import { SlabPool } from '../../src/stream/slab-pool.ts'

function append(queue: StanzaQueue, text: string, now?: number): void {
  const bytes = Buffer.from(`<${text}>`)
  queue.append(bytes, 1, bytes.length - 1, now)
}

/** All that is in a queue, which is empty afterwards. */
function drain(queue: StanzaQueue): string {
  let text = ''
  for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) text += slab.bytes.toString()
  return text
}

test('what is appended comes out in order, and the counts are of what is inside', () => {
  const stanza = fc.string({ minLength: 1, maxLength: 5000, unit: fc.constantFrom('a', 'b', 'c') })
  fc.assert(
    fc.property(fc.array(stanza), (stanzas) => {
      const queue = new StanzaQueue()
      for (const text of stanzas) append(queue, text)
      assert.equal(queue.stanzas, stanzas.length)
      assert.equal(queue.bytes, stanzas.join('').length)
      assert.equal(drain(queue), stanzas.join(''))
      assert.deepEqual([queue.stanzas, queue.bytes, queue.isEmpty, queue.first], [0, 0, true, undefined])
    }),
  )
})

test('a slab holds stanzas of one moment only, so that its age is theirs', () => {
  const queue = new StanzaQueue()
  append(queue, 'one', 5)
  append(queue, 'two', 5)
  append(queue, 'three', 6)
  assert.equal(queue.first?.since, 5)
  assert.equal(queue.shift()?.bytes.toString(), 'onetwo')
  assert.equal(queue.first?.since, 6)
})

test('another queue goes before this one, and is empty then', () => {
  const [queue, other] = [new StanzaQueue(), new StanzaQueue()]
  append(queue, 'c')
  append(other, 'a', 1)
  append(other, 'b', 2)
  other.shift()
  queue.prepend(other)
  assert.deepEqual([other.isEmpty, other.stanzas, queue.stanzas], [true, 0, 2])
  append(queue, 'd')
  assert.equal(drain(queue), 'bcd')
})

test('what came by another lease of a link, or by none, is in a slab of its own', () => {
  const queue = new StanzaQueue()
  const [first, second] = [{ isLost: false }, { isLost: false }]
  for (const tenure of [first, first, second, undefined]) queue.append(Buffer.from('a'), 0, 1, 5, 0, undefined, tenure)
  const slabs: unknown[] = []
  for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) slabs.push([slab.stanzas, slab.tenure])
  assert.deepEqual(slabs, [
    [2, first],
    [1, second],
    [1, undefined],
  ])
})

test('what is no stanza stays when the stanzas are taken, and nothing is written into it', () => {
  const queue = new StanzaQueue()
  const control = new Slab(7, 0)
  control.end = control.buffer.write('control')
  append(queue, 'a')
  queue.push(control)
  append(queue, 'b')
  const stanzas = queue.takeStanzas()
  assert.deepEqual([stanzas.stanzas, queue.stanzas, queue.bytes], [2, 0, 7])
  append(queue, 'c')
  assert.equal(drain(queue), 'controlc')
  assert.equal(drain(stanzas), 'ab')
})

test('slabs grow with what passes and not beyond their size, and a larger stanza has one of its own', () => {
  const queue = new StanzaQueue()
  for (let i = 0; i < 1000; i++) append(queue, 'x'.repeat(1000))
  append(queue, 'y'.repeat(3 * SLAB_BYTES))
  const sizes: number[] = []
  for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) sizes.push(slab.buffer.length)
  assert.equal(sizes.pop(), 3 * SLAB_BYTES)
  assert.deepEqual([sizes[0], Math.max(...sizes)], [2048, SLAB_BYTES])
  assert.ok(sizes.length < 25, `${sizes.length} slabs`)
})

test('the buffer of a large stanza is used again for another of about its size', () => {
  const queue = new StanzaQueue(new SlabPool())
  append(queue, 'x'.repeat(2 * SLAB_BYTES + 1))
  const spent = queue.shift()
  spent?.release()
  append(queue, 'y'.repeat(3 * SLAB_BYTES - 1))
  assert.equal(queue.first?.buffer, spent?.buffer)
  assert.equal(queue.first?.buffer.length, 3 * SLAB_BYTES)
})

test('many thousand slabs are taken out in order', () => {
  const queue = new StanzaQueue()
  for (let i = 0; i < 5000; i++) append(queue, `${i};`, i)
  assert.equal(drain(queue), Array.from({ length: 5000 }, (_, i) => `${i};`).join(''))
})

test('a slab holds stanzas of one past only, and one that several instances died with is alone in its own', () => {
  const queue = new StanzaQueue()
  const add = (text: string, deaths: number) => queue.append(Buffer.from(text), 0, text.length, 7, deaths)
  for (const deaths of [0, 0, 1, 1, SUSPECT_DEATHS, SUSPECT_DEATHS, 0]) add(`${deaths}`, deaths)
  const slabs: string[] = []
  for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) {
    assert.ok(slab.bytes.every((byte) => byte === 0x30 + slab.deaths))
    slabs.push(slab.bytes.toString())
  }
  assert.deepEqual(slabs, ['00', '11', '2', '2', '0'])
})

/** Counts the slabs that carry it. */
class CountingTicket {
  slabs = 0
  retain(): void {
    this.slabs++
  }
  release(): void {
    this.slabs--
  }
}

test('a slab carries the ticket of its stanzas only, and what is dropped releases it', () => {
  const queue = new StanzaQueue()
  const [one, two] = [new CountingTicket(), new CountingTicket()]
  for (const ticket of [one, one, two, undefined]) queue.append(Buffer.from('x'), 0, 1, 7, 0, ticket)
  assert.deepEqual([one.slabs, two.slabs], [1, 1])
  assert.equal(queue.shift()?.ticket, one)
  assert.equal(queue.drop(), 2)
  assert.deepEqual([one.slabs, two.slabs, queue.bytes], [1, 0, 0])
})

test('what trickles in weighs little more than its bytes, however large the slabs of a burst before were', () => {
  const queue = new StanzaQueue()
  const stanza = Buffer.alloc(200, 0x20)
  for (let i = 0; i < 2000; i++) queue.append(stanza, 0, stanza.length, 0)
  for (let tick = 1; tick <= 1000; tick++) queue.append(stanza, 0, stanza.length, tick)
  let room = 0
  for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) room += slab.buffer.length
  assert.ok(room < 2 * 3000 * stanza.length, `${room} bytes for ${3000 * stanza.length}`)
})

test('several stanzas at once are counted, are one slab’s where they are alike, and its buffer is used again', () => {
  const pool = new SlabPool()
  const queue = new StanzaQueue(pool)
  const bytes = Buffer.alloc(41_000, 'x')
  queue.append(bytes, 0, 41_000, 1, 0, undefined, undefined, 130)
  queue.append(bytes, 0, 41_000, 2, 0, undefined, undefined, 130)
  assert.deepEqual([queue.stanzas, queue.bytes], [260, 82_000])
  const [first, second] = [queue.shift()!, queue.shift()!]
  assert.deepEqual([first.stanzas, first.since, second.stanzas, second.since], [130, 1, 130, 2])
  const { buffer } = second
  assert.ok(buffer.length - 41_000 < 1024, `${buffer.length} bytes`)
  second.release()
  queue.append(bytes, 0, 39_000, 3, 0, undefined, undefined, 129)
  queue.append(bytes, 0, 41_900, 4, 0, undefined, undefined, 131)
  assert.equal(queue.last?.buffer, buffer)
})
