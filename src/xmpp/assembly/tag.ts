import {
  AMP,
  APOS,
  COLON,
  EQUALS,
  equal,
  GT,
  IN_NAME,
  is,
  QUOT,
  SEPARATES,
  SLASH,
  SPACE,
  STARTS_NAME,
  skip,
} from './bytes'
import { note } from './head'
import { ATTRIBUTE, attributes, DEFER, mostAttributes, mostDeclared, unclear } from './state'
import { value } from './text'

/** The tag read last was one of an empty element. */
export let isEmpty: bool = false
/** Namespace declarations in force. */
export let declared: i32 = 0

export function setDeclared(count: i32): void {
  declared = count
}

/** The rest of a tag, from behind its name to behind its `>`; sets `isEmpty`. */
export function tag(from: i32, first: bool): i32 {
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
  const row = attributes + count * ATTRIBUTE
  for (let other = attributes; other < row; other += ATTRIBUTE) {
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

/** A default namespace; false for those that framing itself asks about, or that are refused. */
function declare(start: i32, end: i32, first: bool): bool {
  const length = end - start
  if (++declared > mostDeclared) return false
  for (let at = start; at < end; at++) {
    if (load<u8>(at) === AMP || is(at, SEPARATES)) return false
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
