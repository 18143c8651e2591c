/**
 * The express scanner, in AssemblyScript: compiled to WebAssembly with SIMD (`npm run build`), so it is no TypeScript to
 * the rest. It passes whole stanzas of the kind that nearly all are, and leaves every other to the plain framer: what it
 * is not sure of it defers. So it need not know of errors, and it must never pass what the plain framer would not, or
 * read a head otherwise; a test compares the two byte by byte.
 *
 * It passes an iq, message or presence without a prefix, of at most `limit` bytes, whose names are ASCII and whose only
 * prefix is that of `xml:lang`, without CDATA, carriage returns, or references in the attributes of its opening tag.
 *
 * Memory: tables and records, then the input at `INPUT`. Who calls puts zeros behind the input: 0 stops every loop.
 */

/** What became of the input: see `src/xmpp/express.ts`, which repeats these. */
const ALL: i32 = 0
const INCOMPLETE: i32 = 1
const DEFERRED: i32 = 2
const FULL: i32 = 3

/** Returned instead of a position. No position is that low. */
const CUT: i32 = 0
const DEFER: i32 = -1

/** Records: of `RECORD` bytes each; offsets into one follow. All positions are addresses in this memory. */
const MOST_RECORDS: i32 = 256
const RECORD: i32 = 48
const AT_START: i32 = 0
const AT_END: i32 = 4
const AT_TAG_END: i32 = 8
const AT_KIND: i32 = 12
const AT_TYPE: i32 = 16
const AT_FROM: i32 = 20
const AT_TO: i32 = 28
const AT_ID: i32 = 36
const AT_CHILDREN: i32 = 44

const MOST_DEPTH: i32 = 128
/** Bytes of a row of `levels`. */
const LEVEL: i32 = 12
const MOST_ATTRIBUTES: i32 = 16

const TAB: i32 = 0x09
const LF: i32 = 0x0a
const QUOT: i32 = 0x22
const HASH: i32 = 0x23
const AMP: i32 = 0x26
const APOS: i32 = 0x27
const SLASH: i32 = 0x2f
const COLON: i32 = 0x3a
const SEMICOLON: i32 = 0x3b
const LT: i32 = 0x3c
const EQUALS: i32 = 0x3d
const GT: i32 = 0x3e
const CLOSE_BRACKET: i32 = 0x5d

// As `Kind` and `Type` in head.ts.
const IQ: i32 = 1
const MESSAGE: i32 = 2
const PRESENCE: i32 = 3
const OTHER_TYPE: i32 = 1

// Classes of bytes.
const STARTS_NAME: i32 = 1
const IN_NAME: i32 = 2
const SPACE: i32 = 4
const SEPARATES: i32 = 8

const classes: usize = memory.data(256)
export const records: usize = memory.data(MOST_RECORDS * RECORD, 16)
/** Per open element: where its name begins, its length, and the namespace declarations in force. */
const levels: usize = memory.data(MOST_DEPTH * LEVEL, 16)
/** Per attribute of the tag in progress: where its name begins, and its length. */
const attributes: usize = memory.data(MOST_ATTRIBUTES * 8, 16)

classify(0x41, 0x5a, STARTS_NAME | IN_NAME)
classify(0x61, 0x7a, STARTS_NAME | IN_NAME)
classify(0x5f, 0x5f, STARTS_NAME | IN_NAME)
classify(0x30, 0x39, IN_NAME)
classify(0x2d, 0x2e, IN_NAME)
classify(0x20, 0x20, SPACE | SEPARATES)
classify(0x09, 0x0a, SPACE)
classify(0x0d, 0x0d, SPACE)
classify(0x7c, 0x7d, SEPARATES)
store<u8>(classes + 0x7c, SEPARATES)

function classify(first: i32, last: i32, bits: i32): void {
  for (let byte = first; byte <= last; byte++) store<u8>(classes + byte, load<u8>(classes + byte) | bits)
}

/** Where the input belongs, behind the tables. */
export const input: i32 = 0x4000

