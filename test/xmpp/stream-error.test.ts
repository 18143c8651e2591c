import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'
import { escapeText, streamConditions, streamError } from '../../src/xmpp/stream-error.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }

test('[RFC 6120 §4.9.3] every condition is written as an element of the streams namespace that a parser takes', () => {
  for (const condition of streamConditions) {
    const framer = new Framer(new Scanners(limits), 'stanzas')
    framer.push(Buffer.from(streamError(condition, 'a <b> & "c"')))
    assert.equal(framer.next(), Found.element, condition)
    assert.ok(framer.head.bytes.toString().includes(`<${condition} `))
  }
  assert.equal(new Set(streamConditions).size, streamConditions.length)
})

test('whatever text an error carries, the stream stays well-formed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const framer = new Framer(new Scanners(limits), 'stanzas')
      framer.push(Buffer.from(streamError('reset', `${text}\0\ud800\ufffe`)))
      assert.equal(framer.next(), Found.element, framer.error?.text)
    }),
  )
  assert.match(escapeText('\u0001'), /^\ufffd$/)
  assert.equal(escapeText('\t\n\r'), '&#9;&#10;&#13;')
})
