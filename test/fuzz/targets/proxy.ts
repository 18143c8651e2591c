import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { MOST_HEADER_BYTES, type ProxyHeader, readProxyHeader } from '../../../src/proxy-header.ts'
import { type Target, words } from '../target.ts'

/** The header of the PROXY protocol: however it comes in pieces it is the same one, and it is decided within its longest length. */
export function proxyTarget(): Target {
  return {
    form: 'hex',
    mostBytes: 5000,
    tokens: [
      ...[
        'PROXY ',
        'TCP4 ',
        'TCP6 ',
        'UNKNOWN',
        '192.0.2.1',
        '255.255.255.255',
        '::1',
        '2001:db8::1',
        '::ffff:1.2.3.4',
        ' ',
        '0',
        '65535',
      ],
      ...[
        '\r\n',
        '\r',
        '\n',
        '\r\n\r\n\0\r\nQUIT\n',
        '\x21',
        '\x20',
        '\x11',
        '\x31',
        '\x12',
        '\x00\x0c',
        '\x00\x24',
        '\x00\xd8',
        '\x03\x00\x04',
      ],
      ...['\x04\x00\x00', '\x20\x00\x05', '\xff\xff', '\x10\x00'],
    ],
    run: (input) => {
      const whole = readProxyHeader(input)
      for (let length = 0; length <= Math.min(input.length, MOST_HEADER_BYTES + 1); length++) {
        checkPart(readProxyHeader(input.subarray(0, length)), whole, length)
      }
      if (whole.kind === 'broken') {
        assert.match(whole.why, /^[ -~]+$/)
        return words(whole.why)
      }
      if (whole.kind === 'partial') {
        assert.ok(input.length < MOST_HEADER_BYTES)
        return 'partial'
      }
      assert.ok(whole.length <= input.length)
      if (whole.peer === undefined) return 'whole, of nobody'
      assert.notEqual(isIP(whole.peer.address), 0)
      assert.ok(Number.isInteger(whole.peer.port) && whole.peer.port >= 0 && whole.peer.port <= 0xffff)
      return `whole, of IPv${isIP(whole.peer.address)}`
    },
  }
}

/** What a part of the input is, beside all of it: less may be known, nothing else. */
function checkPart(part: ProxyHeader, whole: ProxyHeader, length: number): void {
  if (part.kind === 'partial') {
    if (whole.kind === 'whole') assert.ok(length < whole.length, 'a whole header is taken for a part')
    return
  }
  // Which of two things is wrong may be known later only.
  if (part.kind === 'broken') assert.equal(whole.kind, 'broken')
  else assert.deepEqual(part, whole)
}
