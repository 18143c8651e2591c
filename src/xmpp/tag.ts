import { COLUMNS, Column, Value } from './attributes.ts'
import {
  AMP,
  APOS,
  COLON,
  CR,
  charLength,
  EQUALS,
  GT,
  isName,
  isNameStart,
  isSpace,
  LF,
  LT,
  QUOT,
  SLASH,
  stopsApos,
  stopsQuot,
  TAB,
} from './chars.ts'
import { isNameChar } from './names.ts'
import { References } from './references.ts'
import { type Source, Step } from './source.ts'

const State = { name: 0, between: 1, attributeName: 2, equals: 3, value: 4 } as const
type State = (typeof State)[keyof typeof State]

/** Reads one opening or empty-element tag, each byte once however the input is cut. */
export class TagScanner {
  /** The element's name and its colon (or -1), from the source's origin. */
  nameStart = 0
  nameEnd = 0
  colon = -1
  /** The element's name holds a character beyond ASCII. */
  nameBeyondAscii = false
  /** `COLUMNS` numbers for each attribute. */
  attributes = new Int32Array(8 * COLUMNS)
  count = 0
  /** The bits of all values together. */
  flags = 0
  /** `<name/>` */
  empty = false

  readonly #source: Source
  readonly #references: References
  readonly #limit: number
  #state: State = State.name
  /** Start and colon of the name in progress, from the origin. */
  #nameStart = 0
  #colon = -1
  /** The next character is the first of a name, or the first behind its colon. */
  #first = true
  #beyondAscii = false
  /** White space has been read since the name or the last value. */
  #spaced = false
  #equals = false
  #quote = 0
  #nameEnd = 0
  #valueStart = 0
  #valueFlags = 0

  /** `limit`: attributes of one element. */
  constructor(source: Source, limit: number) {
    this.#source = source
    this.#references = new References(source)
    this.#limit = limit
  }

  /** Begins a tag whose name is at `pos`. */
  begin(): void {
    this.count = 0
    this.flags = 0
    this.empty = false
    this.#state = State.name
    this.#beginName(this.#source.pos)
  }

  /** Reads on from `pos`; done puts it behind the `>`. */
  scan(): Step {
    for (;;) {
      const step = this.#step()
      if (step !== Step.go) return step
    }
  }

