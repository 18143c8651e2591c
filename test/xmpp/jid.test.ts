import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bareEnd,
  bareText,
  decodeAttribute,
  domainStart,
  fullText,
  isPlain,
  maxPartBytes,
  normalise,
} from '../../src/xmpp/jid.ts'

/** The text as a range inside a larger buffer whose other bytes would mislead whoever read them. */
function range(text: string): [buffer: Buffer, start: number, end: number] {
  const buffer = Buffer.from(`a@/.${text}@/.&`)
  return [buffer, 4, buffer.length - 4]
}

function parts(text: string): { bare: string; domain: string; local: boolean } {
  const [buffer, start, end] = range(text)
  return {
    bare: buffer.toString('utf8', start, bareEnd(buffer, start, end)),
    domain: buffer.toString('utf8', domainStart(buffer, start, end), bareEnd(buffer, start, end)),
    local: domainStart(buffer, start, end) > start,
  }
}

const plain = (text: string) => isPlain(...range(text))

test('[RFC 7622 §3.2] the resource is cut first: plays.test/@example.test is of plays.test', () => {
  assert.deepEqual(parts('plays.test/@example.test'), { bare: 'plays.test', domain: 'plays.test', local: false })
  assert.deepEqual(parts('plays.test/a/b@c'), { bare: 'plays.test', domain: 'plays.test', local: false })
})

test('[RFC 7622 §3.1] a JID in bytes has a bare part, a domain and perhaps a localpart', () => {
  assert.deepEqual(parts('juliet@example.com/foo@bar/baz'), {
    bare: 'juliet@example.com',
    domain: 'example.com',
    local: true,
  })
  assert.deepEqual(parts('example.com'), { bare: 'example.com', domain: 'example.com', local: false })
  assert.deepEqual(parts(''), { bare: '', domain: '', local: false })
})

test('ASCII without capitals is plain, and so is whatever UTF-8 stands in its resource', () => {
  for (const jid of ['example.org', 'a@b', 'a.b-c_d+e=f!@xn--bcher-kva.example', 'a@[::1]/x', 'a@b/Ünï Cödé/@']) {
    assert.equal(plain(jid), true, jid)
  }
})

test('what another spelling could equal, or what is no JID, is not plain', () => {
  const others = [
    '',
    '/',
    '/r',
    '@b',
    'a@',
    'a@/r',
    'a@b/',
    'A@b',
    'a@B',
    'é@b',
    'a@é',
    'a@b.',
    'b./r',
    'a b@c',
    'a:b@c',
  ]
  for (const jid of [...others, 'a@b@c', 'a&amp;@b', 'a@b/x&amp;y', 'a@b/x\ty', 'a@b/x\ny', "a'@b", 'a\x7f@b', '.']) {
    assert.equal(plain(jid), false, jid)
  }
})

test('[RFC 7622 §3.1] each part has at most 1023 bytes', () => {
  const long = 'x'.repeat(maxPartBytes)
  for (const jid of [`${long}@${long}/${long}`, long]) {
    assert.equal(plain(jid), true)
    assert.notEqual(normalise(jid), undefined)
  }
  for (const jid of [`x${long}@a`, `a@x${long}`, `a@b/x${long}`, `x${long}`]) {
    assert.equal(plain(jid), false)
    assert.equal(normalise(jid), undefined)
  }
  assert.equal(normalise(`${'é'.repeat(512)}@a`), undefined, 'bytes are counted, not characters')
})

test('a JID in normal form has its domain and localpart lower-cased, and its resource as it came', () => {
  assert.deepEqual(normalise('Julia.CAPULET@Bücher.EXAMPLE./Balkon ②'), {
    local: 'julia.capulet',
    domain: 'bücher.example',
    resource: 'Balkon ②',
  })
  assert.deepEqual(normalise('STRASSE@ß.de'), { local: 'strasse', domain: 'ss.de', resource: '' })
})

test('what is no JID has no normal form', () => {
  for (const jid of ['', '@b', 'a@', 'a@.', '/r', 'a@b/', 'a b@c', 'a@b c', 'a@b@c', '\u00ad@b', 'a\u2028@b', '<@b']) {
    assert.equal(normalise(jid), undefined, jid)
  }
})

test('the texts of a JID are its bare and its full form', () => {
  assert.equal(bareText({ local: 'a', domain: 'b', resource: 'c' }), 'a@b')
  assert.equal(fullText({ local: 'a', domain: 'b', resource: 'c' }), 'a@b/c')
  assert.equal(fullText({ local: '', domain: 'b', resource: '' }), 'b')
})

test('[XML §3.3.3, §4.6] references and white space in an attribute become what they stand for, once', () => {
  assert.equal(decodeAttribute('a@b/&lt;&gt;&quot;&apos;&amp;'), 'a@b/<>"\'&')
  assert.equal(decodeAttribute('&amp;lt;'), '&lt;')
  assert.equal(decodeAttribute('a\tb\nc\r\nd\re'), 'a b c d e')
})

const ascii = fc.constantFrom(...'abcxyzABC019.-_@/&: \'"<\t\x7f')
const wide = fc.constantFrom(...'éÉжЖß漢אＡ\u00ad\u0301\u3002')
const jids = fc.array(fc.oneof({ weight: 6, arbitrary: ascii }, wide), { maxLength: 14 }).map((all) => all.join(''))

test('law: what is plain is its own normal form, byte for byte', () => {
  fc.assert(
    fc.property(jids, (jid) => {
      if (!plain(jid)) return
      const normal = normalise(decodeAttribute(jid))
      assert.ok(normal)
      assert.equal(fullText(normal), jid)
    }),
    { numRuns: 20_000 },
  )
})

test('law: the normal form of a normal form is itself, and in ASCII it is plain', () => {
  fc.assert(
    fc.property(jids, (jid) => {
      const normal = normalise(jid)
      if (normal === undefined) return
      assert.deepEqual(normalise(fullText(normal)), normal)
      const bare = bareText(normal)
      if (Buffer.byteLength(bare) === bare.length) assert.equal(plain(bare), true, bare)
    }),
    { numRuns: 20_000 },
  )
})

test('law: bytes and text agree on where the parts are', () => {
  fc.assert(
    fc.property(jids, (jid) => {
      const normal = normalise(jid)
      if (normal === undefined) return
      const found = parts(fullText(normal))
      assert.deepEqual(found, { bare: bareText(normal), domain: normal.domain, local: normal.local !== '' })
    }),
    { numRuns: 5_000 },
  )
})
