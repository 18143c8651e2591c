import { COLUMNS, Column, Value } from './attributes.ts'
import { Space } from './bindings.ts'
import { Canonical } from './canonical.ts'
import { BANG, isSpace, LT, QUESTION } from './chars.ts'
import { Prolog } from './declaration.ts'
import { Found, type FramerError, type FramerLimits } from './found.ts'
import { Head, Kind } from './head.ts'
import { readHeader, type StreamHeader } from './header.ts'
import { Lexer, Token } from './lexer.ts'
import { ns } from './namespaces.ts'
import { clear, kindOf, locate, note, shift } from './routing.ts'
import { Scopes } from './scopes.ts'
import { Source, Step } from './source.ts'

const State = { header: 0, stream: 1, prolog: 2, empty: 3, ended: 4, failed: 5 } as const
type State = (typeof State)[keyof typeof State]

/** What the elements of a stream have from its opening tag. */
export interface StreamScope {
  /** The opening tag's name, as it was spelled. */
  readonly name: Buffer
  /** The default namespace. */
  readonly content: string
  /** Prefixes and their namespaces. */
  readonly prefixes: readonly (readonly [prefix: string, uri: string])[]
}

/** That of a stream as nearly all are (XEP-0114 §3). */
export const componentScope: StreamScope = {
  name: Buffer.from('stream:stream'),
  content: ns.component,
  prefixes: [['stream', ns.streams]],
}

/** The usual scope itself where the given one is the same: it is kept with each stream. */
function orUsual(scope: StreamScope): StreamScope {
  const { name, content, prefixes } = componentScope
  const [first] = scope.prefixes
  const isUsual =
    name.equals(scope.name) &&
    content === scope.content &&
    scope.prefixes.length === 1 &&
    first?.[0] === prefixes[0]?.[0] &&
    first?.[1] === prefixes[0]?.[1]
  return isUsual ? componentScope : scope
}

/**
 * The framer itself, whose word counts (`Framer` says what it takes): it reads anything, cut anywhere, no byte twice but
 * for a few at a cut. Between two elements it knows nothing of a stream but its scope, so one serves many.
 */
export class PlainFramer {
  /** Of the framer that it reads for. */
  head = new Head()
  readonly #limits: FramerLimits
  readonly #source: Source
  readonly #lexer: Lexer
  readonly #scopes: Scopes
  #prolog: Prolog | undefined
  #canonical: Canonical | undefined = undefined
  #state: State = State.prolog
  #scope: StreamScope | undefined
  #header: StreamHeader | undefined
  #isRewritten = false
  /** The element in progress has to be written anew. */
  #unclear = false

  constructor(limits: FramerLimits) {
    this.#limits = limits
    this.#source = new Source(limits.stanza_bytes)
    this.#lexer = new Lexer(this.#source, limits)
    this.#scopes = new Scopes(this.#source, this.#lexer.tag, limits.namespaces)
  }

  /** Begins a stream, from its first byte; or goes on inside one of which it is known what its opening tag said. */
  begin(head: Head, scope: StreamScope | undefined): void {
    this.head = head
    this.#header = undefined
    this.#isRewritten = false
    if (scope === undefined) {
      this.#prolog = new Prolog(this.#source)
      this.#state = State.prolog
      this.#scope = undefined
      this.#scopes.bindings.truncate(0)
      this.#lexer.enterStream(Buffer.alloc(0))
      return
    }
    this.#state = State.stream
    if (scope === this.#scope) return
    this.#scope = scope
    this.#canonical = undefined
    this.#scopes.bindings.truncate(0)
    for (const [prefix, uri] of scope.prefixes) this.#scopes.bindings.declare(prefix, uri)
    this.#scopes.adopt(scope.content)
    this.#lexer.enterStream(scope.name)
  }

  /** The stream's, once its opening tag has been read. */
  get scope(): StreamScope | undefined {
    return this.#scope
  }

  /** Nothing of the stream is here but what is `pending`, and that begins outside all elements. */
  get isBetween(): boolean {
    return this.#state === State.stream && !this.#source.isInside
  }

  /** Forgets what has been pushed and not read. Returns how many bytes that is. */
  takeBack(): number {
    const { pending } = this.#source
    this.#source.forget()
    return pending
  }

  get header(): StreamHeader | undefined {
    return this.#header
  }

  get error(): FramerError | undefined {
    return this.#source.error
  }

  /** The element found last has been written anew. */
  get isRewritten(): boolean {
    return this.#isRewritten
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
    this.#isRewritten = false
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
        const step = this.#prolog?.scan()
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

  /** Gives back a buffer that grew for something large. */
  trim(): void {
    this.#source.trim()
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
    const { bindings } = this.#scopes
    this.#header = readHeader(source, tag, this.#scopes)
    const { content } = this.#header
    const name = Buffer.from(source.buffer.subarray(source.origin + tag.nameStart, source.origin + tag.nameEnd))
    const prefixes = Array.from({ length: bindings.size }, (_, i) => [bindings.prefix(i), bindings.uri(i)] as const)
    this.#scope = orUsual({ name, content, prefixes })
    this.#canonical = undefined
    this.#prolog = undefined
    this.#scopes.adopt(content)
    this.#lexer.enterStream(name)
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
    locate(head)
    source.release(pos)
    return head.kind === Kind.other ? Found.element : Found.stanza
  }

  #rewrite(): string | undefined {
    this.#canonical ??= new Canonical(this.#limits, this.#scopes)
    this.#isRewritten = true
    return this.#canonical.rewrite(this.head)
  }
}