/** Where the scan stopped, and why. */
export let position: i32 = 0
export let outcome: i32 = 0

let stop: i32 = 0
let record: i32 = 0
let elements: i32 = 0
let declared: i32 = 0
let isEmpty: bool = false

let mostBytes: i32 = 0
let mostDepth: i32 = 0
let mostElements: i32 = 0
let mostAttributes: i32 = 0
let mostDeclared: i32 = 0

/** The limits in force from now on. Those of depth and attributes may be lower here, but never higher. */
export function limit(bytes: i32, depth: i32, elements: i32, attributes: i32, namespaces: i32): void {
  mostBytes = bytes
  mostDepth = min(depth, MOST_DEPTH)
  mostElements = elements
  mostAttributes = min(attributes, MOST_ATTRIBUTES)
  mostDeclared = namespaces
}

/** Scans `[from, end)`, which begins between two stanzas. Returns how many records it wrote. */
export function scan(from: i32, end: i32): i32 {
  stop = end
  let count: i32 = 0
  let at = from
  while (true) {
    at = skip(at, SPACE)
    position = at
    if (at >= end) {
      outcome = ALL
      return count
    }
    if (count === MOST_RECORDS) {
      outcome = FULL
      return count
    }
    record = <i32>records + count * RECORD
    at = stanza(at)
    if (at <= 0) {
      outcome = at === CUT ? INCOMPLETE : DEFERRED
      return count
    }
    count++
  }
}

function is(at: i32, bits: i32): bool {
  return (load<u8>(classes + load<u8>(at)) & bits) !== 0
}

/** CUT where the input ends, which a byte of zero says; else DEFER. */
function unclear(at: i32): i32 {
  return at >= stop ? CUT : DEFER
}

function stanza(start: i32): i32 {
  // The longest name that it knows, and the byte behind it.
  if (load<u8>(start) !== LT || stop - start < 10) return DEFER
  const length = kind(start + 1)
  if (length === 0) return DEFER
  store<i32>(record, 0, AT_TYPE)
  store<i64>(record, -1, AT_FROM)
  store<i64>(record, -1, AT_TO)
  store<i64>(record, -1, AT_ID)
  store<i32>(record, 0, AT_CHILDREN)
  declared = 0
  elements = 1
  let at = start + 1 + length
  if (!endsName(at)) return unclear(at)
  at = tag(at, true)
  if (at <= 0) return at
  store<i32>(record, start, AT_START)
  store<i32>(record, at, AT_TAG_END)
  if (!isEmpty) at = content(at, start + 1, length)
  if (at <= 0) return at
  if (at - start > mostBytes) return DEFER
  store<i32>(record, at, AT_END)
  return at
}

/** Which stanza a name is of, as `Kind` in head.ts. Returns the name's length, or 0. */
function kind(name: i32): i32 {
  const word = load<u64>(name)
  // Letters are read from right to left here: the first is the lowest byte.
  if (word === 0x65636e6573657270) {
    store<i32>(record, PRESENCE, AT_KIND)
    return 8
  }
  if ((word & 0xffffffffffffff) === 0x6567617373656d) {
    store<i32>(record, MESSAGE, AT_KIND)
    return 7
  }
  if ((word & 0xffff) !== 0x7169) return 0
  store<i32>(record, IQ, AT_KIND)
  return 2
}

/** All from behind a stanza's opening tag to behind its closing one. */
function content(from: i32, name: i32, length: i32): i32 {
  let at = from
  let depth: i32 = 1
  open(0, name, length)
  while (depth > 0) {
    at = text(at)
    if (at <= 0) return at
    if (at + 1 >= stop) return CUT
    if (load<u8>(at + 1) === SLASH) {
      at = closing(at + 2, --depth)
    } else {
      if (depth === 1) store<i32>(record, load<i32>(record, AT_CHILDREN) + 1, AT_CHILDREN)
      at = child(at + 1, depth)
      if (!isEmpty) depth++
    }
    if (at <= 0) return at
    if (depth > 0) declared = load<i32>(levels + (depth - 1) * LEVEL, 8)
  }
  return at
}

