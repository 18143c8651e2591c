import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normaliseBareJid, normaliseDomain, parseNetwork, parseService } from '../../config/names.ts'
import { normalise } from '../../src/xmpp/jid.ts'

test('[RFC 7622 §3.2] a domain has one spelling: lower case, U-labels, no trailing dot', () => {
  for (const [text, domain] of [
    ['MUC.Example.ORG', 'muc.example.org'],
    ['muc.example.org.', 'muc.example.org'],
    ['localhost', 'localhost'],
    ['my_bot.localhost', 'my_bot.localhost'],
    ['BÜCHER.example', 'bücher.example'],
    ['xn--bcher-kva.example', 'bücher.example'],
    ['XN--BCHER-KVA.example.', 'bücher.example'],
    ['bu\u0308cher.example', 'bücher.example'],
    ['ＡＢＣ.example', 'abc.example'],
    ['faß.example', 'fass.example'],
    ['192.0.2.7', '192.0.2.7'],
    ['1.2', '1.2'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
  ] as const) {
    assert.equal(normaliseDomain(text), domain, text)
  }
})

test('[RFC 7622 §3.2] what is no domainpart is refused', () => {
  const texts = [
    '',
    '.',
    'a..b',
    '.a',
    'a@b',
    'a/b',
    'a b',
    'a%41',
    'a:80',
    '-a.b',
    'a-.b',
    '[::1',
    '[x]',
    'a\u0000b',
    'xn--a.b',
    'a!b',
  ]
  for (const text of [...texts, 'a'.repeat(64), `${'a.'.repeat(127)}a`])
    assert.equal(normaliseDomain(text), undefined, text)
})

test('a normalised domain is its own normal form, and the one that a stanza’s address has', () => {
  const part = fc.oneof(fc.domain(), fc.string({ unit: 'grapheme', maxLength: 12 }))
  fc.assert(
    fc.property(part, (text) => {
      const domain = normaliseDomain(text)
      if (domain === undefined) return
      assert.equal(normaliseDomain(domain), domain)
      assert.equal(normalise(domain)?.domain, domain)
    }),
  )
})

test('[RFC 7622 §3.3] a bare JID is normalised, and one with a resource or a forbidden character refused', () => {
  assert.equal(normaliseBareJid('Admin@Example.ORG'), 'admin@example.org')
  assert.equal(normaliseBareJid('Example.ORG'), 'example.org')
  for (const text of ['@example.org', 'a@b/c', 'a b@c', 'a"@c', 'a@', 'a@b@c', '']) {
    assert.equal(normaliseBareJid(text), undefined, text)
  }
})

test('a service is xmpp or xmpps, a host and a port that is 5347 when none is given', () => {
  assert.deepEqual(parseService('xmpp://127.0.0.1:5275'), { host: '127.0.0.1', port: 5275, tls: false })
  assert.deepEqual(parseService('xmpps://xmpp.example.org'), { host: 'xmpp.example.org', port: 5347, tls: true })
  assert.deepEqual(parseService('xmpp://[::1]:1'), { host: '::1', port: 1, tls: false })
  const others = [
    'http://a',
    'xmpp:a',
    'xmpp://',
    'xmpp://a:0',
    'xmpp://a:65536',
    'xmpp://u:p@a',
    'xmpp://a/b',
    'xmpp://[x]',
    'a:5347',
  ]
  for (const text of others) assert.equal(parseService(text), undefined, text)
})

test('a network is an address, alone or with how many of its bits count', () => {
  assert.deepEqual(parseNetwork('192.0.2.0/24'), { address: '192.0.2.0', prefix: 24, family: 'ipv4' })
  assert.deepEqual(parseNetwork('0.0.0.0/0'), { address: '0.0.0.0', prefix: 0, family: 'ipv4' })
  assert.deepEqual(parseNetwork('192.0.2.7'), { address: '192.0.2.7', prefix: 32, family: 'ipv4' })
  assert.deepEqual(parseNetwork('2001:db8::/32'), { address: '2001:db8::', prefix: 32, family: 'ipv6' })
  assert.deepEqual(parseNetwork('::1'), { address: '::1', prefix: 128, family: 'ipv6' })
  const others = [
    '',
    'localhost',
    '192.0.2.0/33',
    '192.0.2/24',
    '::/129',
    '192.0.2.0/',
    '192.0.2.0/-1',
    'fe80::1%eth0',
    '/8',
  ]
  for (const text of others) assert.equal(parseNetwork(text), undefined, text)
})
