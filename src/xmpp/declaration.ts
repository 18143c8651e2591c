import { isSpace, LT, QUESTION, standsInDeclaration } from './chars.ts'
import { type Source, Step } from './source.ts'

const opening = Buffer.from('<?xml')

/** XML 1.0 §2.8; the order and spelling that expat accepts, and it accepts any version. */
const pattern =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])[A-Za-z0-9._-]*\1(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])([A-Za-z][A-Za-z0-9._-]*)\2)?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(?:yes|no)\4)?[ \t\r\n]*\?>$/

/** Reads what may stand before the opening tag of a stream and nowhere else: an XML declaration. */
export class Prolog {
  readonly #source: Source
  /** How much of the declaration has been read: not twice, however it is cut. */
  #read = opening.length
  #begun = false

  constructor(source: Source) {
    this.#source = source
  }

  /** Done leaves `pos` behind the declaration if there is one. */
  scan(): Step {
    const source = this.#source
    if (!this.#begun) {
      const step = this.#first()
      if (step !== Step.done || !this.#begun) return step
    }
    const from = source.pos
    const whole = Math.min(source.stop - from, opening.length)
    if (opening.compare(source.buffer, from, from + whole, 0, whole) !== 0) return Step.done
    if (source.stop <= from + opening.length) return source.short(from)
    const next = source.buffer[from + opening.length] ?? 0
    // `<?xml-stylesheet` is another matter: the lexer refuses it as a processing instruction.
    return isSpace[next] === 0 && next !== QUESTION ? Step.done : this.#declaration(from)
  }

  /** The first byte, and the second where the first is `<`, tell other encodings (XML 1.0 appendix F, RFC 6120 §11.6). */
  #first(): Step {
    const { buffer, pos, stop } = this.#source
    if (pos >= stop) return Step.wait
    const first = buffer[pos] ?? 0
    if (first === 0 || first >= 0xfe) return this.#foreign()
    // U+FEFF: RFC 6120 §11.6 makes it a character like any other, and no text may stand here.
    if (first === 0xef) return this.#source.fail('not-well-formed', 'text before the stream')
    if (first !== LT && isSpace[first] === 0) return Step.done
    if (pos + 1 >= stop) return Step.wait
    if (buffer[pos + 1] === 0) return this.#foreign()
    if (first !== LT) return Step.done
    this.#begun = true
    this.#source.begin(pos)
    return Step.done
  }

  #declaration(from: number): Step {
    const source = this.#source
    const { buffer, stop } = source
    let at = from + this.#read
    while (standsInDeclaration[buffer[at] ?? 0] === 1) at++
    this.#read = at - from
    if (at >= stop || (buffer[at] === QUESTION && at + 1 >= stop)) return source.short(from)
    const text = buffer.toString('latin1', from, at + 2)
    const match = pattern.exec(text)
    if (match === null) return source.fail('not-well-formed', 'a malformed XML declaration')
    const encoding = match[3]
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') return this.#foreign()
    source.release(at + 2)
    return Step.done
  }

  #foreign(): Step {
    return this.#source.fail('unsupported-encoding', 'the stream is not UTF-8')
  }
}