/** The opening tag of an element inside others, from its name on. */
function child(name: i32, depth: i32): i32 {
  if (++elements > mostElements || depth >= mostDepth || !is(name, STARTS_NAME)) return DEFER
  const end = skip(name + 1, IN_NAME)
  if (!endsName(end)) return unclear(end)
  const at = tag(end, false)
  if (at > 0 && !isEmpty) open(depth, name, end - name)
  return at
}

function endsName(at: i32): bool {
  const byte: i32 = load<u8>(at)
  return byte === GT || byte === SLASH || (load<u8>(classes + byte) & SPACE) !== 0
}

function open(level: i32, name: i32, length: i32): void {
  const row = levels + level * LEVEL
  store<i32>(row, name)
  store<i32>(row, length, 4)
  store<i32>(row, declared, 8)
}

/** The rest of a tag, from behind its name to behind its `>`; sets `isEmpty`. */
function tag(from: i32, first: bool): i32 {
  let at = from
  let count: i32 = 0
  while (true) {
    const name = skip(at, SPACE)
    const byte: i32 = load<u8>(name)
    if (byte === GT) {
      isEmpty = false
      return name + 1
    }
    if (byte === SLASH) {
      isEmpty = true
      return load<u8>(name + 1) === GT ? name + 2 : unclear(name + 1)
    }
    if (!is(name, STARTS_NAME)) return unclear(name)
    if (name === at || count >= mostAttributes) return DEFER
    at = attribute(name, count++, first)
    if (at <= 0) return at
  }
}

/** One attribute, from its name to behind its closing quote. */
function attribute(name: i32, count: i32, first: bool): i32 {
  const nameEnd = attributeName(name)
  if (nameEnd <= 0) return nameEnd
  if (load<u8>(nameEnd) !== EQUALS) return unclear(nameEnd)
  const quote: i32 = load<u8>(nameEnd + 1)
  if (quote !== APOS && quote !== QUOT) return unclear(nameEnd + 1)
  const length = nameEnd - name
  const row = attributes + count * 8
  for (let other = attributes; other < row; other += 8) {
    if (load<i32>(other, 4) === length && equal(load<i32>(other), name, length)) return DEFER
  }
  store<i32>(row, name)
  store<i32>(row, length, 4)
  const start = nameEnd + 2
  const end = value(start, quote, first)
  if (end <= 0) return end
  // xmlns
  if (length === 5 && load<u32>(name) === 0x6e6c6d78 && load<u8>(name + 4) === 0x73) {
    if (!declare(start, end, first)) return DEFER
  } else if (first) note(name, length, start, end)
  return end + 1
}

/** Returns where the name ends. The only one with a prefix is xml:lang, or another of xml. */
function attributeName(name: i32): i32 {
  const end = skip(name + 1, IN_NAME)
  if (load<u8>(end) !== COLON) return end
  if (end - name !== 3 || (load<u32>(name) & 0xffffff) !== 0x6c6d78) return DEFER
  return is(end + 1, STARTS_NAME) ? skip(end + 2, IN_NAME) : unclear(end + 1)
}

function skip(from: i32, bits: i32): i32 {
  let at = from
  while (is(at, bits)) at++
  return at
}

/** An attribute of a stanza's opening tag: kept when routing reads it. */
function note(name: i32, length: i32, start: i32, end: i32): void {
  if (length === 2) {
    const letters: i32 = load<u16>(name)
    if (letters === 0x6f74) range(AT_TO, start, end)
    else if (letters === 0x6469) range(AT_ID, start, end)
  } else if (length === 4) {
    const letters = load<u32>(name)
    if (letters === 0x6d6f7266) range(AT_FROM, start, end)
    else if (letters === 0x65707974) store<i32>(record, typeOf(start, end - start), AT_TYPE)
  }
}

function range(at: i32, start: i32, end: i32): void {
  store<i32>(record + at, start)
  store<i32>(record + at, end, 4)
}

