import { Form, type Head, Kind, Type } from './head.ts'
import { bareEnd, domainStart, isPlain } from './jid.ts'

const iq = Buffer.from('iq')
const message = Buffer.from('message')
const presence = Buffer.from('presence')

/** Names of two or four letters as one number, as `word` reads them from a buffer. */
const TO = 0x746f
const ID = 0x6964
const FROM = 0x66726f6d
const TYPE = 0x74797065

/** What a local name is in the content namespace. */
export function kindOf(buffer: Buffer, start: number, end: number): Kind {
  switch (end - start) {
    case iq.length:
      return equals(iq, buffer, start) ? Kind.iq : Kind.other
    case message.length:
      return equals(message, buffer, start) ? Kind.message : Kind.other
    case presence.length:
      return equals(presence, buffer, start) ? Kind.presence : Kind.other
    default:
      return Kind.other
  }
}

interface Spelling {
  readonly bytes: Buffer
  readonly type: Type
}

/** The spellings of `type` by their length, as no more than two share one. */
const spellings: readonly (readonly Spelling[])[] = Array.from({ length: 13 }, (_, length) =>
  Object.entries(Type)
    .filter(([name, type]) => name.length === length && type !== Type.none && type !== Type.other)
    .map(([name, type]) => ({ bytes: Buffer.from(name), type })),
)

export function typeOf(buffer: Buffer, start: number, end: number): Type {
  const candidates = spellings[end - start]
  if (candidates === undefined) return Type.other
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]
    if (candidate !== undefined && equals(candidate.bytes, buffer, start)) return candidate.type
  }
  return Type.other
}

/** Two bytes as one number. */
function word(buffer: Buffer, at: number): number {
  return ((buffer[at] ?? 0) << 8) | (buffer[at + 1] ?? 0)
}

/** Faster than a call of `Buffer.compare` for what is this short, and mostly unequal in its first bytes. */
export function equals(expected: Buffer, buffer: Buffer, start: number): boolean {
  for (let i = 0; i < expected.length; i++) if (buffer[start + i] !== expected[i]) return false
  return true
}

/**
 * Notes an attribute in the head if it is one that routing reads, and says whether it is. Offsets count from `base`,
 * and so do the ranges in the head.
 */
export function note(
  head: Head,
  buffer: Buffer,
  base: number,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
): boolean {
  const at = base + nameStart
  if (nameEnd - nameStart === 2) {
    const name = word(buffer, at)
    if (name === TO) {
      head.toStart = valueStart
      head.toEnd = valueEnd
      return true
    }
    if (name !== ID) return false
    head.idStart = valueStart
    head.idEnd = valueEnd
    return true
  }
  if (nameEnd - nameStart !== 4) return false
  const name = (word(buffer, at) << 16) | word(buffer, at + 2)
  if (name === FROM) {
    head.fromStart = valueStart
    head.fromEnd = valueEnd
    return true
  }
  if (name !== TYPE) return false
  head.type = typeOf(buffer, base + valueStart, base + valueEnd)
  return true
}

/** Makes a head ready for the next element. */
export function clear(head: Head): void {
  head.kind = Kind.other
  head.type = Type.none
  head.fromStart = -1
  head.fromEnd = -1
  head.toStart = -1
  head.toEnd = -1
  head.idStart = -1
  head.idEnd = -1
  head.children = 0
  head.streams = false
}

/** Moves the ranges that `note` made, and `tagEnd`, from an offset into an element to one into its buffer. */
export function shift(head: Head, by: number): void {
  head.tagEnd += by
  if (head.fromStart >= 0) {
    head.fromStart += by
    head.fromEnd += by
  }
  if (head.toStart >= 0) {
    head.toStart += by
    head.toEnd += by
  }
  if (head.idStart >= 0) {
    head.idStart += by
    head.idEnd += by
  }
}

/** Finds the parts of the addresses, once they are where they stay. */
export function locate(head: Head): void {
  const { buffer, fromStart, fromEnd, toStart, toEnd } = head
  head.fromDomain = fromStart < 0 ? -1 : domainStart(buffer, fromStart, fromEnd)
  head.fromBare = fromStart < 0 ? -1 : bareEnd(buffer, fromStart, fromEnd)
  head.fromForm = formOf(buffer, fromStart, head.fromBare, fromEnd)
  head.toDomain = toStart < 0 ? -1 : domainStart(buffer, toStart, toEnd)
  head.toBare = toStart < 0 ? -1 : bareEnd(buffer, toStart, toEnd)
  head.toForm = formOf(buffer, toStart, head.toBare, toEnd)
}

function formOf(buffer: Buffer, start: number, bare: number, end: number): Form {
  if (start < 0) return Form.unknown
  if (isPlain(buffer, start, end)) return Form.full
  return bare < end && isPlain(buffer, start, bare) ? Form.bare : Form.unknown
}
