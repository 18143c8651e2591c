import { COLUMNS, Column } from './attributes.ts'
import { Bindings } from './bindings.ts'
import type { Head } from './head.ts'
import { Lexer, type LexerLimits, Token } from './lexer.ts'
import { ns } from './namespaces.ts'
import { decode, decodeValue } from './references.ts'
import { clear, kindOf, note } from './routing.ts'
import { Source } from './source.ts'

export interface CanonicalLimits extends LexerLimits {
  readonly stanza_bytes: number
  readonly namespaces: number
}

/** What the stream's header declares, for the elements that make use of it. */
export interface Inherited {
  readonly bindings: Bindings
  readonly streamDefault: string
  /** The first so many of the bindings are the header's. */
  readonly borrowable: number
}

/** An open element of the output. */
interface Level {
  readonly name: string
  /** The default namespace for its children. */
  readonly namespace: string
  /** Declarations in force inside it. */
  readonly declared: number
  /** Bindings of the input before it. */
  readonly mark: number
}

/** What stands around a first-level element wherever it goes. */
const outside: Level = { name: '', namespace: ns.component, declared: 0, mark: 0 }

/**
 * Writes a first-level element anew, so that any two parsers read the same in it: element names without prefix, each
 * element with its default namespace where that is not its parent's, prefixes on attributes only and declared where they
 * are used, no CDATA, references only where nothing else serves. A parser whose default namespace is
 * `jabber:component:accept` finds the infoset that came in.
 *
 * Six bytes with a prefix may stand for a namespace of thousands, so the result may be far larger than what came. It
 * has to obey the limits of what is read, which bounds that growth and lets any other framer with these limits read it.
 *
 * An element in the namespace of `xml:` keeps that prefix, as no default namespace may be that one.
 */
export class Canonical {
  readonly #limits: CanonicalLimits
  readonly #source: Source
  readonly #lexer: Lexer
  readonly #bindings = new Bindings()
  readonly #inherited: number
  #levels: Level[] = []
  #output = new Output(0, 0)

  constructor(limits: CanonicalLimits, inherited: Inherited) {
    this.#limits = limits
    this.#source = new Source(limits.stanza_bytes)
    this.#lexer = new Lexer(this.#source, limits)
    this.#bindings.declare('', inherited.streamDefault)
    for (let i = 0; i < inherited.borrowable; i++) {
      this.#bindings.declare(inherited.bindings.prefix(i), inherited.bindings.uri(i))
    }
    this.#inherited = this.#bindings.size
  }

  /**
   * Rewrites what `head` describes, which the framer has passed, into a buffer of its own, and makes `head` describe that.
   * Returns the limit that the result breaks; `head` and this object are of no more use then.
   */
  rewrite(head: Head): string | undefined {
    const { bytes, children, streams } = head
    this.#bindings.truncate(this.#inherited)
    this.#levels = [outside]
    this.#output = new Output(bytes.length, this.#limits.stanza_bytes)
    this.#source.push(bytes)
    clear(head)
    const broken = this.#elements(head)
    if (broken !== undefined) return broken
    this.#source.release(this.#source.pos)
    this.#source.trim()
    head.buffer = this.#output.bytes
    head.start = 0
    head.end = this.#output.length
    head.children = children
    head.streams = streams
    return undefined
  }

  #elements(head: Head): string | undefined {
    let textStart = 0
    for (;;) {
      const token = this.#lexer.next()
      if (token === Token.fail || token === Token.wait) return this.#source.error?.text ?? 'an element without an end'
      if (this.#levels.length > 1) this.#text(textStart, this.#lexer.tagStart)
      const broken = token === Token.open ? this.#open(head) : this.#close()
      if (broken !== undefined) return broken
      if (this.#output.full) return `more than ${this.#limits.stanza_bytes} bytes`
      if (this.#levels.length === 1) return undefined
      textStart = this.#source.pos - this.#source.origin
    }
  }

  #text(start: number, end: number): void {
    if (end > start) this.#output.put(escapeText(decodeText(this.#raw(start, end))))
  }

  #open(head: Head): string | undefined {
    const { tag } = this.#lexer
    const parent = this.#levels.at(-1) ?? outside
    const mark = this.#bindings.size
    this.#declare()
    const prefix = tag.colon < 0 ? '' : this.#raw(tag.nameStart, tag.colon)
    const local = this.#raw(tag.colon < 0 ? tag.nameStart : tag.colon + 1, tag.nameEnd)
    const name = prefix === 'xml' ? `xml:${local}` : local
    const namespace = prefix === 'xml' ? parent.namespace : this.#uri(prefix)
    const first = this.#levels.length === 1
    const nameStart = this.#output.length + 1
    this.#output.put(`<${name}`)
    if (first && prefix !== 'xml' && namespace === ns.component) {
      head.kind = kindOf(this.#output.bytes, nameStart, this.#output.length)
    }
    if (namespace !== parent.namespace) this.#output.put(` xmlns='${escapeValue(namespace)}'`)
    const own = namespace === parent.namespace ? 0 : 1
    const declarations = own + this.#attributes(first ? head : undefined)
    this.#output.put(tag.empty ? '/>' : '>')
    if (first) head.tagEnd = this.#output.length
    const declared = parent.declared + declarations
    if (tag.empty) this.#bindings.truncate(mark)
    else this.#levels.push({ name, namespace, declared, mark })
    return this.#brokenBy(declarations, declared)
  }

  #close(): undefined {
    const level = this.#levels.pop() ?? outside
    this.#output.put(`</${level.name}>`)
    this.#bindings.truncate(level.mark)
  }

