/** Bytes as `chars.ts` and `jid.ts` class them, in a table of one byte for each. */
export const TAB: i32 = 0x09
export const LF: i32 = 0x0a
export const QUOT: i32 = 0x22
export const HASH: i32 = 0x23
export const AMP: i32 = 0x26
export const APOS: i32 = 0x27
export const DOT: i32 = 0x2e
export const SLASH: i32 = 0x2f
export const COLON: i32 = 0x3a
export const SEMICOLON: i32 = 0x3b
export const LT: i32 = 0x3c
export const EQUALS: i32 = 0x3d
export const GT: i32 = 0x3e
export const SIGN: i32 = 0x40
export const CLOSE_BRACKET: i32 = 0x5d

// Classes. What may stand in a name of XML, ASCII only.
export const STARTS_NAME: i32 = 1
export const IN_NAME: i32 = 2
export const SPACE: i32 = 4
export const SEPARATES: i32 = 8
// Of bytes in a plain JID, as in jid.ts.
export const IN_LOCAL: i32 = 16
export const IN_DOMAIN: i32 = 32
export const IN_RESOURCE: i32 = 64

const classes: usize = memory.data(256)

classify(0x41, 0x5a, STARTS_NAME | IN_NAME)
classify(0x61, 0x7a, STARTS_NAME | IN_NAME)
classify(0x5f, 0x5f, STARTS_NAME | IN_NAME)
classify(0x30, 0x39, IN_NAME)
classify(0x2d, 0x2e, IN_NAME)
classify(0x20, 0x20, SPACE | SEPARATES)
classify(0x09, 0x0a, SPACE)
classify(0x0d, 0x0d, SPACE)
classify(0x7c, 0x7c, SEPARATES)
classify(0x7d, 0x7d, SEPARATES)
classify(0x20, 0xff, IN_RESOURCE)
classify(0x21, 0x7e, IN_LOCAL | IN_DOMAIN)
forbid(0x41, 0x5a, IN_LOCAL | IN_DOMAIN)
forbid(QUOT, QUOT, IN_LOCAL | IN_DOMAIN)
forbid(AMP, AMP, IN_LOCAL | IN_DOMAIN | IN_RESOURCE)
forbid(APOS, APOS, IN_LOCAL | IN_DOMAIN)
forbid(SLASH, SLASH, IN_LOCAL | IN_DOMAIN)
forbid(COLON, COLON, IN_LOCAL)
forbid(LT, LT, IN_LOCAL | IN_DOMAIN)
forbid(GT, SIGN, IN_LOCAL | IN_DOMAIN)

function classify(first: i32, last: i32, bits: i32): void {
  for (let byte = first; byte <= last; byte++) store<u8>(classes + byte, load<u8>(classes + byte) | bits)
}

function forbid(first: i32, last: i32, bits: i32): void {
  for (let byte = first; byte <= last; byte++) store<u8>(classes + byte, load<u8>(classes + byte) & ~bits)
}

/** The classes of the byte at `at`. */
export function classOf(at: i32): i32 {
  return load<u8>(classes + load<u8>(at))
}

export function is(at: i32, bits: i32): bool {
  return (classOf(at) & bits) !== 0
}

/** The first position from `from` on whose byte is of none of the classes. */
export function skip(from: i32, bits: i32): i32 {
  let at = from
  while (is(at, bits)) at++
  return at
}

/** There must be seven bytes of anything behind either. */
export function equal(a: i32, b: i32, length: i32): bool {
  let i: i32 = 0
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) !== load<u64>(b + i)) return false
  const bits = (length - i) << 3
  // What is left is less than eight bytes: those beyond it do not count, and there is room behind all of them.
  return bits === 0 || (load<u64>(a + i) ^ load<u64>(b + i)) << (64 - bits) === 0
}
