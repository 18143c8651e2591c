import { AMP, CLOSE_BRACKET, GT, HASH, LF, LT, SEMICOLON, TAB } from './bytes'
import { CUT, DEFER, stop, unclear } from './state'

/** A value, from behind its quote to the closing one. */
export function value(from: i32, quote: i32, first: bool): i32 {
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

/** After so many registers of plain text it is worth while to look at four at once. */
const LONG: i32 = 6

/** The bytes at which text stops for a closer look: those beyond ASCII are below zero as signed numbers. */
function textStops(at: i32): v128 {
  const bytes = v128.load(at)
  return v128.or(
    v128.or(i8x16.lt_s(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, i8x16.splat(<i8>CLOSE_BRACKET))),
    v128.or(i8x16.eq(bytes, i8x16.splat(<i8>LT)), i8x16.eq(bytes, i8x16.splat(<i8>AMP))),
  )
}

/** Passes 64 bytes at a time as long as none of them stops it. There is room behind the input for as many. */
function skipText(from: i32): i32 {
  let at = from
  while (
    !v128.any_true(v128.or(v128.or(textStops(at), textStops(at + 16)), v128.or(textStops(at + 32), textStops(at + 48))))
  ) {
    at += 64
  }
  return at
}

/** Text, up to the next `<`. */
export function text(from: i32): i32 {
  let at = from
  let clean: i32 = 0
  while (true) {
    if (load<u8>(at) === LT) return at
    const mask = i8x16.bitmask(textStops(at))
    if (mask === 0) {
      at += 16
      if (++clean === LONG) at = skipText(at)
      continue
    }
    clean = 0
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
