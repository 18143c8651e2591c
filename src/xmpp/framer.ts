import { Outcome, type Tenant } from './express.ts'
import { Found, type FramerError } from './found.ts'
import { Head } from './head.ts'
import type { StreamHeader } from './header.ts'
import { ns } from './namespaces.ts'
import { componentScope, type PlainFramer, type StreamScope } from './plain-framer.ts'
import type { Scanners } from './scanners.ts'

export { Found, type FramerError, type FramerLimits } from './found.ts'
export type { StreamHeader } from './header.ts'

/** The plain framer is shown so much of what was deferred to it at first, and then twice as much each time. */
const FIRST_SLICE = 1024
/**
 * What is left of a chunk is scanned anew with the next, unless it is so many times as long: then the plain framer
 * goes on with it, which reads no byte twice. So no byte is scanned much more often than that.
 */
const MOST_RESCANS = 8

const nothing = Buffer.alloc(0)

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
 * No cut of the input makes a difference to what is found. Whole stanzas of the usual kind are found by the express
 * scanner (`Express`), many in one call; all else by the plain framer (`PlainFramer`), which is borrowed for it. So a
 * stream that is between two elements has neither a scanner nor a buffer.
 */
export class Framer implements Tenant {
  readonly head = new Head()
  readonly #scanners: Scanners
  #scope: StreamScope | undefined
  /** Borrowed while it is inside an element or the stream's header; it keeps what is wrong with a stream, too. */
  #plain: PlainFramer | undefined
  /** `head` describes what `#plain` has found, which is of no other use any more. */
  #isSpent = false
  /** The beginning of a stanza whose end has not come. */
  #rest: Buffer | undefined
  /** What is being read, [#at, #end) of it being left: a chunk, or the express scanner's memory. */
  #input: Uint8Array = nothing
  #at = 0
  #end = 0
  #isLoaded = false
  /** The express scanner's next record, how many there are, where it goes on behind them, and how it has left off there. */
  #record = 0
  #records = 0
  #resume = 0
  #outcome: Outcome = Outcome.more
  /** How many bytes the plain framer is shown next, and how many of this input it has been shown. */
  #slice = FIRST_SLICE
  #shown = 0
  #rewritten = 0

  /**
   * `header` expects a stream from its first byte. `stanzas` begins inside a stream that is already open, of
   * XEP-0114's namespaces, such as the bytes that we queued ourselves.
   */
  constructor(scanners: Scanners, start: 'header' | 'stanzas' = 'header') {
    this.#scanners = scanners
    if (start === 'stanzas') this.#scope = componentScope
  }

  /** The stream's opening tag, from when it is found until the next `next()`. */
  get header(): StreamHeader | undefined {
    return this.#plain?.header
  }

  get error(): FramerError | undefined {
    return this.#plain?.error
  }

  /** How many elements went out written anew rather than as they came. */
  get rewritten(): number {
    return this.#rewritten
  }

  /** Bytes pushed and not yet part of something found. */
  get pending(): number {
    return this.#end - this.#at + (this.#rest?.length ?? 0) + (this.#plain?.pending ?? 0)
  }