/** As `Type` in head.ts. */
function typeOf(at: i32, length: i32): i32 {
  const word = load<u64>(at)
  if (length <= 8) return shortType(length === 8 ? word : word & (((<u64>1) << (length << 3)) - 1))
  const last = load<u32>(at + 8)
  if (word === 0x61686370756f7267) return length === 9 && (last & 0xff) === 0x74 ? 7 : OTHER_TYPE // groupchat
  if (word === 0x616c696176616e75) return length === 11 && (last & 0xffffff) === 0x656c62 ? 10 : OTHER_TYPE // unavailable
  if (word === 0x6269726373627573) {
    if (length === 9) return (last & 0xff) === 0x65 ? 12 : OTHER_TYPE // subscribe
    return length === 10 && (last & 0xffff) === 0x6465 ? 13 : OTHER_TYPE // subscribed
  }
  if (word !== 0x7263736275736e75) return OTHER_TYPE
  if (length === 11) return (last & 0xffffff) === 0x656269 ? 14 : OTHER_TYPE // unsubscribe
  return length === 12 && last === 0x64656269 ? 15 : OTHER_TYPE // unsubscribed
}

/** One of up to eight letters, the others being zero. */
function shortType(word: u64): i32 {
  if (word === 0x74616863) return 6 // chat
  if (word === 0x746c75736572) return 4 // result
  if (word === 0x746567) return 2 // get
  if (word === 0x746573) return 3 // set
  if (word === 0x726f727265) return 5 // error
  if (word === 0x6c616d726f6e) return 9 // normal
  if (word === 0x656e696c64616568) return 8 // headline
  return word === 0x65626f7270 ? 11 : OTHER_TYPE // probe
}

/** A default namespace; false for those that framing itself asks about, or that are refused. */
function declare(start: i32, end: i32, first: bool): bool {
  const length = end - start
  if (++declared > mostDeclared) return false
  for (let at = start; at < end; at++) {
    const byte: i32 = load<u8>(at)
    if (byte === AMP || (load<u8>(classes + byte) & SEPARATES) !== 0) return false
  }
  // jabber:component:accept
  if (first) {
    return (
      length === 23 &&
      load<u64>(start) === 0x633a72656262616a &&
      load<u64>(start + 8) === 0x746e656e6f706d6f &&
      load<u64>(start + 15) === 0x7470656363613a74
    )
  }
  // Those of streams, xml and xmlns are as long, and begin with http://e or http://w.
  const begins = load<u64>(start)
  if (length === 32) return begins !== 0x652f2f3a70747468
  return (length !== 36 && length !== 29) || begins !== 0x772f2f3a70747468
}

/** A value, from behind its quote to the closing one. */
function value(from: i32, quote: i32, first: bool): i32 {
  let at = from
  const quotes = i8x16.splat(<i8>quote)
  while (true) {
    const bytes = v128.load(at)
    const stops = v128.or(
      // As signed numbers all beyond ASCII are below zero.
      v128.or(i8x16.lt_s(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, quotes)),
      v128.or(i8x16.eq(bytes, i8x16.splat(<i8>LT)), i8x16.eq(bytes, i8x16.splat(<i8>AMP))),
    )
    const mask = i8x16.bitmask(stops)
    if (mask === 0) {
      at += 16
      continue
    }
    at += ctz(mask)
    const byte: i32 = load<u8>(at)
    if (byte === quote) return at
    if (byte >= 0x80) at = beyondAscii(at)
    else if (byte === AMP && !first) at = reference(at)
    else return unclear(at)
    if (at <= 0) return at
  }
}

/** Text, up to the next `<`. */
function text(from: i32): i32 {
  let at = from
  while (true) {
    if (load<u8>(at) === LT) return at
    const bytes = v128.load(at)
    const stops = v128.or(
      v128.or(i8x16.lt_s(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, i8x16.splat(<i8>CLOSE_BRACKET))),
      v128.or(i8x16.eq(bytes, i8x16.splat(<i8>LT)), i8x16.eq(bytes, i8x16.splat(<i8>AMP))),
    )
    const mask = i8x16.bitmask(stops)
    if (mask === 0) {
      at += 16
      continue
    }
    at += ctz(mask)
    const byte: i32 = load<u8>(at)
    if (byte === LT) return at
    if (byte === LF || byte === TAB) at++
    else if (byte >= 0x80) at = beyondAscii(at)
    else if (byte === AMP) at = reference(at)
    else if (byte === CLOSE_BRACKET) at = closeBracket(at)
    else return unclear(at)
    if (at <= 0) return at
  }
}

