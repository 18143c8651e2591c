/** The golden ratio, as Bob Jenkins' hash begins with it. */
const HCONST = 0x9e3779b9
/** What is mixed in for a binary: a multiple of it, modulo 2^32. */
const BINARY = 0x08d12e65
/** The hash of `{_, _, _}` before its elements. */
const TRIPLE = 0xb7a8a162

/**
 * What Erlang's `erlang:phash2({Local, Domain, Resource}, 1 bsl 32)` gives for three binaries, which are the bytes
 * `[start, end)` of `bytes`; an empty one has equal ends. An unsigned 32-bit number; Erlang's `phash2(Term, N)` is this
 * modulo N. Nothing is copied or allocated. Source: `make_hash2` in Erlang/OTP (erts/emulator/beam), whose values are the
 * same on every machine and in every release, as the manual of `erlang:phash2/2` says.
 */
export function phash2(
  bytes: Uint8Array,
  localStart: number,
  localEnd: number,
  domainStart: number,
  domainEnd: number,
  resourceStart: number,
  resourceEnd: number,
): number {
  const local = afterBinary(TRIPLE, bytes, localStart, localEnd)
  const domain = afterBinary(local, bytes, domainStart, domainEnd)
  return afterBinary(domain, bytes, resourceStart, resourceEnd) >>> 0
}

/**
 * The hash of all before a binary, and of the binary: Bob Jenkins' hash of 1997 (lookup2), twelve bytes a turn and at the
 * end those that are left, with the length.
 */
function afterBinary(before: number, bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return (BINARY + before) | 0
  let a = HCONST | 0
  let b = HCONST | 0
  let c = (BINARY + before) | 0
  for (let at = start; ; at += 12) {
    const isLast = end - at < 12
    if (isLast) {
      a += partOfWord(bytes, at, end)
      b += partOfWord(bytes, at + 4, end)
      // The lowest byte of the third number is the length's.
      c += (partOfWord(bytes, at + 8, end) << 8) + (end - start)
    } else {
      a += word(bytes, at)
      b += word(bytes, at + 4)
      c += word(bytes, at + 8)
    }
    a = (a - b - c) ^ (c >>> 13)
    b = (b - c - a) ^ (a << 8)
    c = (c - a - b) ^ (b >>> 13)
    a = (a - b - c) ^ (c >>> 12)
    b = (b - c - a) ^ (a << 16)
    c = (c - a - b) ^ (b >>> 5)
    a = (a - b - c) ^ (c >>> 3)
    b = (b - c - a) ^ (a << 10)
    c = (c - a - b) ^ (b >>> 15)
    if (isLast) return c
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** As `word`, of which what is not before `end` is 0. */
function partOfWord(bytes: Uint8Array, at: number, end: number): number {
  let part = 0
  for (let last = Math.min(at + 4, end) - 1; last >= at; last--) part = (part << 8) | (bytes[last] as number)
  return part
}

/** `phash2` of a JID's parts, each in the form in which ejabberd keeps it; an absent one is empty. Not for the stanza path. */
export function phash2OfParts(local: string, domain: string, resource: string): number {
  const encoder = new TextEncoder()
  const first = encoder.encode(local).length
  const second = first + encoder.encode(domain).length
  const bytes = encoder.encode(local + domain + resource)
  return phash2(bytes, 0, first, first, second, second, bytes.length)
}