  /** Bytes of memory that this stream alone holds for input. */
  get capacity(): number {
    return (this.#rest?.length ?? 0) + (this.#plain?.capacity ?? 0)
  }

  /** `chunk` must stay as it is until `next()` has found nothing. */
  push(chunk: Uint8Array): void {
    // After an error nothing is read any more, so nothing is kept.
    if (this.error !== undefined) return
    const isRead = this.#at === this.#end
    const input = isRead ? chunk : Buffer.concat([this.#input.subarray(this.#at, this.#end), chunk])
    this.#leave()
    this.#input = input
    this.#end = input.length
  }

  next(): Found {
    if (this.#record < this.#records) return this.#readRecord()
    if (this.#isSpent) this.#giveBack()
    if (this.#plain !== undefined) return this.#readPlain(this.#plain)
    if (this.#at === this.#end && !this.#isLoaded) return this.#leave()
    if (this.#mayLoad()) {
      this.#load()
      const found = this.#readLoaded()
      if (found !== undefined) return found
    }
    return this.#readPlain(this.#borrow())
  }

  /**
   * After a message or presence was found: makes `head` end behind those of the next ones that have been scanned already,
   * up to an iq or whatever else is not to be passed over. Returns how many stanzas it is then; all else in `head` is the
   * first one's.
   */
  takeAlike(): number {
    const { head } = this
    const { express } = this.#scanners
    let count = 1
    for (; this.#record < this.#records && express !== undefined; this.#record++, count++) {
      const end = express.endOfPlain(this.#record, head.end)
      if (end === 0) break
      head.end = end
    }
    if (count > 1) this.#at = head.end
    return count
  }

  /** Reads no more, and lets go of all that it has. */
  stop(): void {
    this.#leave()
    this.#rest = undefined
    this.#plain = undefined
  }

  /** Another framer needs the express scanner's memory: what is left here is taken along. */
  evict(): void {
    const left = Buffer.from(this.#input.subarray(this.#at, this.#end))
    this.#leave()
    this.#input = left
    this.#end = left.length
  }

  #readRecord(): Found {
    this.#scanners.express?.read(this.#record++, this.head)
    this.#at = this.head.end
    return Found.stanza
  }

  /** Whether what stands between two elements may be for the express scanner. */
  get #isUsual(): boolean {
    return this.#scanners.express !== undefined && this.#scope?.content === ns.component
  }

  #mayLoad(): boolean {
    if (this.#isLoaded) return true
    if (!this.#isUsual) return false
    const fresh = this.#end - this.#at
    const rest = this.#rest?.length ?? 0
    return rest <= MOST_RESCANS * fresh && rest + fresh <= (this.#scanners.express?.capacity ?? 0)
  }

  #load(): void {
    const { express, limits } = this.#scanners
    if (this.#isLoaded || express === undefined) return
    this.#end = express.load(this, limits, this.#rest, this.#input.subarray(this.#at, this.#end))
    this.#rest = undefined
    this.#input = express.memory
    this.#at = express.input
    this.#isLoaded = true
    this.#resume = this.#at
    this.#outcome = Outcome.more
  }

  /** Undefined when what follows is for the plain framer. */
  #readLoaded(): Found | undefined {
    const { express, limits } = this.#scanners
    this.#at = this.#resume
    while (this.#outcome === Outcome.more && express !== undefined) {
      this.#record = 0
      this.#records = express.scan(this.#at, this.#end)
      this.#resume = express.position
      this.#outcome = express.outcome
      if (this.#records > 0) return this.#readRecord()
      this.#at = this.#resume
    }
    if (this.#outcome === Outcome.deferred) return undefined
    if (this.#outcome === Outcome.incomplete) {
      // It is the plain framer that knows where the limit is.
      if (this.#end - this.#at > limits.stanza_bytes) return undefined
      this.#rest = Buffer.from(this.#input.subarray(this.#at, this.#end))
    }
    return this.#leave()
  }

  #readPlain(plain: PlainFramer): Found {
    for (;;) {
      const found = plain.next()
      if (found !== Found.nothing) return this.#found(plain, found)
      if (this.#at === this.#end) break
      const to = this.#isUsual ? Math.min(this.#at + this.#slice, this.#end) : this.#end
      plain.push(this.#input.subarray(this.#at, to))
      this.#shown += to - this.#at
      this.#at = to
      this.#slice *= 2
    }
    if (plain.isBetween && plain.pending === 0) this.#giveBack()
    return this.#leave()
  }

  #found(plain: PlainFramer, found: Found): Found {
    this.#scope = plain.scope
    if (plain.isRewritten) this.#rewritten++
    // What it has been shown beyond the element is for the express scanner again.
    if (plain.isBetween && this.#isUsual && plain.pending <= this.#shown) {
      this.#at -= plain.takeBack()
      this.#isSpent = true
    }
    return found
  }

  #borrow(): PlainFramer {
    const plain = this.#scanners.borrow()
    plain.begin(this.head, this.#scope)
    if (this.#rest !== undefined) plain.push(this.#rest)
    this.#rest = undefined
    this.#plain = plain
    return plain
  }

  #giveBack(): void {
    if (this.#plain !== undefined) this.#scanners.giveBack(this.#plain)
    this.#plain = undefined
    this.#isSpent = false
    this.#slice = FIRST_SLICE
    this.#shown = 0
    this.#resume = this.#at
    this.#outcome = Outcome.more
  }

  /** All of the input is read, or kept elsewhere. */
  #leave(): typeof Found.nothing {
    if (this.#isLoaded) this.#scanners.express?.leave()
    this.#isLoaded = false
    this.#input = nothing
    this.#at = 0
    this.#end = 0
    this.#record = 0
    this.#records = 0
    this.#shown = 0
    // A view of a buffer that is large, or somebody else's by now.
    this.head.buffer = nothing
    return Found.nothing
  }
}
