import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handshakeDigest, matchingSecret, newStreamId } from '../../src/xmpp/handshake.ts'

test('[XEP-0114 §3] the digest is the SHA-1 of the stream id and the secret', () => {
  assert.equal(handshakeDigest('3BF96D32', 'test').toString('hex'), 'aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e')
})

test('a secret beyond ASCII is hashed as UTF-8', () => {
  const digest = handshakeDigest('id', 'ß剑').toString('hex')
  assert.equal(matchingSecret(digest, 'id', ['ß剑']), 0)
  assert.equal(matchingSecret(digest, 'id', ['ss剑', 'ß']), -1)
})

test('the secret that made the digest is found, in hex of either case, and the first of equal ones', () => {
  const digest = handshakeDigest('id', 'b').toString('hex')
  assert.equal(matchingSecret(digest, 'id', ['a', 'b', 'b']), 1)
  assert.equal(matchingSecret(digest.toUpperCase(), 'id', ['a', 'b']), 1)
  assert.equal(matchingSecret(digest, 'other', ['a', 'b']), -1)
  assert.equal(matchingSecret(digest, 'id', []), -1)
})

test('what is no digest matches nothing', () => {
  const digest = handshakeDigest('id', '').toString('hex')
  for (const text of ['', 'x'.repeat(40), digest.slice(1), `${digest}0`, ` ${digest}`, `${digest.slice(0, 39)}g`]) {
    assert.equal(matchingSecret(text, 'id', ['']), -1, text)
  }
})

test('[RFC 6120 §4.7.3] a stream id is 128 bits in hex and never the same', () => {
  const ids = Array.from({ length: 1000 }, newStreamId)
  assert.equal(new Set(ids).size, 1000)
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
})
