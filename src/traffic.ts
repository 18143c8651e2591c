import type { Addressed, Traffic } from '../balancing/traffic.ts'
import { SwitchyardError } from './errors.ts'
import { escapeForLog } from './log.ts'
import { isItem } from './recorded-sample.ts'
import { isReply } from './replies.ts'
import { Found, Framer, type FramerLimits } from './xmpp/framer.ts'
import type { Head } from './xmpp/head.ts'
import { decodeAttribute, normalise } from './xmpp/jid.ts'
import { Scanners } from './xmpp/scanners.ts'

export interface TrafficOptions {
  /** The domain whose traffic is wanted, normalised. */
  readonly domain: string
  readonly limits: FramerLimits
  /** Told of each piece of input that is no stanza and no address; `line` counts from 1. */
  readonly complain: (line: number, what: string) => void
}

/** What was read and is no traffic to share out. */
export interface Skipped {
  /** Stanzas to another domain. */
  elsewhere: number
  /** Iq results and errors: they go to whoever asked. */
  replies: number
  /** Lines and stanzas that cannot be read, or lack an address. */
  malformed: number
  /** Lines with one address only. */
  lone: number
}

const LT = 0x3c
const BRACE = 0x7b
/** Samples of several nodes. */
const LONGEST_SAMPLE = 64 * 1024 ** 2
const NEWLINE = 0x0a
/** Two JIDs of the greatest length, and some space. */
const LONGEST_LINE = 8192

/** A line, or a piece of one that is too long for memory. */
interface Piece {
  readonly bytes: Uint8Array
  readonly line: number
  readonly isEnd: boolean
}

/**
 * Reads addresses, a line each, or XML, or a recorded sample: whichever it is, the first byte that is no white space says.
 * Throws `input-refused` for a sample that cannot be read, or is of another domain.
 */
export function* trafficOf(
  chunks: Iterable<Uint8Array>,
  options: TrafficOptions,
  skipped: Skipped,
): Generator<Traffic> {
  let reader: LineReader | StanzaReader | SampleReader | undefined
  for (const piece of piecesOf(chunks)) {
    if (reader === undefined) {
      const start = Buffer.from(piece.bytes).toString('latin1').trimStart()
      if (start === '') continue
      reader = readerFor(start, options, skipped)
    }
    yield* reader.read(piece)
  }
  if (reader !== undefined) yield* reader.end() ?? []
}

function readerFor(start: string, options: TrafficOptions, skipped: Skipped) {
  switch (start.charCodeAt(0)) {
    case LT:
      return new StanzaReader(start, options, skipped)
    case BRACE:
      return new SampleReader(options, skipped)
    default:
      return new LineReader(options, skipped)
  }
}

function* piecesOf(chunks: Iterable<Uint8Array>): Generator<Piece> {
  let line = 1
  for (const chunk of chunks) {
    let start = 0
    while (start < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, start)
      const end = newline < 0 ? chunk.length : newline + 1
      yield { bytes: chunk.subarray(start, end), line, isEnd: newline >= 0 }
      if (newline >= 0) line++
      start = end
    }
  }
}

/** What `switchyard sample` has printed. */
class SampleReader {
  readonly #options: TrafficOptions
  readonly #skipped: Skipped
  readonly #pieces: Buffer[] = []
  #length = 0

  constructor(options: TrafficOptions, skipped: Skipped) {
    this.#options = options
    this.#skipped = skipped
  }

