import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/**
 * The header that a load balancer writes before all else, to say who is behind it: "The PROXY protocol, versions 1 & 2",
 * doc/proxy-protocol.txt of HAProxy. The sections (§) are those of that text.
 */

/** Where a connection comes from. */
export interface Peer {
  /** As the system writes it: one spelling for each. */
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  /** What has come so far may become one. */
  | { readonly kind: 'partial' }
  /** It ends at `length`; `peer` is undefined where it names none, as in a health check: then it is the balancer itself. */
  | { readonly kind: 'whole'; readonly length: number; readonly peer: Peer | undefined }
  /** It is none; `why` holds nothing that the peer chose. */
  | { readonly kind: 'broken'; readonly why: string }

/** §2.1: the longest line of version 1, with its end. */
const LINE_BYTES = 107
const LINE_START = Buffer.from('PROXY ')
/** §2.2: what version 2 begins with. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED_BYTES = 16
/** §2.2 asks for 536 at least; what follows the addresses is seldom more than a name or two. */
export const MOST_HEADER_BYTES = 4096

const partial: ProxyHeader = { kind: 'partial' }
const broken = (why: string): ProxyHeader => ({ kind: 'broken', why })

/** Reads the header that the bytes of a connection begin with, however few have come. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, SIGNATURE)) return bytes.length < FIXED_BYTES ? partial : readBinary(bytes)
  if (beginsLike(bytes, LINE_START)) return readLine(bytes)
  return broken('no PROXY header')
}

/** As far as both go. */
function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

/** §2.1, version 1: `PROXY TCP4 192.0.2.1 192.0.2.2 56324 5347` and CRLF. */
function readLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LINE_BYTES).indexOf(0x0a)
  if (end < 0) return bytes.length < LINE_BYTES ? partial : broken(`a line of more than ${LINE_BYTES} bytes`)
  const line = bytes.toString('latin1', 0, end + 1)
  const length = end + 1
  // Whatever stands behind UNKNOWN is to be ignored.
  if (/^PROXY UNKNOWN( [^\r\n]*)?\r\n$/.test(line)) return { kind: 'whole', length, peer: undefined }
  const parts = /^PROXY TCP([46]) ([\da-fA-F:.]+) ([\da-fA-F:.]+) (\d{1,5}) (\d{1,5})\r\n$/.exec(line)
  const [, family, source = '', destination = '', from = '', to = ''] = parts ?? []
  const isAddress = family === '4' ? isIPv4 : isIPv6
  if (parts === null || !isAddress(source) || !isAddress(destination) || !isPort(from) || !isPort(to)) {
    return broken('a line that is not of version 1')
  }
  return { kind: 'whole', length, peer: peerOf(source, Number(from)) }
}

/** §2.1: without leading zeros. */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(text) && Number(text) <= 0xffff
}

interface Family {
  readonly bytes: number
  readonly read: (block: Buffer) => Peer | undefined
}

/** §2.2: address families with the transport that fits a connection of ours, and how long their addresses are. */
const families: ReadonlyMap<number, Family> = new Map<number, Family>([
  [0x00, { bytes: 0, read: () => undefined }],
  [0x11, { bytes: 12, read: (block) => peerOf(block.subarray(0, 4).join('.'), block.readUInt16BE(8)) }],
  [0x21, { bytes: 36, read: (block) => peerOf(groupsOf(block), block.readUInt16BE(32)) }],
  // A path on the balancer's machine is no address to us.
  [0x31, { bytes: 216, read: () => undefined }],
])

/** §2.2, version 2; the fixed part has come. */
function readBinary(bytes: Buffer): ProxyHeader {
  const version = bytes.readUInt8(12) >> 4
  const command = bytes.readUInt8(12) & 0xf
  const length = FIXED_BYTES + bytes.readUInt16BE(14)
  if (version !== 2) return broken(`version ${version} in a header of version 2`)
  if (command > 1) return broken(`command ${command}`)
  if (length > MOST_HEADER_BYTES) return broken(`a header of more than ${MOST_HEADER_BYTES} bytes`)
  if (bytes.length < length) return partial
  // LOCAL: the balancer itself, as it checks our health. What it says besides is to be ignored.
  if (command === 0) return { kind: 'whole', length, peer: undefined }
  const family = families.get(bytes.readUInt8(13))
  if (family === undefined) return broken(`family and transport 0x${bytes.toString('hex', 13, 14)}`)
  if (length < FIXED_BYTES + family.bytes) return broken('a header that is too short for its addresses')
  const wrong = checkFields(bytes.subarray(0, length), FIXED_BYTES + family.bytes)
  if (wrong !== undefined) return broken(wrong)
  return { kind: 'whole', length, peer: family.read(bytes.subarray(FIXED_BYTES, length)) }
}

const CRC32C_FIELD = 0x03

/** §2.2.1: fields of a type, a length and a value, of which only the checksum matters here. Returns what is wrong. */
function checkFields(header: Buffer, start: number): string | undefined {
  let at = start
  while (at < header.length) {
    const end = at + 3 <= header.length ? at + 3 + header.readUInt16BE(at + 1) : Number.POSITIVE_INFINITY
    if (end > header.length) return 'a field that goes beyond the header'
    if (header.readUInt8(at) === CRC32C_FIELD) {
      if (end !== at + 7) return 'a checksum of another length than 4'
      if (header.readUInt32BE(at + 3) !== checksum(header, at + 3)) return 'a wrong checksum'
    }
    at = end
  }
  return undefined
}

/** §2.2.2: CRC32c (RFC 4960 appendix B) of the header, with its own four bytes as zeros. */
function checksum(header: Buffer, own: number): number {
  let crc = 0xffffffff
  for (const [at, byte] of header.entries()) {
    crc ^= at >= own && at < own + 4 ? 0 : byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

function groupsOf(block: Buffer): string {
  return Array.from({ length: 8 }, (_, at) => block.readUInt16BE(2 * at).toString(16)).join(':')
}

function peerOf(address: string, port: number): Peer {
  // One spelling, or one client would have as many counts as its address has spellings.
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  return { address: new SocketAddress({ address, family }).address, port }
}
