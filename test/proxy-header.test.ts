import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MOST_HEADER_BYTES, type Peer, type ProxyHeader, readProxyHeader } from '../src/proxy-header.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1')
const signature = '0d0a0d0a000d0a515549540a'
/** A header of version 2: what comes after the signature, without the length, and the rest. */
const binary = (start: string, rest: string): Buffer =>
  hex(`${signature}${start}${hex(rest).length.toString(16).padStart(4, '0')}${rest}`)

/** Those with a checksum are of a HAProxy 2.6, byte by byte. */
const whole: Readonly<Record<string, readonly [bytes: Buffer, peer: Peer | undefined]>> = {
  '§2.1 TCP4': [line('PROXY TCP4 192.0.2.7 198.51.100.1 56324 5347'), { address: '192.0.2.7', port: 56324 }],
  '§2.1 TCP6': [line('PROXY TCP6 2001:DB8:0::7 ::1 65535 0'), { address: '2001:db8::7', port: 65535 }],
  '§2.1 the shortest UNKNOWN': [line('PROXY UNKNOWN'), undefined],
  '§2.1 UNKNOWN of 107 bytes': [line(`PROXY UNKNOWN ${'f'.repeat(91)}`), undefined],
  '§2.2 LOCAL of a health check': [binary('2000', ''), undefined],
  '§2.2 LOCAL, whatever it holds': [binary('20ff', '030099'), undefined],
  '§2.2 PROXY without an address': [binary('2100', ''), undefined],
  '§2.2 TCP over IPv4': [hex(`${signature}2111000c7f0000017f000001e8a05e26`), { address: '127.0.0.1', port: 59552 }],
  '§2.2.3 TCP over IPv4 with checksum and unique id': [
    hex(`${signature}2111001c7f0000017f00000190b05e2703000448b10a92050006616263646566`),
    { address: '127.0.0.1', port: 37040 },
  ],
  '§2.2.3 TCP over IPv6 with checksum': [
    hex(`${signature}2121002b${'00'.repeat(15)}01${'00'.repeat(15)}01e24e5e28030004500d0f8a`),
    { address: '::1', port: 57934 },
  ],
  '§2.2 a path of the balancer': [binary('2131', '2f78'.padEnd(432, '0')), undefined],
  'as long as may be': [
    binary('2111', `c0000207c633640100010002ee0fe1${'00'.repeat(MOST_HEADER_BYTES - 31)}`),
    { address: '192.0.2.7', port: 1 },
  ],
}

const checksummed = (whole['§2.2.3 TCP over IPv4 with checksum and unique id'] ?? assert.fail())[0]

const broken: Readonly<Record<string, readonly [bytes: Buffer, why: RegExp]>> = {
  'an XMPP stream': [Buffer.from("<?xml version='1.0'?>"), /no PROXY header/],
  'a TLS hello': [hex('16030100'), /no PROXY header/],
  'lower case': [line('proxy tcp4 192.0.2.7 192.0.2.8 1 2'), /no PROXY header/],
  'a line without an end': [Buffer.from('PROXY UNKNOWN'.padEnd(107, 'f')), /more than 107/],
  'UNKNOWN of 108 bytes': [line(`PROXY UNKNOWN ${'f'.repeat(92)}`), /more than 107/],
  'a line that ends in LF only': [Buffer.from('PROXY UNKNOWN\n'), /version 1/],
  'CR amid a line': [line('PROXY UNKNOWN \r x'), /version 1/],
  'UDP4 in a line': [line('PROXY UDP4 192.0.2.7 192.0.2.8 1 2'), /version 1/],
  'two spaces': [line('PROXY TCP4  192.0.2.7 192.0.2.8 1 2'), /version 1/],
  'a byte too large in an address': [line('PROXY TCP4 192.0.2.256 192.0.2.8 1 2'), /version 1/],
  '[§2.1] a leading zero in an address': [line('PROXY TCP4 192.0.02.7 192.0.2.8 1 2'), /version 1/],
  '[§2.1] a leading zero in a port': [line('PROXY TCP4 192.0.2.7 192.0.2.8 01 2'), /version 1/],
  'a port too large': [line('PROXY TCP4 192.0.2.7 192.0.2.8 1 65536'), /version 1/],
  'an address of the other family': [line('PROXY TCP6 192.0.2.7 192.0.2.8 1 2'), /version 1/],
  'an address with a zone': [line('PROXY TCP6 fe80::1%eth0 ::1 1 2'), /version 1/],
  'a missing port': [line('PROXY TCP4 192.0.2.7 192.0.2.8 1'), /version 1/],
  'version 1 in a binary header': [binary('1111', ''), /version 1 in/],
  'a command that is none': [binary('2211', ''), /command 2/],
  'UDP over IPv4': [binary('2112', 'c0000207c633640100010002'), /0x12/],
  'an unknown family': [binary('2141', ''), /0x41/],
  'too short for its addresses': [binary('2111', 'c0000207c6336401000100'), /too short/],
  'a field that is cut': [binary('2111', 'c0000207c633640100010002ee00'), /beyond the header/],
  'a field that is longer than the header': [binary('2111', 'c0000207c633640100010002ee000300'), /beyond the header/],
  '[§2.2.3] a checksum of two bytes': [binary('2111', 'c0000207c6336401000100020300020000'), /another length/],
  '[§2.2.3] a wrong checksum': [flipped(checksummed, 17), /a wrong checksum/],
  'too long': [binary('2111', 'c0000207c633640100010002'.padEnd(2 * (MOST_HEADER_BYTES - 15), '0')), /more than 4096/],
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = copy[at]! ^ 1
  return copy
}

