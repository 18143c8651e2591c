import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SLAB_BYTES, Slab, StanzaQueue } from '../../src/stream/queue.ts'

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
      assert.deepEqual([queue.stanzas, queue.bytes, queue.isEmpty, queue.since], [0, 0, true, undefined])
    }),
  )
})

test('a slab holds stanzas of one moment only, so that its age is theirs', () => {
  const queue = new StanzaQueue()
  append(queue, 'one', 5)
  append(queue, 'two', 5)
  append(queue, 'three', 6)
  assert.equal(queue.since, 5)
  assert.equal(queue.shift()?.bytes.toString(), 'onetwo')
  assert.equal(queue.since, 6)
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

test('many thousand slabs are taken out in order', () => {
  const queue = new StanzaQueue()
  for (let i = 0; i < 5000; i++) append(queue, `${i};`, i)
  assert.equal(drain(queue), Array.from({ length: 5000 }, (_, i) => `${i};`).join(''))
})
