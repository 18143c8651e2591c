import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'

const limits = { stanza_bytes: 8 << 20, depth: 10, elements: 10, attributes: 8, namespaces: 6 }

/** Work that grew with the square of the input would take hours here: that the test ends is what it asserts. */
for (const [what, before, unit, after] of [
  ['text', '<iq>', 'x', '</iq>'],
  ['a value', "<iq id='", 'x', "'/>"],
  ['a name', '<', 'x', '/>'],
  ['the digits of a reference', '<iq>&#', '0', '9;</iq>'],
  ['brackets', '<iq>', ']', '</iq>'],
  ['white space in a tag', '<iq', ' ', '/>'],
  ['CDATA', '<iq><![CDATA[', ']', ']]></iq>'],
  ['a reference in a value', "<iq a='&#x", '0', "9;'/>"],
] as const) {
  test(`${what} of 4 MiB in pieces of one byte is read once`, () => {
    const framer = new Framer(new Scanners(limits), 'stanzas')
    framer.push(Buffer.from(before))
    const byte = Buffer.from(unit)
    for (let i = 0; i < 4 << 20; i++) {
      framer.push(byte)
      if (framer.next() !== Found.nothing) assert.fail(framer.error?.text)
    }
    framer.push(Buffer.from(after))
    const found = framer.next()
    assert.ok(found === Found.stanza || found === Found.element, framer.error?.text)
  })
}

test('many stanzas that lie across the ends of chunks of any size come out whole', () => {
  const stanza = `<message to='a@b'><body>${'x'.repeat(5000)}</body></message>`
  const all = Buffer.from(stanza.repeat(200))
  for (const size of [997, 4096, 70_001, 300_000]) {
    const framer = new Framer(new Scanners(limits), 'stanzas')
    let count = 0
    for (let at = 0; at < all.length; at += size) {
      framer.push(all.subarray(at, at + size))
      while (framer.next() === Found.stanza) {
        assert.equal(`${framer.head.bytes}`, stanza)
        count++
      }
    }
    assert.deepEqual([count, framer.pending, framer.error], [200, 0, undefined])
  }
})