for (const [name, [bytes, peer]] of Object.entries(whole)) {
  test(`a header is read, and what follows it left alone: ${name}`, () => {
    const followed = Buffer.concat([bytes, Buffer.from('\r\n\r\n\0<stream')])
    assert.deepEqual(readProxyHeader(followed), { kind: 'whole', length: bytes.length, peer })
  })

  test(`a header may come byte by byte: ${name}`, () => {
    for (let end = 0; end < bytes.length; end++) assert.equal(readProxyHeader(bytes.subarray(0, end)).kind, 'partial')
    assert.deepEqual(readProxyHeader(bytes), { kind: 'whole', length: bytes.length, peer })
  })
}

for (const [name, [bytes, why]] of Object.entries(broken)) {
  test(`no header, wherever it is cut: ${name}`, () => {
    const found = readProxyHeader(bytes)
    assert.ok(found.kind === 'broken', found.kind)
    assert.match(found.why, why)
    assert.equal(readInPieces(bytes, () => 1).kind, 'broken')
  })
}

/** As a connection does it: until something else than `partial` comes of it. */
function readInPieces(bytes: Buffer, size: () => number): ProxyHeader {
  for (let end = 0; end < bytes.length; ) {
    end = Math.min(bytes.length, end + size())
    const found = readProxyHeader(bytes.subarray(0, end))
    if (found.kind !== 'partial') return found
  }
  return { kind: 'partial' }
}

/** Bytes that are like a header, with something wrong more often than not. */
const likeHeaders = fc
  .tuple(fc.constantFrom(...Object.values({ ...whole, ...broken })), fc.array(fc.tuple(fc.nat(300), fc.nat(255))))
  .map(([[bytes], changes]) => {
    const copy = Buffer.from(bytes)
    for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte
    return Buffer.concat([copy, Buffer.from('<stream:stream>')])
  })

test('any cut gives the same header and the same end, or none', () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })
  fc.assert(
    fc.property(likeHeaders, pieces, (bytes, sizes) => {
      let turn = 0
      const found = readProxyHeader(bytes)
      const cut = readInPieces(bytes, () => sizes[turn++ % sizes.length]!)
      // Which of several faults is found first is all that may differ.
      if (found.kind === 'broken') assert.equal(cut.kind, 'broken')
      else assert.deepEqual(cut, found)
    }),
  )
})

test('bytes at random are no header, and no header is longer than is allowed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 200 }), (bytes) => {
      assert.equal(readProxyHeader(Buffer.from(bytes)).kind, 'broken')
    }),
  )
  fc.assert(
    fc.property(likeHeaders, (bytes) => {
      const longer = Buffer.concat([bytes, Buffer.alloc(MOST_HEADER_BYTES, 0x20)])
      const found = readProxyHeader(longer)
      assert.notEqual(found.kind, 'partial')
      if (found.kind === 'whole') assert.ok(found.length <= MOST_HEADER_BYTES)
    }),
  )
})

test('any address of version 2 comes back in the spelling of the system', () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.nat(65535), (text, port) => {
      const address = new URL(`http://[${text}]`).hostname.slice(1, -1)
      const found = readProxyHeader(line(`PROXY TCP6 ${text} ::1 ${port} 1`))
      assert.ok(found.kind === 'whole', found.kind)
      assert.equal(found.peer?.port, port)
      assert.equal(new URL(`http://[${found.peer?.address}]`).hostname.slice(1, -1), address)
    }),
  )
})
