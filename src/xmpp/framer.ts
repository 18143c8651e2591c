import { COLUMNS, Column, Value } from './attributes.ts'
import { Space } from './bindings.ts'
import { Canonical } from './canonical.ts'
import { BANG, isSpace, LT, QUESTION } from './chars.ts'
import { Prolog } from './declaration.ts'
import { Head, Kind } from './head.ts'
import { readHeader, type StreamHeader } from './header.ts'
import { Lexer, Token } from './lexer.ts'
import { ns } from './namespaces.ts'
import { clear, kindOf, note, shift } from './routing.ts'
import { Scopes } from './scopes.ts'
import { Source, Step } from './source.ts'
import type { StreamCondition } from './stream-error.ts'

export type { StreamHeader } from './header.ts'

/** What `next()` found. */
export const Found = {
  /** Nothing whole: push more bytes. */
  nothing: 0,
  /** The stream's opening tag: see `header`. */
  header: 1,
  /** An iq, message or presence in the content namespace: see `head`. */
  stanza: 2,
  /** Another first-level element (handshake, stream:error, stream:features): see `head`. */
  element: 3,
  /** `</stream:stream>`. */
  footer: 4,
  /** The input broke a rule: see `error`. The framer stays in this state. */
  error: 5,
} as const
export type Found = (typeof Found)[keyof typeof Found]

export interface FramerLimits {
  /** Bytes of one first-level element, counted while reading. */
  readonly stanza_bytes: number
  /** Nesting, the first-level element being depth 1. */
  readonly depth: number
  /** Elements in one first-level element, itself included. */
  readonly elements: number
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number
  /** Namespace declarations in force at once inside one first-level element. */
  readonly namespaces: number
}

export interface FramerError {
  readonly condition: StreamCondition
  /** For people; names the offending thing, never a body. */
  readonly text: string
}

const State = { header: 0, stream: 1, prolog: 2, empty: 3, ended: 4, failed: 5 } as const
type State = (typeof State)[keyof typeof State]

/**
 * Cuts the bytes of a stream into first-level elements and passes only what every XMPP server's parser takes: what
 * expat takes of a document, without what RFC 6120 §11.1 forbids, in UTF-8, within limits. Two deviations from
 * expat: a byte order mark is refused, as RFC 6120 §11.6 makes it text; and so are the namespaces that one of the
 * separators in use behind us would break (white space, `|`, `}`).
 *
 * An element's bytes go on as they came, unless lax parsers may read them differently: then they are written anew
 * (`Canonical`) and `head` describes the new ones. That concerns a CDATA section, an element name with a prefix
 * or beyond ASCII, a prefix that only the stream's header declares, a tab or line end in an attribute's value, a
 * carriage return in text, and a reference in `from`, `to`, `id` or `type` that these need not have. (What they
 * keep are the references that their quotes ask for, and `&#9;`, `&#10;`, `&#13;`, which have no other spelling.)
 *
 * No cut of the input makes a difference to what is found, and no byte is scanned twice but for a few at a cut.
 */
export class Framer {
  readonly head = new Head()
  readonly #limits: FramerLimits
  readonly #source: Source
  readonly #lexer: Lexer
  readonly #scopes: Scopes
  readonly #prolog: Prolog
  #canonical: Canonical | undefined = undefined
  #state: State
  #header: StreamHeader | undefined = undefined
  #rewritten = 0
  /** The element in progress has to be written anew. */
  #unclear = false

  /**
   * `header` expects a stream from its first byte. `stanzas` begins inside a stream that is already open, of
   * XEP-0114's namespaces, such as the bytes that we queued ourselves.
   */
  constructor(limits: FramerLimits, start: 'header' | 'stanzas' = 'header') {
    this.#limits = limits
    this.#source = new Source(limits.stanza_bytes)
    this.#lexer = new Lexer(this.#source, limits)
    this.#scopes = new Scopes(this.#source, this.#lexer.tag, limits.namespaces)
    this.#state = start === 'header' ? State.prolog : State.stream
    this.#prolog = new Prolog(this.#source)
    if (start === 'header') return
    this.#scopes.bindings.declare('stream', ns.streams)
    this.#scopes.adopt(ns.component)
    this.#lexer.enterStream(Buffer.from('stream:stream'))
  }

  get header(): StreamHeader | undefined {
    return this.#header
  }

  get error(): FramerError | undefined {
    return this.#source.error
  }

  /** How many elements went out written anew rather than as they came. */
  get rewritten(): number {
    return this.#rewritten
  }

  /** Bytes pushed and not yet part of something found. */
  get pending(): number {
    return this.#source.pending
  }

  /** Bytes of memory held for input. */
  get capacity(): number {
    return this.#source.buffer.length
  }