/** `]]>` may not stand in text. */
function closeBracket(at: i32): i32 {
  if (load<u8>(at + 1) !== CLOSE_BRACKET) return at + 1 < stop ? at + 1 : CUT
  return at + 2 < stop && load<u8>(at + 2) !== GT ? at + 1 : unclear(at + 2)
}

/** A run of characters beyond ASCII. */
function beyondAscii(from: i32): i32 {
  let at = from
  do {
    const length = charLength(at)
    if (length <= 0) return length
    at += length
  } while (load<u8>(at) >= 0x80)
  return at
}

/** As `charLength` in chars.ts; CUT or DEFER in place of a length. */
function charLength(at: i32): i32 {
  const a: i32 = load<u8>(at)
  if (a < 0xc2 || a > 0xf4) return DEFER
  const length = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4
  if (at + length > stop) return CUT
  const b: i32 = load<u8>(at + 1)
  if ((b & 0xc0) !== 0x80) return DEFER
  if (length === 2) return 2
  const c: i32 = load<u8>(at + 2)
  if ((c & 0xc0) !== 0x80) return DEFER
  if (length === 3) return isThree(a, b, c) ? 3 : DEFER
  if ((a === 0xf0 && b < 0x90) || (a === 0xf4 && b > 0x8f)) return DEFER
  return (load<u8>(at + 3) & 0xc0) === 0x80 ? 4 : DEFER
}

/** Neither overlong, nor a surrogate, nor one of the two noncharacters that XML forbids. */
function isThree(a: i32, b: i32, c: i32): bool {
  if (a === 0xe0) return b >= 0xa0
  if (a === 0xed) return b < 0xa0
  return a !== 0xef || b !== 0xbf || c < 0xbe
}

/** One of the five named references, or a number in decimal for a printable ASCII character. */
function reference(at: i32): i32 {
  if (stop - at < 8) return DEFER
  const word = load<u32>(at + 1)
  if ((word & 0xffffff) === 0x3b746c || (word & 0xffffff) === 0x3b7467) return at + 4 // lt; gt;
  if (word === 0x3b706d61) return at + 5 // amp;
  if ((word === 0x746f7571 || word === 0x736f7061) && load<u8>(at + 5) === SEMICOLON) return at + 6 // quot; apos;
  if ((word & 0xff) !== HASH || load<u8>(at + 4) !== SEMICOLON) return DEFER
  const tens: i32 = <i32>((word >> 8) & 0xff) - 0x30
  const ones: i32 = <i32>((word >> 16) & 0xff) - 0x30
  return <u32>tens <= 9 && <u32>ones <= 9 && tens * 10 + ones >= 0x20 ? at + 5 : DEFER
}

/** The name of a closing tag and what may follow it. */
function closing(from: i32, level: i32): i32 {
  const row = levels + level * LEVEL
  const length = load<i32>(row, 4)
  if (stop - from <= length) return equal(load<i32>(row), from, max(stop - from, 0)) ? CUT : DEFER
  if (!equal(load<i32>(row), from, length)) return DEFER
  let at = from + length
  if (load<u8>(at) !== GT) at = skip(at, SPACE)
  return load<u8>(at) === GT ? at + 1 : unclear(at)
}

function equal(a: i32, b: i32, length: i32): bool {
  let i: i32 = 0
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) !== load<u64>(b + i)) return false
  const bits = (length - i) << 3
  // What is left is less than eight bytes: those beyond it do not count, and there is room behind all of them.
  return bits === 0 || (load<u64>(a + i) ^ load<u64>(b + i)) << (64 - bits) === 0
}
