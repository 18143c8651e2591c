import { Head, Kind, Type } from './xmpp/head.ts'
import { decodeAttribute } from './xmpp/jid.ts'
import { escapeText } from './xmpp/stream-error.ts'

/** Every token begins so; what does not is no token of ours. */
const PREFIX = 'sy-'
/** Length of a route: 80 bits as base-32 digits. */
const ROUTE_LENGTH = 16
const MARK = PREFIX.length + ROUTE_LENGTH
/** Behind the route: the old id follows as it was, or as hex of its UTF-8 bytes. */
const PLAIN = 0x70 // p
const HEX = 0x78 // x
const SCRATCH_BYTES = 4096
/** So few bytes are copied one by one: for a part of a buffer Node's own copy makes an object. */
const SHORT_BYTES = 96

/** What a name token may hold (XML 1.0 §2.3), in ASCII: an id of these only is carried as it is. */
const nameByte = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9._:-]/.test(String.fromCharCode(byte)) ? 1 : 0,
)
const base32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** A route from ten bytes: random ones, or ones that come out the same after a restart. */
export function routeFrom(bytes: Uint8Array): string {
  const digits: number[] = []
  let bits = 0
  let held = 0
  for (let i = 0; i < 10; i++) {
    held = (held << 8) | (bytes[i] ?? 0)
    for (bits += 8; bits >= 5; bits -= 5) digits.push(base32.charCodeAt((held >>> (bits - 5)) & 31))
    held &= 0xff
  }
  // One flat string: what `+=` makes is a chain of four, and every instance keeps its route.
  return String.fromCharCode(...digits)
}

/** Whether the stanza is an iq that answers one (RFC 6120 §8.2.3). */
export function isReply(head: Head): boolean {
  return head.kind === Kind.iq && (head.type === Type.result || head.type === Type.error)
}

/** Whether the stanza is an iq that wants an answer. */
export function isRequest(head: Head): boolean {
  return head.kind === Kind.iq && (head.type === Type.get || head.type === Type.set)
}

/**
 * Brings iq replies back. All instances of a domain answer to one name, so the id of a request that an instance sends
 * is replaced by a token that says which instance asked, and what its id was. No table is needed, and a node may
 * restart in between: `sy-ROUTEpID`, or `sy-ROUTExHEX` for an id that is not made of name characters only.
 */
export class Replies {
  /** What is rewritten stands here, until the next one. */
  #scratch = Buffer.allocUnsafe(SCRATCH_BYTES)
  readonly #head = new Head()

  /** The request in `head` with its id replaced by a token. The result is valid until the next wrap or unwrap. */
  wrap(head: Head, route: string): Head {
    const { buffer, idStart, idEnd } = head
    if (isPlainId(buffer, idStart, idEnd)) return this.#rewrite(head, `${PREFIX}${route}p`, idStart, idEnd)
    const id = decodeAttribute(buffer.toString('utf8', idStart, idEnd))
    return this.#rewrite(head, `${PREFIX}${route}x${Buffer.from(id).toString('hex')}`, idEnd, idEnd)
  }

  /** The route that the id of a reply names; undefined when it is no token. */
  routeOf(head: Head): string | undefined {
    const { buffer, idStart, idEnd } = head
    if (idStart < 0 || idEnd - idStart <= MARK) return undefined
    for (let i = 0; i < PREFIX.length; i++) if (buffer[idStart + i] !== PREFIX.charCodeAt(i)) return undefined
    const mark = buffer[idStart + MARK]
    if (mark !== PLAIN && mark !== HEX) return undefined
    return buffer.toString('latin1', idStart + PREFIX.length, idStart + MARK)
  }

  /** The reply in `head` with the id that its token carries; only after `routeOf` has found a route. Valid as `wrap`'s. */
  unwrap(head: Head): Head {
    const { buffer, idStart, idEnd } = head
    const carried = idStart + MARK + 1
    if (buffer[idStart + MARK] === PLAIN) return this.#rewrite(head, '', carried, idEnd)
    const id = Buffer.from(buffer.toString('latin1', carried, idEnd), 'hex').toString('utf8')
    return this.#rewrite(head, escapeText(id), idEnd, idEnd)
  }

  /** Copies the stanza with `text` and then `buffer[keepStart, keepEnd)` in place of its id. */
  #rewrite(head: Head, text: string, keepStart: number, keepEnd: number): Head {
    const { buffer, start, end, idStart, idEnd } = head
    const most = end - start + 3 * text.length
    if (this.#scratch.length < most || this.#scratch.length > 16 * SCRATCH_BYTES) {
      this.#scratch = Buffer.allocUnsafe(Math.max(SCRATCH_BYTES, most))
    }
    const scratch = this.#scratch
    let at = copy(buffer, start, idStart, scratch, 0)
    at += scratch.write(text, at, 'utf8')
    at = copy(buffer, keepStart, keepEnd, scratch, at)
    const newEnd = copy(buffer, idEnd, end, scratch, at)
    return this.#describe(head, idStart - start, at, newEnd)
  }

  #describe(head: Head, idStart: number, idEnd: number, end: number): Head {
    const { start } = head
    const grown = idEnd - (head.idEnd - start)
    const move = (offset: number): number => (offset < 0 ? -1 : offset - start + (offset > head.idStart ? grown : 0))
    const copy = this.#head
    copy.buffer = this.#scratch
    copy.start = 0
    copy.end = end
    copy.tagEnd = move(head.tagEnd)
    copy.kind = head.kind
    copy.type = head.type
    copy.fromStart = move(head.fromStart)
    copy.fromEnd = move(head.fromEnd)
    copy.fromDomain = move(head.fromDomain)
    copy.fromBare = move(head.fromBare)
    copy.fromForm = head.fromForm
    copy.toStart = move(head.toStart)
    copy.toEnd = move(head.toEnd)
    copy.toDomain = move(head.toDomain)
    copy.toBare = move(head.toBare)
    copy.toForm = head.toForm
    copy.idStart = idStart
    copy.idEnd = idEnd
    copy.children = head.children
    copy.streams = head.streams
    return copy
  }
}

/** Copies `from[start, end)` to `to` at `at`; returns where it ends there. */
function copy(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  if (end - start > SHORT_BYTES) return at + from.copy(to, at, start, end)
  let next = at
  for (let i = start; i < end; i++) to[next++] = from[i] as number
  return next
}

function isPlainId(buffer: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (nameByte[buffer[i] as number] !== 1) return false
  return true
}
