/** Bytes and classes of bytes that the scanners compare with. */
export const LT = 0x3c
export const GT = 0x3e
export const SLASH = 0x2f
export const EQUALS = 0x3d
export const COLON = 0x3a
export const AMP = 0x26
export const SEMICOLON = 0x3b
export const QUOT = 0x22
export const APOS = 0x27
export const BANG = 0x21
export const QUESTION = 0x3f
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d

/** A table of bytes: 1 for those of `members` and, where asked for, for control characters and for all beyond ASCII. */
function table(members: string, control: boolean, high: boolean): Uint8Array {
  const map = new Uint8Array(256)
  if (control) map.fill(1, 0, 0x20)
  if (high) map.fill(1, 0x80)
  for (let i = 0; i < members.length; i++) map[members.charCodeAt(i)] = 1
  return map
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_'

export const isSpace = table(' \t\r\n', false, false)
/** ASCII that begins a name; the colon is the scanner's own matter (Namespaces in XML §3). */
export const isNameStart = table(LETTERS, false, false)
export const isName = table(`${LETTERS}0123456789-.`, false, false)
/**
 * Bytes at which a run of text stops for a closer look. NUL is one of them in every table, which makes it the
 * sentinel behind the last byte: no loop needs to compare its position.
 */
export const stopsText = table('<&]', true, true)
stopsText[TAB] = 0
stopsText[LF] = 0
/** The same inside an attribute's value, by its quote; tab and line ends are normalised there, so they stop it. */
export const stopsApos = table("'<&", true, true)
export const stopsQuot = table('"<&', true, true)

/** All that an XML declaration may hold before its `?>`. */
export const standsInDeclaration = table(`${LETTERS}0123456789-.='" \t\r\n`, false, false)

/** White space, and what parsers behind us put between a namespace and a local name: jabberd2 `|`, Python's ElementTree `}`. */
export const separatesNames = table(' \t\r\n|}', false, false)

/**
 * The length of the UTF-8 character at `at`, whose first byte is beyond ASCII: 0 when it is not whole before `stop`, -1
 * when it is invalid, overlong, a surrogate, U+FFFE or U+FFFF (XML 1.0 §2.2).
 */
export function charLength(buffer: Uint8Array, at: number, stop: number): number {
  const a = buffer[at] ?? 0
  if (a < 0xc2 || a > 0xf4) return -1
  const length = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4
  if (at + length > stop) return 0
  const b = buffer[at + 1] ?? 0
  if ((b & 0xc0) !== 0x80) return -1
  if (length === 2) return 2
  const c = buffer[at + 2] ?? 0
  if ((c & 0xc0) !== 0x80) return -1
  if (length === 3) return isThree(a, b, c) ? 3 : -1
  if ((a === 0xf0 && b < 0x90) || (a === 0xf4 && b > 0x8f)) return -1
  return ((buffer[at + 3] ?? 0) & 0xc0) === 0x80 ? 4 : -1
}

/** Neither overlong, nor a surrogate, nor one of the two noncharacters that XML forbids. */
function isThree(a: number, b: number, c: number): boolean {
  if (a === 0xe0) return b >= 0xa0
  if (a === 0xed) return b < 0xa0
  return a !== 0xef || b !== 0xbf || c < 0xbe
}

/** Whether a numeric character reference may stand for this code point (XML 1.0 §2.2, §4.1). */
export function isXmlChar(code: number): boolean {
  if (code < 0x20) return code === TAB || code === LF || code === CR
  return code < 0xd800 || (code > 0xdfff && code < 0xfffe) || (code > 0xffff && code < 0x110000)
}