  read({ bytes }: Piece): readonly Traffic[] {
    this.#length += bytes.length
    if (this.#length > LONGEST_SAMPLE) refuse(`it is longer than ${LONGEST_SAMPLE} bytes`)
    this.#pieces.push(Buffer.from(bytes))
    return []
  }

  *end(): Generator<Traffic> {
    const { domain, format, items } = this.#parsed()
    if (format !== 1 || !Array.isArray(items)) refuse('it is of no form that is known here')
    if (domain !== this.#options.domain) {
      refuse(`it is of ${escapeForLog(String(domain))}, and what is asked about is ${this.#options.domain}`)
    }
    for (const [index, item] of items.entries()) {
      if (isItem(item)) yield item
      else {
        this.#skipped.malformed++
        this.#options.complain(0, `the sample's item ${index} cannot be read`)
      }
    }
  }

  #parsed(): Readonly<Record<string, unknown>> {
    try {
      return { ...(JSON.parse(Buffer.concat(this.#pieces).toString('utf8')) as object) }
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error))
    }
  }
}

function refuse(why: string): never {
  throw new SwitchyardError('input-refused', `the sample cannot be used: ${why}`)
}

/** `FROM`, or `FROM` and `TO` with a tab or a space between. */
class LineReader {
  readonly #options: TrafficOptions
  readonly #skipped: Skipped
  /** What there is of the line so far; a line longer than that is no pair of addresses. */
  #begun = Buffer.alloc(0)
  #line = 0

  constructor(options: TrafficOptions, skipped: Skipped) {
    this.#options = options
    this.#skipped = skipped
  }

  *read({ bytes, line, isEnd }: Piece): Generator<Addressed> {
    this.#line = line
    if (this.#begun.length <= LONGEST_LINE) this.#begun = Buffer.concat([this.#begun, bytes])
    if (isEnd) yield* this.end()
  }

  *end(): Generator<Addressed> {
    const text = this.#begun.length <= LONGEST_LINE ? this.#begun.toString('utf8').trim() : undefined
    this.#begun = Buffer.alloc(0)
    if (text === '') return
    const traffic = text === undefined ? 'the line is too long' : this.#addresses(text)
    if (typeof traffic === 'string') {
      this.#skipped.malformed++
      this.#options.complain(this.#line, traffic)
    } else if (normalise(traffic.to)?.domain === this.#options.domain) yield traffic
    else this.#skipped.elsewhere++
  }

  /** A resource may hold spaces, so a space divides only where an address of the domain follows; a tab always does. */
  #addresses(text: string): Addressed | string {
    const { domain } = this.#options
    let cut = text.indexOf('\t')
    const space = text.lastIndexOf(' ')
    if (cut < 0 && space >= 0 && normalise(text.slice(space + 1))?.domain === domain) cut = space
    const from = cut < 0 ? text : text.slice(0, cut).trim()
    const to = cut < 0 ? domain : text.slice(cut + 1).trim()
    for (const jid of [from, to]) if (normalise(jid) === undefined) return `'${escapeForLog(jid)}' is no JID`
    if (cut < 0) this.#skipped.lone++
    return { from, to }
  }
}

/** Stanzas one after the other, or a stream with its header. What is broken is left out up to the end of its line. */
class StanzaReader {
  readonly #options: TrafficOptions
  readonly #scanners: Scanners
  readonly #skipped: Skipped
  #framer: Framer
  #isBroken = false

  constructor(start: string, options: TrafficOptions, skipped: Skipped) {
    this.#options = options
    this.#scanners = new Scanners(options.limits)
    this.#skipped = skipped
    this.#framer = new Framer(this.#scanners, /^<(\?xml|[\w.-]*:?stream[\s>])/.test(start) ? 'header' : 'stanzas')
  }

  *read({ bytes, line, isEnd }: Piece): Generator<Addressed> {
    if (!this.#isBroken) yield* this.#frame(bytes, line)
    // In the middle of a line nobody knows where the next stanza begins.
    if (this.#isBroken && isEnd) {
      this.#framer = new Framer(this.#scanners, 'stanzas')
      this.#isBroken = false
    }
  }

  end(): undefined {
    if (this.#framer.pending > 0) this.#refuse(undefined, 'the input ends inside a stanza')
  }

  *#frame(bytes: Uint8Array, line: number): Generator<Addressed> {
    const framer = this.#framer
    framer.push(bytes)
    for (let found = framer.next(); found !== Found.nothing; found = framer.next()) {
      if (found === Found.stanza) yield* this.#stanza(framer.head, line)
      if (found !== Found.error) continue
      this.#isBroken = true
      return this.#refuse(line, `${framer.error?.condition}: ${framer.error?.text}`)
    }
  }

  *#stanza(head: Head, line: number): Generator<Addressed> {
    const from = addressAt(head, head.fromStart, head.fromEnd)
    const to = addressAt(head, head.toStart, head.toEnd)
    if (from === undefined || to === undefined) {
      return this.#refuse(line, `a stanza without a valid '${from === undefined ? 'from' : 'to'}'`)
    }
    if (isReply(head)) this.#skipped.replies++
    else if (normalise(to)?.domain !== this.#options.domain) this.#skipped.elsewhere++
    else yield { from, to }
  }

  #refuse(line: number | undefined, what: string): void {
    this.#skipped.malformed++
    this.#options.complain(line ?? 0, what)
  }
}

function addressAt(head: Head, start: number, end: number): string | undefined {
  const raw = head.text(start, end)
  const jid = raw === undefined ? undefined : decodeAttribute(raw)
  return jid === undefined || normalise(jid) === undefined ? undefined : jid
}
