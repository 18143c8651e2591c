import { BANG, GT, isSpace, LT, OPEN_BRACKET, QUESTION, SLASH } from './chars.ts'
import { type Source, Step } from './source.ts'
import { TagScanner } from './tag.ts'
import { TextScanner } from './text.ts'

/** What `Lexer.next` came to. */
export const Token = { wait: 0, open: 1, close: 2, fail: 3 } as const
export type Token = (typeof Token)[keyof typeof Token]

const State = { outside: 0, text: 1, markup: 2, tag: 3, closeName: 4, closeEnd: 5 } as const
type State = (typeof State)[keyof typeof State]

export interface LexerLimits {
  readonly depth: number
  readonly elements: number
  readonly attributes: number
}

/**
 * Reads the tags of a stream: that names nest, and that all between them is well-formed (RFC 6120 §11.3) without what
 * §11.1 forbids. What names mean, their namespaces, is not its matter.
 */
export class Lexer {
  readonly tag: TagScanner
  readonly text: TextScanner
  /** Open elements inside the stream's own. */
  depth = 0
  /** Elements in the first-level element in progress. */
  elements = 0
  /** Where the tag that was read last begins, from the source's origin. */
  tagStart = 0
  /** The name that `</…>` outside all elements must carry: the stream's own, as it was spelled. Empty before the header. */
  streamName: Buffer = Buffer.alloc(0)

  readonly #source: Source
  readonly #limits: LexerLimits
  /** Start and end of the open elements' names, from the source's origin. */
  #names = new Int32Array(32)
  #state: State = State.outside
  /** How many bytes of a closing tag's name have been compared. */
  #compared = 0

  constructor(source: Source, limits: LexerLimits) {
    this.#source = source
    this.#limits = limits
    this.tag = new TagScanner(source, limits.attributes)
    this.text = new TextScanner(source)
  }

  /** The tag just opened is the stream's own: what follows is inside it. */
  enterStream(name: Buffer): void {
    this.streamName = name
    this.depth = 0
    this.#state = State.outside
  }

  next(): Token {
    for (;;) {
      const step = this.#step()
      if (step === Step.go) continue
      if (step === Step.wait) return Token.wait
      if (step === Step.fail) return Token.fail
      return this.#state === State.tag ? this.#opened() : this.#closed()
    }
  }

  #step(): Step {
    switch (this.#state) {
      case State.outside:
        return this.#outside()
      case State.text:
        return this.#inside()
      case State.markup:
        return this.#markup()
      case State.tag:
        return this.tag.scan()
      case State.closeName:
        return this.#closeName()
      case State.closeEnd:
        return this.#closeEnd()
    }
  }

  /** Between first-level elements: white space, which keeps a connection alive and means nothing, until a tag. */
  #outside(): Step {
    const source = this.#source
    const { buffer } = source
    let at = source.pos
    while (isSpace[buffer[at] ?? 0] === 1) at++
    source.release(at)
    if (at >= source.stop) return Step.wait
    if (buffer[at] !== LT) return this.#textOutside(at)
    source.begin(at)
    this.elements = 0
    this.text.reset()
    this.#state = State.markup
    return this.#markup()
  }

  #textOutside(at: number): Step {
    const byte = this.#source.buffer[at] ?? 0
    if (byte < 0x20) return this.#source.unexpected(at, 'between elements')
    if (this.streamName.length === 0) return this.#source.fail('not-well-formed', 'text before the stream')
    return this.#source.fail('bad-format', 'text between first-level elements')
  }

  #inside(): Step {
    const step = this.text.scan()
    if (step !== Step.done) return step
    this.#state = State.markup
    return this.#markup()
  }

  /** At `<`: what the next byte makes of it. */
  #markup(): Step {
    const source = this.#source
    const at = source.pos + 1
    if (at >= source.stop) return source.short(source.pos)
    this.tagStart = source.pos - source.origin
    const byte = source.buffer[at] ?? 0
    if (byte === SLASH) {
      source.pos = at + 1
      this.#compared = 0
      this.#state = State.closeName
      return this.#closeName()
    }
    if (byte === QUESTION) return source.fail('restricted-xml', 'a processing instruction')
    if (byte === BANG) return this.#declaration()
    source.pos = at
    this.tag.begin()
    this.#state = State.tag
    return this.tag.scan()
  }

  /** `<!`: only a CDATA section may begin so, and only inside an element. */
  #declaration(): Step {
    if (this.depth > 0) {
      this.#state = State.text
      return Step.go
    }
    const source = this.#source
    if (source.pos + 2 >= source.stop) return source.short(source.pos)
    if (source.buffer[source.pos + 2] !== OPEN_BRACKET) {
      return source.fail('restricted-xml', 'a comment or a document type declaration')
    }
    if (this.streamName.length === 0) return source.fail('not-well-formed', 'text before the stream')
    return source.fail('bad-format', 'text between first-level elements')
  }

  /** The name of a closing tag must be the opening one's, byte for byte. */
  #closeName(): Step {
    const source = this.#source
    const { buffer, stop } = source
    const inside = this.depth > 0
    const expected = inside ? buffer : this.streamName
    const start = inside ? source.origin + (this.#names[2 * this.depth - 2] ?? 0) : 0
    const length = inside ? source.origin + (this.#names[2 * this.depth - 1] ?? 0) - start : expected.length
    if (length === 0) return source.fail('not-well-formed', 'a closing tag before the stream')
    let compared = this.#compared
    let at = source.pos
    while (compared < length && at < stop && buffer[at] === expected[start + compared]) {
      compared++
      at++
    }
    this.#compared = compared
    if (compared < length) return source.unexpected(at, 'in a closing tag that does not match')
    source.pos = at
    this.#state = State.closeEnd
    return this.#closeEnd()
  }

  #closeEnd(): Step {
    const source = this.#source
    const { buffer } = source
    let at = source.pos
    while (isSpace[buffer[at] ?? 0] === 1) at++
    if (buffer[at] !== GT) return source.unexpected(at, 'in a closing tag')
    source.pos = at + 1
    return Step.done
  }

  #opened(): Token {
    const { depth, elements } = this.#limits
    if (++this.elements > elements) return this.#exceeded(`more than ${elements} elements in one`)
    if (this.depth >= depth) return this.#exceeded(`elements nested deeper than ${depth}`)
    if (!this.tag.empty) {
      if (2 * this.depth === this.#names.length) this.#grow()
      this.#names[2 * this.depth] = this.tag.nameStart
      this.#names[2 * this.depth + 1] = this.tag.nameEnd
      this.depth++
    }
    this.#state = this.depth > 0 ? State.text : State.outside
    return Token.open
  }

  #closed(): Token {
    this.depth--
    this.#state = this.depth > 0 ? State.text : State.outside
    return Token.close
  }

  #exceeded(text: string): Token {
    this.#source.fail('policy-violation', text)
    return Token.fail
  }

  #grow(): void {
    const larger = new Int32Array(this.#names.length * 2)
    larger.set(this.#names)
    this.#names = larger
  }
}
