import { EventEmitter } from 'node:events'
import { type Element, parse } from 'ltx'
import { Found, Framer, type StreamHeader } from './xmpp/framer.ts'
import type { Head } from './xmpp/head.ts'
import { ns } from './xmpp/namespaces.ts'
import type { Scanners } from './xmpp/scanners.ts'
import { type StreamCondition, streamConditions } from './xmpp/stream-error.ts'

/** What a link hears of its stream, in this order. After `serverError`, `footer` or `broken` nothing more is said. */
export interface LinkReader {
  /** The server's header is good. */
  opened(): void
  /** The server has taken our handshake: the stream is up. */
  accepted(): void
  /** `head` is valid during the call. */
  stanza(head: Head): void
  /** The server has sent a stream error; `text` is its explanation, or empty. */
  serverError(condition: StreamCondition, text: string): void
  /** The server has closed its side with `</stream:stream>`. */
  footer(): void
  /** The server broke a rule: it gets this stream error. */
  broken(condition: StreamCondition, text: string): void
}

/** Makes an element of the class that @xmpp/component knows: with one of another copy of ltx it would not work. */
export type CreateElement = (name: string, attrs?: Record<string, string>) => unknown

/** A server's explanation goes into a log line: not all of it, if it is a long one. */
const TEXT_LENGTH = 200

/** After the stream is over: for so many bytes the server may go on. */
const LINGER_BYTES = 1024 * 1024

export interface LinkParserOptions {
  readonly scanners: Scanners
  /** Bytes before the server has let us in, white space counted. */
  readonly handshake_bytes: number
}

type State = 'header' | 'handshake' | 'open' | 'done'

/**
 * Reads a link's stream with our framer, in the place of @xmpp/component's parser. The library is shown two elements
 * only, the header (`start`) and the handshake's answer (`element`), so that it can set the stream up; stanzas go to the
 * link as bytes, and stream errors too: it would follow a `see-other-host`, and throw at an error without a condition.
 */
export class LinkParser extends EventEmitter {
  readonly #framer: Framer
  readonly #reader: LinkReader
  readonly #createElement: CreateElement
  readonly #handshakeBytes: number
  #state: State = 'header'
  #bytesBeforeOpen = 0
  #discarded = 0

  constructor({ scanners, handshake_bytes }: LinkParserOptions, reader: LinkReader, createElement: CreateElement) {
    super()
    this.#framer = new Framer(scanners)
    this.#handshakeBytes = handshake_bytes
    this.#reader = reader
    this.#createElement = createElement
  }

  /** Reads no more: what is still written is discarded. */
  stop(): void {
    this.#state = 'done'
  }

  /** False when more has been discarded than a server may send behind the end of its stream. */
  write(chunk: Uint8Array): boolean {
    if (!this.#reads()) this.#discarded += chunk.length
    else if (this.#state === 'open') this.#read(chunk)
    else this.#readEarly(chunk)
    return this.#discarded <= LINGER_BYTES
  }

  #readEarly(chunk: Uint8Array): void {
    const allowed = this.#handshakeBytes - this.#bytesBeforeOpen
    this.#bytesBeforeOpen += chunk.length
    this.#read(chunk.subarray(0, allowed))
    if (!this.#reads() || chunk.length <= allowed) return
    if (this.#state === 'open') return this.#read(chunk.subarray(allowed))
    this.#break('policy-violation', `more than ${this.#handshakeBytes} bytes before the handshake`)
    this.#framer.stop()
  }

  #read(chunk: Uint8Array): void {
    const framer = this.#framer
    framer.push(chunk)
    while (this.#reads()) {
      switch (framer.next()) {
        case Found.nothing:
          return
        case Found.stanza:
          this.#onStanza(framer.head)
          break
        case Found.header:
          this.#onHeader(framer.header)
          break
        case Found.element:
          this.#onElement(framer.head)
          break
        case Found.footer:
          this.stop()
          this.#reader.footer()
          break
        case Found.error:
          this.#break(framer.error?.condition ?? 'internal-server-error', framer.error?.text ?? 'no error told')
      }
    }
    framer.stop()
  }

  #reads(): boolean {
    return this.#state !== 'done'
  }

  #onStanza(head: Head): void {
    if (this.#state === 'open') this.#reader.stanza(head)
    else this.#break('not-authorized', 'a stanza before the handshake')
  }

  #onHeader(header: StreamHeader | undefined): void {
    if (header?.name !== 'stream' || header.namespace !== ns.streams) {
      return this.#break('invalid-namespace', `the stream must be <stream> in ${ns.streams}`)
    }
    if (header.content !== ns.component) {
      return this.#break('invalid-namespace', `the default namespace must be ${ns.component}`)
    }
    // XEP-0114 §3 step 2; without an id the library would hash the word 'undefined'.
    if (!header.id) return this.#break('undefined-condition', 'the stream header has no id')
    this.#state = 'handshake'
    this.#reader.opened()
    // The library hashes each character as one byte: the id is given to it as its UTF-8 bytes, one character each.
    const id = Buffer.from(header.id, 'utf8').toString('latin1')
    this.emit('start', this.#createElement('stream:stream', { id }))
  }

  #onElement(head: Head): void {
    const element = parse(head.bytes.toString('utf8'))
    if (element.name === 'stream:error' || element.is('error', ns.streams)) return this.#onError(element)
    if (this.#state === 'open') return this.#break('unsupported-stanza-type', 'only iq, message and presence')
    // The library says version='1.0' in its header, so a server may announce features (RFC 6120 §4.3.2): none concerns us.
    if (element.name === 'stream:features' || element.is('features', ns.streams)) return
    const isAnswer = element.name === 'handshake' && (element.attrs.xmlns ?? ns.component) === ns.component
    if (!isAnswer) return this.#break('not-authorized', 'only the answer to the handshake may come here')
    this.#state = 'open'
    this.emit('element', this.#createElement('handshake'))
    this.#reader.accepted()
  }

  #onError(element: Element): void {
    this.stop()
    const name = element.getChildElements()[0]?.name
    const condition = streamConditions.find((known) => known === name) ?? 'undefined-condition'
    const text = element.getChildText('text') ?? ''
    this.#reader.serverError(condition, text.slice(0, TEXT_LENGTH))
  }

  #break(condition: StreamCondition, text: string): void {
    this.stop()
    this.#reader.broken(condition, text)
  }
}
