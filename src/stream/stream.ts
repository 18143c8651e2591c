import type { Socket } from 'node:net'
import { type Element, parse } from 'ltx'
import { Found, Framer, type FramerLimits } from '../xmpp/framer.ts'
import { newStreamId } from '../xmpp/handshake.ts'
import type { Head } from '../xmpp/head.ts'
import { ns } from '../xmpp/namespaces.ts'
import type { Scanners } from '../xmpp/scanners.ts'
import { type StreamCondition, streamConditions, streamError } from '../xmpp/stream-error.ts'
import {
  type AcceptedDomain,
  acceptHandshake,
  acceptHeader,
  type Credential,
  decoy,
  type FindDomain,
  isRefusal,
  type Refusal,
  streamHeader,
} from './accept.ts'
import type { Flusher } from './flusher.ts'
import { Outbox, type Source } from './outbox.ts'
import { readShared } from './reading.ts'
import { Shaping } from './shaping.ts'
import type { TokenRate } from './token-bucket.ts'

export interface StreamLimits extends FramerLimits {
  /** From accept to handshake; bytes do not reset it. */
  readonly handshake_seconds: number
  /** Bytes before the handshake has been accepted, white space counted. */
  readonly handshake_bytes: number
  /** Above this many bytes to write, whoever feeds the outbox is paused. */
  readonly outbox_bytes: number
}

/** Who let the stream in, and must know when it is over. */
export interface StreamOwner {
  /** The handshake has been proved: who takes the stream's stanzas, or why nobody does. */
  authenticated(stream: Stream, domain: AcceptedDomain, credential: Credential): StreamHandler | StreamCondition
  /** The stream is over: said once, whoever ended it. `condition` is the error that was sent or received, if any. */
  closed(stream: Stream, condition: StreamCondition | undefined): void
}

/** Who takes an authenticated stream's stanzas. */
export interface StreamHandler {
  /** The peer has been told that it is in: what waited for it may follow. */
  opened(): void
  /** `head` is valid during the call. */
  stanza(head: Head): void
  /** The peer has ended its side in order (`</stream:stream>`); the handler closes the stream. */
  footer(): void
  /**
   * As `StreamOwner.closed`. `clean`: after an orderly end the peer closed without an error, so it has read all that it
   * had been written (a socket closed with bytes unread is reset, RFC 1122 §4.2.2.13).
   */
  closed(condition: StreamCondition | undefined, clean: boolean): void
}

/** After our closing tag: how long, and for how many bytes, the peer may go on before the socket is destroyed. */
const LINGER_MILLISECONDS = 1000
const LINGER_BYTES = 1024 * 1024
/** A peer that closes its half of the connection with its closing tag, not after ours, does so within this time. */
const HALF_CLOSE_MILLISECONDS = 50
/** What is kept of a name that is not served, in characters: no domain is longer (RFC 7622 §3.2). */
const MOST_NAME = 1023
/** A peer that ended its stream gets this long to read what it had been written. */
const GOODBYE_MILLISECONDS = 5000

type State = 'header' | 'handshake' | 'open' | 'ending' | 'closed'

/** One component's stream, from accept to close (XEP-0114, with Switchyard as the server). */
export class Stream implements Source {
  readonly id = newStreamId()
  readonly remote: string
  readonly outbox: Outbox
  readonly #socket: Socket
  readonly #owner: StreamOwner
  /** Both are only of use until the stream is open. */
  #find: FindDomain | undefined
  #domain: AcceptedDomain | undefined
  /** The header's name is not served; that is said once what came with the header has been read. */
  #unserved: Refusal | undefined
  readonly #limits: StreamLimits
  readonly #framer: Framer
  #deadline: NodeJS.Timeout | undefined
  #state: State = 'header'
  #domainName: string | undefined
  #handler: StreamHandler | undefined
  #bytesBeforeOpen = 0
  #pauses = 0
  /** How the socket ends says nothing of what the peer has read. */
  #isDoubtful = false
  #lingering: NodeJS.Timeout | undefined
  #discarded = 0
  #shaping: Shaping | undefined

