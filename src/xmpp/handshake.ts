import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A stream id: 128 random bits in hex, never the peer's choice (RFC 6120 §4.7.3). */
export function newStreamId(): string {
  return randomBytes(16).toString('hex')
}

/** The SHA-1 of the stream id and the secret, both as UTF-8 (XEP-0114 §3). */
export function handshakeDigest(streamId: string, secret: string): Buffer {
  return createHash('sha1').update(streamId, 'utf8').update(secret, 'utf8').digest()
}

/**
 * Which of `secrets` made `hex` (40 hex digits of either case), or -1. Every secret is compared, in constant time, and
 * what is no digest at all is compared too: the time says nothing about which secret nearly matched, or whether any did.
 */
export function matchingSecret(hex: string, streamId: string, secrets: readonly string[]): number {
  const wellFormed = /^[0-9a-fA-F]{40}$/.test(hex)
  const given = wellFormed ? Buffer.from(hex, 'hex') : Buffer.alloc(20)
  let match = -1
  for (let i = 0; i < secrets.length; i++) {
    const equal = timingSafeEqual(given, handshakeDigest(streamId, secrets[i] ?? ''))
    if (equal && wellFormed && match < 0) match = i
  }
  return match
}