  push(chunk: Uint8Array): void {
    // After an error nothing is read any more, so nothing is kept.
    if (this.#state !== State.failed) this.#source.push(chunk)
  }

  next(): Found {
    if (this.#state >= State.prolog) {
      const found = this.#aside()
      if (found !== Found.nothing || this.#state !== State.header) return found
    }
    for (;;) {
      const token = this.#lexer.next()
      if (token === Token.wait) return this.#wait()
      if (token === Token.fail) return this.#fail()
      const found = token === Token.open ? this.#open() : this.#close()
      if (found !== Found.nothing) return found
    }
  }

  /** The states in which no tags are read; nothing with the state `header` means that now they are. */
  #aside(): Found {
    switch (this.#state) {
      case State.prolog: {
        const step = this.#prolog.scan()
        if (step === Step.fail) return this.#fail()
        if (step === Step.done) this.#state = State.header
        return Found.nothing
      }
      case State.empty:
        this.#state = State.ended
        return Found.footer
      case State.ended:
        return this.#afterEnd()
      default:
        return Found.error
    }
  }

  #wait(): Found {
    this.#source.trim()
    return Found.nothing
  }

  #fail(): Found {
    this.#state = State.failed
    this.#source.discard()
    return Found.error
  }

  /** Behind the stream's closing tag only white space may follow. */
  #afterEnd(): Found {
    const source = this.#source
    let at = source.pos
    while (isSpace[source.buffer[at] ?? 0] === 1) at++
    source.release(at)
    if (at >= source.stop || (source.buffer[at] === LT && at + 1 >= source.stop)) return this.#wait()
    const next = source.buffer[at] === LT ? source.buffer[at + 1] : 0
    const restricted = next === BANG || next === QUESTION
    source.fail(restricted ? 'restricted-xml' : 'not-well-formed', 'bytes behind the end of the stream')
    return this.#fail()
  }

  #open(): Found {
    const { tag, text, depth } = this.#lexer
    const level = tag.empty ? depth + 1 : depth
    const scopes = this.#scopes
    if (!scopes.open(level)) return this.#fail()
    if (this.#state === State.header) return this.#openStream()
    const { head } = this
    if (level === 1) {
      if (!this.#openFirst()) return this.#fail()
    } else if (level === 2) head.children++
    if (scopes.space === Space.streams) head.streams = true
    if (tag.colon >= 0 || tag.nameBeyondAscii || scopes.borrowed || (tag.flags & Value.space) !== 0)
      this.#unclear = true
    if (!tag.empty) return Found.nothing
    scopes.close(level)
    return level === 1 ? this.#found(text.cdata || text.carriageReturn) : Found.nothing
  }

  #close(): Found {
    const { depth, text } = this.#lexer
    if (depth < 0) {
      this.#source.release(this.#source.pos)
      this.#state = State.ended
      return Found.footer
    }
    this.#scopes.close(depth + 1)
    return depth === 0 ? this.#found(text.cdata || text.carriageReturn) : Found.nothing
  }

  #openStream(): Found {
    const source = this.#source
    const { tag } = this.#lexer
    this.#header = readHeader(source, tag, this.#scopes)
    this.#scopes.adopt(this.#header.content)
    const name = source.buffer.subarray(source.origin + tag.nameStart, source.origin + tag.nameEnd)
    this.#lexer.enterStream(Buffer.from(name))
    source.release(source.pos)
    // `<stream/>` is a whole stream: its end is found next.
    this.#state = tag.empty ? State.empty : State.stream
    return Found.header
  }

  /** The opening tag of a first-level element; false: the source has an error. */
  #openFirst(): boolean {
    const { head } = this
    const { tag } = this.#lexer
    const { buffer, origin, pos } = this.#source
    clear(head)
    head.tagEnd = pos - origin
    this.#unclear = false
    const name = origin + (tag.colon < 0 ? tag.nameStart : tag.colon + 1)
    const nameEnd = origin + tag.nameEnd
    const { space } = this.#scopes
    if (space === Space.content) head.kind = kindOf(buffer, name, nameEnd)
    if (space === Space.streams && nameEnd - name === 6 && buffer.toString('latin1', name, nameEnd) === 'stream') {
      this.#source.fail('not-well-formed', 'a second stream header')
      return false
    }
    this.#readAttributes()
    return true
  }

  #readAttributes(): void {
    const { attributes, count } = this.#lexer.tag
    const { buffer, origin } = this.#source
    for (let row = 0; row < count * COLUMNS; row += COLUMNS) {
      const start = attributes[row] ?? 0
      const end = attributes[row + Column.nameEnd] ?? 0
      const value = attributes[row + Column.valueStart] ?? 0
      const valueEnd = attributes[row + Column.valueEnd] ?? 0
      const routes = note(this.head, buffer, origin, start, end, value, valueEnd)
      if (routes && ((attributes[row + Column.flags] ?? 0) & Value.reducible) !== 0) this.#unclear = true
    }
  }

  /** A first-level element is whole. */
  #found(unclearText: boolean): Found {
    const { head } = this
    const source = this.#source
    const { origin, pos } = source
    head.buffer = source.buffer
    head.start = origin
    head.end = pos
    // Until here its offsets counted from the element's start, as its bytes could still move.
    shift(head, origin)
    if (this.#unclear || unclearText) {
      const broken = this.#rewrite()
      if (broken !== undefined) {
        source.fail('policy-violation', `${broken} once an element is written without prefixes`)
        return this.#fail()
      }
    }
    source.release(pos)
    return head.kind === Kind.other ? Found.element : Found.stanza
  }

  #rewrite(): string | undefined {
    this.#canonical ??= new Canonical(this.#limits, this.#scopes)
    this.#rewritten++
    return this.#canonical.rewrite(this.head)
  }
}
