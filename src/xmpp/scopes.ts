import { COLUMNS, Column } from './attributes.ts'
import { Bindings, refusal, Space, spaceOf, spaceOfBytes } from './bindings.ts'
import { decodeValue } from './references.ts'
import { printable, type Source } from './source.ts'
import type { TagScanner } from './tag.ts'

/** What `resolve` gives for a prefix beside the index of a binding. */
const UNBOUND = -1
const XML = -2

/**
 * The namespaces of the open elements (Namespaces in XML §6). Of default namespaces only their `Space` is kept, so that an
 * element without prefixes costs two integers; prefixes are rare and kept as text.
 */
export class Scopes {
  /** What the stream's header declares, then what is in force inside it. */
  readonly bindings = new Bindings()
  /** The default namespace of the stream. */
  streamDefault = ''
  /** Namespace of the element that `open` read last. */
  space: Space = Space.other
  /** That element, or an attribute of it, has a prefix that the stream's header declares. */
  borrowed = false
  /** How many of the bindings the header made. */
  borrowable = 0

  readonly #source: Source
  readonly #tag: TagScanner
  readonly #limit: number
  /** By level, 0 being the stream: the default namespace, the declarations in force, and the bindings before it. */
  #spaces = new Int32Array(16)
  #counts = new Int32Array(16)
  #marks = new Int32Array(16)
  #prefixed = 0

  /** `limit`: declarations in force at once inside one first-level element. */
  constructor(source: Source, tag: TagScanner, limit: number) {
    this.#source = source
    this.#tag = tag
    this.#limit = limit
  }

  /** The header has been read as level 1: what it declares is the stream's from now on. */
  adopt(uri: string): void {
    this.streamDefault = uri
    this.#spaces[0] = spaceOf(uri)
    this.borrowable = this.bindings.size
  }

