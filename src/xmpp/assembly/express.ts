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

import { equal, GT, IN_NAME, is, LT, SLASH, SPACE, STARTS_NAME, skip } from './bytes'
import {
  AT_CHILDREN,
  AT_END,
  AT_FROM,
  AT_ID,
  AT_KIND,
  AT_START,
  AT_TAG_END,
  AT_TO,
  AT_TYPE,
  beginInput,
  beginRecord,
  CUT,
  DEFER,
  LEVEL,
  levels,
  MOST_RECORDS,
  mostBytes,
  mostDepth,
  mostElements,
  record,
  stop,
  unclear,
} from './state'
import { declared, isEmpty, setDeclared, tag } from './tag'
import { text } from './text'

export { limit, records } from './state'

/** What became of the input: see `src/xmpp/express.ts`, which repeats these. */
const ALL: i32 = 0
const INCOMPLETE: i32 = 1
const DEFERRED: i32 = 2
const FULL: i32 = 3

// As `Kind` in head.ts.
const IQ: i32 = 1
const MESSAGE: i32 = 2
const PRESENCE: i32 = 3

/** Where the input belongs, behind the tables. */
export const input: i32 = 0x8000

/** Where the scan stopped, and why. */
export let position: i32 = 0
export let outcome: i32 = 0

/** Elements in the stanza in progress. */
let elements: i32 = 0

/** Scans `[from, end)`, which begins between two stanzas. Returns how many records it wrote. */
export function scan(from: i32, end: i32): i32 {
  beginInput(end)
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
    beginRecord(count)
    at = stanza(at)
    if (at <= 0) {
      outcome = at === CUT ? INCOMPLETE : DEFERRED
      return count
    }
    count++
  }
}

function stanza(start: i32): i32 {
  // The longest name that it knows, and the byte behind it.
  if (load<u8>(start) !== LT || stop - start < 10) return DEFER
  const length = kind(start + 1)
  if (length === 0) return DEFER
  store<i32>(record, 0, AT_TYPE)
  store<i64>(record, -1, AT_ID)
  noAddress(record + AT_FROM)
  noAddress(record + AT_TO)
  store<i32>(record, 0, AT_CHILDREN)
  setDeclared(0)
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

function noAddress(field: i32): void {
  store<i64>(field, -1)
  store<i64>(field, -1, 8)
  store<i32>(field, 0, 16)
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
    if (depth > 0) setDeclared(load<i32>(levels + (depth - 1) * LEVEL, 8))
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
  return byte === GT || byte === SLASH || is(at, SPACE)
}

function open(level: i32, name: i32, length: i32): void {
  const row = levels + level * LEVEL
  store<i32>(row, name)
  store<i32>(row, length, 4)
  store<i32>(row, declared, 8)
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