  #step(): Step {
    switch (this.#state) {
      case State.name:
        return this.#elementName()
      case State.between:
        return this.#between()
      case State.attributeName:
        return this.#attributeName()
      case State.equals:
        return this.#equalsSign()
      case State.value:
        return this.#value()
    }
  }

  #beginName(at: number): void {
    this.#nameStart = at - this.#source.origin
    this.#colon = -1
    this.#first = true
    this.#beyondAscii = false
  }

  #elementName(): Step {
    const source = this.#source
    if (!this.#plainName()) {
      const step = this.#name()
      if (step !== Step.go) return step
    }
    this.nameStart = this.#nameStart
    this.nameEnd = source.pos - source.origin
    this.colon = this.#colon
    this.nameBeyondAscii = this.#beyondAscii
    this.#spaced = false
    this.#state = State.between
    return this.#between()
  }

  /** A name as nearly all are, ASCII and whole; false leaves it to `#name`, which reads it once more. */
  #plainName(): boolean {
    const source = this.#source
    const { buffer, pos } = source
    if (pos !== source.origin + this.#nameStart || isNameStart[buffer[pos] ?? 0] === 0) return false
    const names = isName
    let at = pos + 1
    while (names[buffer[at] ?? 0] === 1) at++
    const byte = buffer[at] ?? 0
    if (byte !== GT && byte !== SLASH && isSpace[byte] === 0) return false
    source.pos = at
    return true
  }

  /** A qualified name (Namespaces in XML §4): go leaves `pos` behind it, at whatever follows. */
  #name(): Step {
    const source = this.#source
    const { buffer } = source
    const names = isName
    let at = source.pos
    for (;;) {
      if (!this.#first) while (names[buffer[at] ?? 0] === 1) at++
      const byte = buffer[at] ?? 0
      if (byte >= 0x80 || this.#first) {
        const length = this.#nameChar(byte, at)
        if (length === 0) return source.short(at)
        if (length < 0) return source.unexpected(at, 'in a name')
        at += length
      } else if (byte === COLON && this.#colon < 0) {
        this.#colon = at - source.origin
        this.#first = true
        at++
      } else {
        if (at >= source.stop) return source.short(at)
        source.pos = at
        return Step.go
      }
    }
  }

  /** The length of a first character or of one beyond ASCII, 0 when it is not whole, -1 when it may not stand there. */
  #nameChar(byte: number, at: number): number {
    const { buffer, stop } = this.#source
    let length = 1
    if (byte >= 0x80) {
      length = charLength(buffer, at, stop)
      if (length === 0) return 0
      if (length > 0 && !isNameChar(buffer, at, length, this.#first)) return -1
      this.#beyondAscii = true
    } else if (isNameStart[byte] === 0) return -1
    this.#first = false
    return length
  }

  /** Behind the element's name or a value: white space, the next attribute, or the tag's end. */
  #between(): Step {
    const source = this.#source
    const { buffer } = source
    let at = source.pos
    for (;;) {
      while (isSpace[buffer[at] ?? 0] === 1) {
        at++
        this.#spaced = true
      }
      const byte = buffer[at] ?? 0
      if (byte === GT || byte === SLASH || at >= source.stop) return this.#end(byte, at)
      if (!this.#spaced) return source.unexpected(at, 'where white space must separate attributes')
      if (this.count >= this.#limit) return source.fail('policy-violation', `more than ${this.#limit} attributes`)
      const behind = this.#plain(at)
      if (behind < 0) break
      at = behind
    }
    source.pos = at
    this.#beginName(at)
    this.#state = State.attributeName
    return this.#attributeName()
  }

  #end(byte: number, at: number): Step {
    const source = this.#source
    if (at >= source.stop) return source.short(at)
    this.empty = byte === SLASH
    if (!this.empty) {
      source.pos = at + 1
      return Step.done
    }
    if (source.buffer[at + 1] !== GT || at + 1 >= source.stop) {
      return at + 1 >= source.stop ? source.short(at) : source.unexpected(at, 'in a tag')
    }
    source.pos = at + 2
    return Step.done
  }

  /**
   * An attribute as nearly all are: `name='value'` of plain characters, whole. Returns where it ends, or -1 to leave it to
   * the states below, which read it once more.
   */
  #plain(from: number): number {
    const { buffer, origin } = this.#source
    const names = isName
    if (isNameStart[buffer[from] ?? 0] === 0) return -1
    let at = from + 1
    while (names[buffer[at] ?? 0] === 1) at++
    const nameEnd = at
    const quote = buffer[at + 1]
    if (buffer[at] !== EQUALS || (quote !== APOS && quote !== QUOT)) return -1
    const stops = quote === APOS ? stopsApos : stopsQuot
    at += 2
    while (stops[buffer[at] ?? 0] === 0) at++
    if (buffer[at] !== quote) return -1
    this.#record(from - origin, nameEnd - origin, -1, nameEnd + 2 - origin, at - origin, 0)
    return at + 1
  }

  #attributeName(): Step {
    const step = this.#name()
    if (step !== Step.go) return step
    this.#nameEnd = this.#source.pos - this.#source.origin
    this.#equals = false
    this.#state = State.equals
    return this.#equalsSign()
  }

  /** `=` and the opening quote, white space around either. */
  #equalsSign(): Step {
    const source = this.#source
    const { buffer } = source
    let at = source.pos
    while (isSpace[buffer[at] ?? 0] === 1) at++
    if (!this.#equals) {
      if (buffer[at] !== EQUALS) return source.unexpected(at, "where '=' belongs")
      this.#equals = true
      at++
      while (isSpace[buffer[at] ?? 0] === 1) at++
    }
    const byte = buffer[at] ?? 0
    if (byte !== APOS && byte !== QUOT) return source.unexpected(at, 'where a quote belongs')
    this.#quote = byte
    this.#valueStart = at + 1 - source.origin
    this.#valueFlags = 0
    source.pos = at + 1
    this.#state = State.value
    return this.#value()
  }

  #value(): Step {
    const source = this.#source
    const { buffer } = source
    const stops = this.#quote === APOS ? stopsApos : stopsQuot
    if (this.#references.open) {
      const step = this.#reference()
      if (step !== Step.go) return step
    }
    for (;;) {
      let at = source.pos
      while (stops[buffer[at] ?? 0] === 0) at++
      if (buffer[at] === this.#quote) return this.#endValue(at)
      const step = this.#stopped(buffer[at] ?? 0, at)
      if (step !== Step.go) return step
    }
  }

  /** The closer look at a byte where a plain value stops; `<` is among what may not stand there (XML 1.0 §3.1). */
  #stopped(byte: number, at: number): Step {
    const source = this.#source
    source.pos = at
    if (byte === AMP) return this.#reference()
    if (byte >= 0x80) {
      const length = charLength(source.buffer, at, source.stop)
      if (length === 0) return source.short(at)
      if (length < 0) return source.fail('not-well-formed', `invalid UTF-8 in a value, at byte ${at - source.origin}`)
      source.pos = at + length
      return Step.go
    }
    if (byte !== TAB && byte !== LF && byte !== CR) return source.unexpected(at, 'in a value')
    this.#valueFlags |= Value.space
    source.pos = at + 1
    return Step.go
  }

  #reference(): Step {
    const references = this.#references
    const step = references.scan()
    if (step !== Step.done) return step
    const { code } = references
    const needed = !references.numeric && (code === AMP || code === LT || code === this.#quote)
    this.#valueFlags |= needed ? Value.reference : Value.reference | Value.reducible
    return Step.go
  }

  #endValue(at: number): Step {
    const end = at - this.#source.origin
    this.#record(this.#nameStart, this.#nameEnd, this.#colon, this.#valueStart, end, this.#valueFlags)
    this.flags |= this.#valueFlags
    this.#source.pos = at + 1
    this.#state = State.between
    return Step.go
  }

  #record(
    nameStart: number,
    nameEnd: number,
    colon: number,
    valueStart: number,
    valueEnd: number,
    flags: number,
  ): void {
    const base = this.count * COLUMNS
    if (base === this.attributes.length) this.#grow()
    const { attributes } = this
    attributes[base] = nameStart
    attributes[base + Column.nameEnd] = nameEnd
    attributes[base + Column.colon] = colon
    attributes[base + Column.valueStart] = valueStart
    attributes[base + Column.valueEnd] = valueEnd
    attributes[base + Column.flags] = flags
    this.count++
    this.#spaced = false
  }

  #grow(): void {
    const larger = new Int32Array(this.attributes.length * 2)
    larger.set(this.attributes)
    this.attributes = larger
  }
}