  /** Takes in the declarations of the tag. */
  #declare(): void {
    for (let row = 0; row < this.#lexer.tag.count * COLUMNS; row += COLUMNS) {
      const prefix = this.#declaredPrefix(row)
      if (prefix !== undefined && prefix !== 'xml') this.#bindings.declare(prefix, this.#value(row))
    }
  }

  /** Writes what is no declaration, with the declarations that it needs; returns how many these are. */
  #attributes(head: Head | undefined): number {
    const { attributes, count } = this.#lexer.tag
    const declared = new Set(['xml'])
    for (let row = 0; row < count * COLUMNS && !this.#output.full; row += COLUMNS) {
      if (this.#declaredPrefix(row) !== undefined) continue
      const start = attributes[row] ?? 0
      const colon = attributes[row + Column.colon] ?? -1
      const prefix = colon < 0 ? '' : this.#raw(start, colon)
      if (colon >= 0 && !declared.has(prefix)) {
        this.#output.put(` xmlns:${prefix}='${escapeValue(this.#uri(prefix))}'`)
        declared.add(prefix)
      }
      this.#attribute(this.#raw(start, attributes[row + Column.nameEnd] ?? 0), this.#value(row), head)
    }
    return declared.size - 1
  }

  #attribute(name: string, value: string, head: Head | undefined): void {
    const output = this.#output
    const nameStart = output.length + 1
    output.put(` ${name}`)
    const nameEnd = output.length
    output.put(`='${escapeValue(value)}'`)
    if (head !== undefined) note(head, output.bytes, 0, nameStart, nameEnd, nameEnd + 2, output.length - 1)
  }

  /** The prefix that an attribute declares, '' for the default namespace, or undefined if it declares none. */
  #declaredPrefix(row: number): string | undefined {
    const { attributes } = this.#lexer.tag
    const name = this.#raw(attributes[row] ?? 0, attributes[row + Column.nameEnd] ?? 0)
    if (name === 'xmlns') return ''
    return name.startsWith('xmlns:') ? name.slice('xmlns:'.length) : undefined
  }

  /** Declarations are attributes, too: there may be more of both now. */
  #brokenBy(declarations: number, declared: number): string | undefined {
    const { count } = this.#lexer.tag
    let own = count
    for (let row = 0; row < count * COLUMNS; row += COLUMNS) if (this.#declaredPrefix(row) !== undefined) own--
    if (own + declarations > this.#limits.attributes) return `more than ${this.#limits.attributes} attributes`
    return declared > this.#limits.namespaces
      ? `more than ${this.#limits.namespaces} namespace declarations`
      : undefined
  }

  #uri(prefix: string): string {
    return this.#bindings.uri(this.#bindings.find(prefix))
  }

  #value(row: number): string {
    const { attributes } = this.#lexer.tag
    return decodeValue(this.#raw(attributes[row + Column.valueStart] ?? 0, attributes[row + Column.valueEnd] ?? 0))
  }

  #raw(start: number, end: number): string {
    return this.#source.buffer.toString('utf8', this.#source.origin + start, this.#source.origin + end)
  }
}

/** UTF-8 in a buffer that grows up to a limit, beyond which it takes nothing more. */
class Output {
  bytes: Buffer
  length = 0
  full = false
  readonly #limit: number

  constructor(expected: number, limit: number) {
    this.#limit = limit
    this.bytes = Buffer.allocUnsafe(Math.min(expected + 256, limit))
  }

  put(text: string): void {
    const length = this.length + Buffer.byteLength(text)
    if (length > this.#limit) this.full = true
    if (this.full) return
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * length, this.#limit))
      this.bytes.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    this.bytes.write(text, this.length)
    this.length = length
  }
}

/** Text between two tags as a parser reports it: line ends normalised (XML 1.0 §2.11), references and CDATA replaced. */
function decodeText(raw: string): string {
  return raw
    .replace(/\r\n?/g, '\n')
    .replace(/<!\[CDATA\[([\s\S]*?)\]\]>|[^<]+/g, (piece, literal: string | undefined) => literal ?? decode(piece))
}

/** A carriage return as itself would be read as a line feed, and `]]>` may not stand in text. */
function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/\]\]>/g, ']]&gt;').replace(/\r/g, '&#13;')
}

/** For a value between apostrophes. Tab and line ends as themselves would be read as spaces. */
function escapeValue(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/'/g, '&apos;')
    .replace(/[\t\r\n]/g, (c) => `&#${c.charCodeAt(0)};`)
}
