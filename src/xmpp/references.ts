import { AMP, APOS, GT, isName, isNameStart, isXmlChar, LT, QUOT, SEMICOLON } from './chars.ts'
import { equals } from './routing.ts'
import { type Source, Step } from './source.ts'

const HASH = 0x23
const SMALL_X = 0x78
const BEYOND_UNICODE = 0x110000

/** The five that XML predefines (XML 1.0 §4.6); RFC 6120 §11.1 allows no other. */
const predefined: readonly { readonly name: Buffer; readonly code: number }[] = [
  { name: Buffer.from('amp;'), code: AMP },
  { name: Buffer.from('lt;'), code: LT },
  { name: Buffer.from('gt;'), code: GT },
  { name: Buffer.from('quot;'), code: QUOT },
  { name: Buffer.from('apos;'), code: APOS },
]
const LONGEST = 4

/** Reads one reference, `&amp;` or `&#38;` or `&#x26;`, across any cut of the input. */
export class References {
  /** The character that the last one stands for, as a code point. */
  code = 0
  /** Whether it was a number rather than one of the five names. */
  numeric = false
  /** 10 or 16 while the digits of a number are being read: there may be any count of them, so they are not read twice. */
  #base = 0
  readonly #source: Source

  constructor(source: Source) {
    this.#source = source
  }

  /** The cursor stands inside a reference that the last bytes cut: call `scan` first. */
  get open(): boolean {
    return this.#base !== 0
  }

  /** Reads on at the source's `pos`, which is at `&` or inside an open reference; done puts it behind the `;`. */
  scan(): Step {
    const { buffer, pos, stop } = this.#source
    if (this.#base !== 0) return this.#digits(pos)
    if (pos + 1 >= stop) return this.#source.short(pos)
    if (buffer[pos + 1] !== HASH) return this.#named(pos)
    if (pos + 2 >= stop) return this.#source.short(pos)
    const first = buffer[pos + 2] === SMALL_X ? pos + 3 : pos + 2
    if (first >= stop) return this.#source.short(pos)
    const base = first === pos + 3 ? 16 : 10
    if (digit(buffer[first] ?? 0, base) < 0) return this.#source.unexpected(first, 'in a character reference')
    this.#base = base
    this.code = 0
    return this.#digits(first)
  }

  #digits(from: number): Step {
    const { buffer } = this.#source
    let at = from
    for (let d = digit(buffer[at] ?? 0, this.#base); d >= 0; d = digit(buffer[++at] ?? 0, this.#base)) {
      this.code = Math.min(this.code * this.#base + d, BEYOND_UNICODE)
    }
    if (buffer[at] !== SEMICOLON) return this.#source.unexpected(at, 'in a character reference')
    this.#base = 0
    this.numeric = true
    if (!isXmlChar(this.code))
      return this.#source.fail('not-well-formed', 'a reference to a character that XML forbids')
    this.#source.pos = at + 1
    return Step.done
  }

  #named(amp: number): Step {
    const { buffer, stop } = this.#source
    const first = buffer[amp + 1] ?? 0
    if (isNameStart[first] === 0 && first < 0x80) return this.#source.unexpected(amp + 1, "behind '&'")
    let at = amp + 2
    // A name that is longer than the longest of the five is none of them: no need to read to its end.
    while (at - amp <= LONGEST + 1 && isName[buffer[at] ?? 0] === 1) at++
    if (at >= stop) return this.#source.short(amp)
    for (const { name, code } of predefined) {
      if (at - amp !== name.length || !equals(name, buffer, amp + 1)) continue
      this.code = code
      this.numeric = false
      this.#source.pos = at + 1
      return Step.done
    }
    if (isName[buffer[at] ?? 0] === 0 && (buffer[at] ?? 0) < 0x80 && buffer[at] !== SEMICOLON) {
      return this.#source.unexpected(at, 'in a reference')
    }
    return this.#source.fail('restricted-xml', 'a reference to an entity that is none of the five predefined ones')
  }
}

/** The value of a digit, or -1. */
function digit(byte: number, base: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return base === 16 && letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1
}

const names = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Replaces the references in text that a scanner has passed. Not for the fast path. */
export function decode(text: string): string {
  return text.replace(/&(?:#(x?)([0-9a-fA-F]+)|(\w+));/g, (_, hex: string, digits: string, name: string) =>
    name === undefined ? String.fromCodePoint(Number.parseInt(digits, hex === '' ? 10 : 16)) : (names.get(name) ?? ''),
  )
}

/** An attribute's value as a parser reports it: white space normalised (XML 1.0 §3.3.3), references replaced. */
export function decodeValue(raw: string): string {
  return decode(raw.replace(/\r\n|[\t\r\n]/g, ' '))
}