  /** Reads what the tag at `level` (1 for a first-level element) declares and uses; false: the source has an error. */
  open(level: number): boolean {
    if (level >= this.#spaces.length) this.#grow()
    this.#spaces[level] = this.#spaces[level - 1] ?? 0
    this.#counts[level] = level === 1 ? 0 : (this.#counts[level - 1] ?? 0)
    this.#marks[level] = this.bindings.size
    this.borrowed = false
    const { count, colon } = this.#tag
    this.#prefixed = 0
    for (let i = 0; i < count; i++) {
      if (!this.#attribute(i * COLUMNS, level)) return false
    }
    if (this.#prefixed > 0 && !this.#resolveAttributes()) return false
    if (colon >= 0) return this.#resolveElement()
    this.space = this.#spaces[level] as Space
    return true
  }

  close(level: number): void {
    const mark = this.#marks[level] ?? 0
    if (this.bindings.size > mark) this.bindings.truncate(mark)
  }

  /** Raw duplicates, and declarations. */
  #attribute(row: number, level: number): boolean {
    const { attributes } = this.#tag
    const { buffer, origin } = this.#source
    const start = origin + (attributes[row] ?? 0)
    const length = origin + (attributes[row + Column.nameEnd] ?? 0) - start
    if (this.#isDuplicate(row, start, length)) return false
    const colon = attributes[row + Column.colon] ?? -1
    if (startsXmlns(buffer, start)) {
      if (length === 5) return this.#declareDefault(row, level)
      if (origin + colon === start + 5) return this.#declarePrefix(row, level)
    }
    if (colon >= 0) this.#prefixed++
    return true
  }

  #isDuplicate(row: number, start: number, length: number): boolean {
    const { attributes } = this.#tag
    const { buffer, origin } = this.#source
    for (let other = 0; other < row; other += COLUMNS) {
      const from = attributes[other] ?? 0
      if ((attributes[other + Column.nameEnd] ?? 0) - from !== length) continue
      if (same(buffer, origin + from, start, length)) {
        this.#refuse(`a second attribute ${printable(buffer.subarray(start, start + length))}`)
        return true
      }
    }
    return false
  }

  #declareDefault(row: number, level: number): boolean {
    if (!this.#count(level)) return false
    const { attributes } = this.#tag
    const { buffer, origin } = this.#source
    const start = origin + (attributes[row + Column.valueStart] ?? 0)
    const end = origin + (attributes[row + Column.valueEnd] ?? 0)
    let space: Space | -1
    if (attributes[row + Column.flags] === 0) space = spaceOfBytes(buffer, start, end)
    else {
      const uri = decodeValue(buffer.toString('utf8', start, end))
      space = refusal('', uri) === undefined ? spaceOf(uri) : -1
    }
    if (space < 0) return this.#refuse('a default namespace that may not be one')
    this.#spaces[level] = space
    return true
  }

  #declarePrefix(row: number, level: number): boolean {
    if (!this.#count(level)) return false
    const { attributes } = this.#tag
    const prefix = this.#text((attributes[row + Column.colon] ?? 0) + 1, attributes[row + Column.nameEnd] ?? 0)
    const uri = decodeValue(
      this.#text(attributes[row + Column.valueStart] ?? 0, attributes[row + Column.valueEnd] ?? 0),
    )
    const why = refusal(prefix, uri)
    if (why !== undefined) return this.#refuse(why)
    if (prefix !== 'xml') this.bindings.declare(prefix, uri)
    return true
  }

  #count(level: number): boolean {
    const count = (this.#counts[level] ?? 0) + 1
    this.#counts[level] = count
    if (count <= this.#limit) return true
    this.#source.fail('policy-violation', `more than ${this.#limit} namespace declarations in force`)
    return false
  }

  #resolveElement(): boolean {
    const { nameStart, colon } = this.#tag
    const index = this.#resolve(nameStart, colon)
    if (index === UNBOUND) return false
    this.space = index === XML ? Space.other : spaceOf(this.bindings.uri(index))
    return true
  }

  /** Prefixed attributes: each bound, and no two of one namespace and local name (Namespaces in XML §6.3). */
  #resolveAttributes(): boolean {
    const { attributes, count } = this.#tag
    const { buffer, origin } = this.#source
    const seen: { readonly id: number; readonly start: number; readonly length: number }[] = []
    for (let row = 0; row < count * COLUMNS; row += COLUMNS) {
      const colon = attributes[row + Column.colon] ?? -1
      const name = attributes[row] ?? 0
      if (colon < 0 || (colon - name === 5 && startsXmlns(buffer, origin + name))) continue
      const index = this.#resolve(name, colon)
      if (index === UNBOUND) return false
      // One prefixed attribute, as in `<body xml:lang='en'>`, has nothing to collide with.
      if (this.#prefixed === 1 || index === XML) continue
      const id = this.bindings.id(index)
      const start = origin + colon + 1
      const length = origin + (attributes[row + Column.nameEnd] ?? 0) - start
      for (const other of seen) {
        if (other.id !== id || other.length !== length || !same(buffer, other.start, start, length)) continue
        return this.#refuse('two attributes of one namespace and name')
      }
      seen.push({ id, start, length })
    }
    return true
  }

  /** The binding of the prefix at [start, end) from the origin, XML, or UNBOUND with the error set. */
  #resolve(start: number, end: number): number {
    const { buffer, origin } = this.#source
    if (end - start === 3 && isXml(buffer, origin + start)) return XML
    const prefix = this.#text(start, end)
    const index = this.bindings.find(prefix)
    if (index < 0) {
      this.#refuse(`the prefix ${printable(buffer.subarray(origin + start, origin + end))} is not bound`)
      return UNBOUND
    }
    if (index < this.borrowable) this.borrowed = true
    return index
  }

  #text(start: number, end: number): string {
    const { buffer, origin } = this.#source
    return buffer.toString('utf8', origin + start, origin + end)
  }

  #refuse(why: string): false {
    this.#source.fail('not-well-formed', why)
    return false
  }

  #grow(): void {
    this.#spaces = doubled(this.#spaces)
    this.#counts = doubled(this.#counts)
    this.#marks = doubled(this.#marks)
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

function same(buffer: Buffer, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (buffer[a + i] !== buffer[b + i]) return false
  return true
}

function isXml(buffer: Buffer, at: number): boolean {
  return buffer[at] === 0x78 && buffer[at + 1] === 0x6d && buffer[at + 2] === 0x6c
}

/** Whether a name begins with the letters xmlns; it is a declaration where it ends there, or its prefix does. */
function startsXmlns(buffer: Buffer, at: number): boolean {
  return isXml(buffer, at) && buffer[at + 3] === 0x6e && buffer[at + 4] === 0x73
}