  /**
   * @param accepted and not read yet, but for what its reader has put back; it is of no use to others from now on
   * @param remote the peer's address and port, for people
   */
  constructor(
    accepted: Socket,
    remote: string,
    owner: StreamOwner,
    find: FindDomain,
    limits: StreamLimits,
    scanners: Scanners,
    flusher: Flusher,
  ) {
    const socket = readShared(accepted, (chunk) => this.#read(chunk))
    this.#socket = socket
    this.#owner = owner
    this.#find = find
    this.#limits = limits
    this.remote = remote
    this.#framer = new Framer(scanners)
    // Who lets the stream in gives it the bound of its domain.
    this.outbox = new Outbox(flusher, limits.outbox_bytes, limits.outbox_bytes)
    this.outbox.attach(socket)
    // One timer per stream that is not open yet; an open one has none.
    this.#deadline = setTimeout(
      () => this.close('connection-timeout', 'no handshake in time'),
      limits.handshake_seconds * 1000,
    )
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    // Without a closing tag it is a death; after one it is the peer's half of the close.
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => this.#gone(false))
    socket.on('close', (hadError) => this.#gone(!hadError))
  }

  /** What its header named, served or not. */
  get domainName(): string | undefined {
    return this.#domainName
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Nothing is read from it: what it may have answered is not known. */
  get isPaused(): boolean {
    return this.#pauses > 0
  }

  /** Stops reading until `resume` has been called as often as `pause`. */
  pause(): void {
    if (++this.#pauses === 1) this.#socket.pause()
  }

  resume(): void {
    if (--this.#pauses === 0) this.#socket.resume()
  }

  /** From now on it is read no faster than `rate` says, if that is anything; `paused` is told each time it has to wait. */
  shape(rate: () => TokenRate | undefined, paused: () => void): void {
    this.#shaping = new Shaping(this, rate, paused)
  }

  /**
   * Ends the stream: our header if it has not been sent, the error, the closing tag, then half-close; the peer gets a
   * moment to end its side. Without a condition it is an orderly close.
   */
  close(condition?: StreamCondition, text?: string): void {
    if (this.#state === 'closed') return
    if (this.#unserved !== undefined) ({ condition, text } = this.#unserved)
    const header = this.#state === 'header' ? streamHeader(this.id) : ''
    const error = condition === undefined ? '' : streamError(condition, text)
    this.#finish(condition)
    if (!this.#socket.writable) return this.#destroy()
    this.#end(`${header}${error}</stream:stream>`)
  }

  /**
   * Answers the peer's closing tag with ours, and waits for it to close: what it had been written before, it may still
   * read. The handler's `closed` says whether it did.
   */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#lingering = setTimeout(() => this.#sayGoodbye(), HALF_CLOSE_MILLISECONDS)
    this.#socket.resume()
  }

  /** From here on, a peer that closes has read our closing tag, and so all that came before it. */
  #sayGoodbye(): void {
    this.#socket.end('</stream:stream>')
    this.#lingering = setTimeout(() => this.#gone(false), GOODBYE_MILLISECONDS)
  }

  #read(chunk: Buffer): void {
    let rest = chunk
    if (this.#state === 'header' || this.#state === 'handshake') {
      const allowed = this.#limits.handshake_bytes - this.#bytesBeforeOpen
      this.#bytesBeforeOpen += chunk.length
      this.#dispatch(chunk.subarray(0, allowed))
      if (chunk.length <= allowed) return
      if (!this.isOpen)
        return this.close('policy-violation', `more than ${this.#limits.handshake_bytes} bytes before the handshake`)
      rest = chunk.subarray(allowed)
    }
    if (this.#state !== 'open') return this.#discard(rest.length)
    this.outbox.flusher.onInput?.()
    this.#dispatch(rest)
    if (this.isOpen) this.#shaping?.took(rest.length)
    this.outbox.flusher.took(this)
  }

  #dispatch(chunk: Buffer): void {
    this.#framer.push(chunk)
    while (this.#state !== 'closed' && this.#state !== 'ending') {
      switch (this.#framer.next()) {
        case Found.nothing:
          return this.#unserved && this.close()
        case Found.stanza:
          if (this.#handler === undefined) this.close('not-authorized', 'a stanza before the handshake')
          else this.#handler.stanza(this.#framer.head)
          break
        case Found.header:
          this.#onHeader()
          break
        case Found.element:
          this.#onElement(this.#framer.head)
          break
        case Found.footer:
          this.#onFooter()
          break
        case Found.error:
          this.close(this.#framer.error?.condition, this.#framer.error?.text)
      }
    }
    this.#framer.stop()
  }

  #onHeader(): void {
    const header = this.#framer.header
    const find = this.#find
    if (header === undefined || find === undefined) return
    const accepted = acceptHeader(header, find)
    const isUnserved = isRefusal(accepted) && accepted.condition === 'host-unknown'
    if (isRefusal(accepted) && !isUnserved) return this.close(accepted.condition, accepted.text)
    if (isRefusal(accepted)) this.#unserved = accepted
    this.#domain = isRefusal(accepted) ? decoy : accepted
    this.#domainName = isRefusal(accepted) ? header.to?.slice(0, MOST_NAME) : accepted.name
    this.#state = 'handshake'
    // Made in either case: then it takes as long.
    const named = streamHeader(this.id, this.#domainName)
    this.outbox.appendControl(this.#unserved === undefined ? named : streamHeader(this.id))
  }

  #onElement(head: Head): void {
    const element = parse(head.bytes.toString('utf8'))
    if (element.is('error', ns.streams) || element.name === 'stream:error') return this.#onError(element)
    if (this.#state === 'open') return this.close('unsupported-stanza-type', 'only iq, message and presence')
    const isHandshake = element.name === 'handshake' && (element.attrs.xmlns ?? ns.component) === ns.component
    if (!isHandshake) return this.close('not-authorized', 'only a handshake may come here')
    this.#onHandshake(element.getText().trim())
  }

  #onHandshake(digest: string): void {
    const domain = this.#domain
    const credential = domain && acceptHandshake(digest, this.id, domain)
    if (domain === undefined || credential === undefined || domain === decoy)
      return this.close('not-authorized', 'wrong digest')
    this.#stopWaiting()
    const handler = this.#owner.authenticated(this, domain, credential)
    if (typeof handler === 'string') return this.close(handler)
    this.#state = 'open'
    this.#handler = handler
    this.outbox.appendControl('<handshake/>')
    handler.opened()
  }

  /** Ten thousand may stay for days: what they needed only to come in is let go. */
  #stopWaiting(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    this.#find = undefined
    this.#domain = undefined
  }

  /** The peer says what is wrong and will close (RFC 6120 §4.9.1.1): so do we, without an error of our own. */
  #onError(element: Element): void {
    const name = element.getChildElements()[0]?.name ?? ''
    this.#finish(streamConditions.find((condition) => condition === name) ?? 'undefined-condition')
    this.#end('</stream:stream>')
  }

  #onFooter(): void {
    if (this.#handler === undefined) return this.close()
    this.#handler.footer()
  }

  #onEnd(): void {
    if (this.#state !== 'ending') return this.#gone(false)
    // It closed its half before it can have seen our tag: its socket's end will not tell what it has read.
    if (!this.#socket.writableEnded) this.#isDoubtful = true
  }

  /** The peer has closed its side, or the socket failed: nothing more can be said. */
  #gone(clean: boolean): void {
    this.#finish(undefined, clean && this.#state === 'ending' && !this.#isDoubtful)
    this.#destroy()
  }

  #finish(condition: StreamCondition | undefined, clean = false): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#stopWaiting()
    clearTimeout(this.#lingering)
    this.#shaping?.end()
    this.#handler?.closed(condition, clean)
    this.#handler = undefined
    this.#owner.closed(this, condition)
  }

  /** What is still in the outbox is ours (header, handshake), and goes first: a handler has taken its stanzas by now. */
  #end(text: string): void {
    const control = this.outbox.takeControl()
    this.#socket.end(Buffer.concat([control, Buffer.from(text)]))
    this.#linger()
  }

  /** RFC 6120 §4.4: the peer may end its side too; not for long, and what it sends is discarded. */
  #linger(): void {
    this.#lingering = setTimeout(() => this.#destroy(), LINGER_MILLISECONDS)
    this.#socket.resume()
  }

  #discard(bytes: number): void {
    this.#discarded += bytes
    if (this.#discarded > LINGER_BYTES) this.#destroy()
  }

  #destroy(): void {
    this.#isDoubtful = true
    clearTimeout(this.#lingering)
    this.#socket.destroy()
  }
}
