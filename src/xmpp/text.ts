import { AMP, BANG, CLOSE_BRACKET, CR, charLength, GT, LT, stopsText } from './chars.ts'
import { References } from './references.ts'
import { type Source, Step } from './source.ts'

const cdataOpen = Buffer.from('<![CDATA[')

/** Reads character data and CDATA sections inside an element, up to the next tag. */
export class TextScanner {
  /** A CDATA section was read since the last `reset`. */
  cdata = false
  /** A carriage return was read since the last `reset`: parsers that do not normalise line ends report another text. */
  carriageReturn = false
  #inCdata = false
  readonly #source: Source
  readonly #references: References

  constructor(source: Source) {
    this.#source = source
    this.#references = new References(source)
  }

  reset(): void {
    this.cdata = false
    this.carriageReturn = false
  }

  /** Reads on from `pos`; done leaves `pos` at the `<` of a tag. */
  scan(): Step {
    const source = this.#source
    const { buffer } = source
    const stops = stopsText
    if (this.#references.open) {
      const step = this.#references.scan()
      if (step !== Step.done) return step
    }
    for (;;) {
      let at = source.pos
      while (stops[buffer[at] ?? 0] === 0) at++
      source.pos = at
      if (buffer[at] === LT && !this.#inCdata && buffer[at + 1] !== BANG) return Step.done
      const step = this.#stopped(buffer[at] ?? 0, at)
      if (step !== Step.go) return step
    }
  }

  /** The closer look at a byte where plain text stops. */
  #stopped(byte: number, at: number): Step {
    if (byte >= 0x80) return this.#beyondAscii(at)
    switch (byte) {
      case LT:
        return this.#inCdata ? this.#pass(at) : this.#openCdata(at)
      case AMP:
        return this.#inCdata ? this.#pass(at) : this.#reference()
      case CLOSE_BRACKET:
        return this.#closeBracket(at)
      case CR:
        this.carriageReturn = true
        return this.#pass(at)
      default:
        return this.#source.unexpected(at, 'in text')
    }
  }

  #pass(at: number): Step {
    this.#source.pos = at + 1
    return Step.go
  }

  #reference(): Step {
    const step = this.#references.scan()
    return step === Step.done ? Step.go : step
  }

  /** All of a run beyond ASCII, as such characters seldom come alone. */
  #beyondAscii(from: number): Step {
    const { buffer, stop } = this.#source
    let at = from
    while ((buffer[at] ?? 0) >= 0x80) {
      const length = charLength(buffer, at, stop)
      if (length === 0) return this.#source.short(at)
      if (length < 0)
        return this.#source.fail('not-well-formed', `invalid UTF-8 in text, at byte ${at - this.#source.origin}`)
      at += length
    }
    this.#source.pos = at
    return Step.go
  }

  /** `]]>` ends a CDATA section and stands nowhere else (XML 1.0 §2.4). */
  #closeBracket(at: number): Step {
    const { buffer, stop } = this.#source
    if (at + 1 >= stop) return this.#source.short(at)
    if (buffer[at + 1] !== CLOSE_BRACKET) return this.#pass(at)
    if (at + 2 >= stop) return this.#source.short(at)
    if (buffer[at + 2] !== GT) return this.#pass(at)
    if (!this.#inCdata) return this.#source.fail('not-well-formed', "']]>' in text")
    this.#inCdata = false
    this.#source.pos = at + 3
    return Step.go
  }

  /** `<!`: a CDATA section, or a comment or a DTD, which RFC 6120 §11.1 forbids. */
  #openCdata(at: number): Step {
    const { buffer, stop } = this.#source
    const whole = Math.min(stop - at, cdataOpen.length)
    if (cdataOpen.compare(buffer, at, at + whole, 0, whole) !== 0) {
      return this.#source.fail('restricted-xml', 'a comment or a document type declaration')
    }
    if (whole < cdataOpen.length) return this.#source.short(at)
    this.#inCdata = true
    this.cdata = true
    this.#source.pos = at + whole
    return Step.go
  }
}
