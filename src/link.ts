import { type Component, component, xml } from '@xmpp/component'
import { Backoff } from './backoff.ts'
import { LinkParser, type LinkParserOptions, type LinkReader } from './link-parser.ts'
import { LinkProbe } from './link-probe.ts'
import { LinkSocket } from './link-socket.ts'
import type { LinkTenure } from './link-tenure.ts'
import { type LinkTiming, linkTiming } from './link-timing.ts'
import type { LinkTls } from './link-tls.ts'
import type { Outbox, Source } from './stream/outbox.ts'
import type { Head } from './xmpp/head.ts'
import { type StreamCondition, streamError } from './xmpp/stream-error.ts'

export interface LinkOptions extends LinkParserOptions {
  /** The domain that the link logs in as, normalised. */
  readonly domain: string
  readonly host: string
  readonly port: number
  /** With it the link is xmpps: TLS from the first byte, and the server's certificate is verified. */
  readonly tls: LinkTls | undefined
  readonly secret: string
  /** What goes to the server. It outlives every connection: while there is none, it is a queue. */
  readonly outbox: Outbox
  /** Several nodes hold a link of this domain at this server (`links: each`). */
  readonly shared?: boolean
  readonly timing?: Partial<LinkTiming>
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** The clock of `since`, in milliseconds. */
  readonly now?: () => number
}

/** Who takes what a link brings. */
export interface LinkHandler {
  /** `head` is valid during the call. */
  linkStanza(link: Link, head: Head): void
  /** The server has accepted the link. */
  linkUp(link: Link): void
  /** The link was up and is no more: said once for each `linkUp`, and no stanza comes after it. */
  linkDown(link: Link, reason: string): void
  /**
   * It will be dialled again in `milliseconds`; said after every loss and every attempt that failed. `refused`: by the
   * server, for what only somebody's doing, or a timeout of its own, will cure.
   */
  linkRetry?(link: Link, reason: string, milliseconds: number, refused: boolean): void
  /** It ends, and so many bytes of what the server has sent, and whatever comes behind them, are not read: see `Link.tenure`. */
  linkUnread?(link: Link, bytes: number): void
  /** A stream error, for counting. */
  linkError?(condition: StreamCondition, direction: 'sent' | 'received'): void
}

export type LinkState = 'idle' | 'dialing' | 'online' | 'waiting' | 'stopped'

const UNREAD = 'others may have the link by now: what it still brought was left unread'

/** Errors that dialling again soon will not cure; a dead connection that the server still believes in is one of them. */
const patientConditions: readonly StreamCondition[] = ['conflict', 'not-authorized', 'host-unknown', 'see-other-host']

/**
 * One domain's component stream up to an XMPP server (XEP-0114), for as long as the domain is served: dials, logs in,
 * reads, backs off and dials again until it is stopped.
 *
 * @xmpp/component connects and does the handshake, with a socket and a parser of ours in its hooks; each connection has
 * an entity of its own, so none inherits anything, and the next is dialled only when the socket of the one before has
 * closed. Stanzas never meet the library: the parser hands them out as bytes, and the outbox writes to the socket.
 *
 * Besides the probe's there is one timer: a link waits for one thing at a time.
 */
export class Link implements Source {
  readonly domain: string
  readonly outbox: Outbox
  /** By what this node has the link, where it is leased. Once that is over nothing more is read: it may be older than what another has. */
  tenure: LinkTenure | undefined
  readonly #options: LinkOptions
  readonly #handler: LinkHandler
  readonly #timing: LinkTiming
  readonly #now: () => number
  readonly #backoff: Backoff
  readonly #patience: Backoff
  readonly #reader: LinkReader
  readonly #probe: LinkProbe
  #state: LinkState = 'idle'
  #since: number
  #timer: NodeJS.Timeout | undefined
  #socket: LinkSocket | undefined
  #parser: LinkParser | undefined
  /** Set when the connection is being given up: whether the next one can wait. */
  #parting: { readonly patient: boolean } | undefined
  #reason: string | undefined
  /** The first error of this connection, for the reason that is told. */
  #trouble: string | undefined
  #isUp = false
  #pauses = 0
  #stopping: Promise<void> | undefined
  #stopped = () => {}

  constructor(options: LinkOptions, handler: LinkHandler) {
    this.domain = options.domain
    this.outbox = options.outbox
    this.#options = options
    this.#handler = handler
    this.#timing = { ...linkTiming, ...options.timing }
    this.#now = options.now ?? Date.now
    this.#since = this.#now()
    const { retry, patientRetry, mostRetry } = this.#timing
    this.#backoff = new Backoff(retry, mostRetry, options.random)
    this.#patience = new Backoff(patientRetry, mostRetry, options.random)
    this.#probe = new LinkProbe({
      ...{ domain: this.domain, outbox: this.outbox, shared: options.shared ?? false },
      ...{ idle: this.#timing.idle, answer: this.#timing.answer },
      isPaused: () => this.#pauses > 0,
      dead: (reason) => this.#part(reason),
    })
    this.#reader = {
      opened: () => this.#arm(this.#timing.handshake, () => this.#part('the handshake is not answered')),
      accepted: () => this.#accepted(),
      stanza: (head) => this.#stanza(head),
      serverError: (condition, text) => this.#serverError(condition, text),
      footer: () => this.#part('the server closed the stream', '</stream:stream>'),
      broken: (condition, text) => this.#broken(condition, text),
    }
  }

  get state(): LinkState {
    return this.#state
  }

  /** When the state began, in milliseconds. */
  get since(): number {
    return this.#since
  }

  /** Why the last connection ended, until another is up; as the server said it. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** Dials, and from now on keeps the link up. */
  open(): void {
    if (this.#state === 'idle') this.#dial()
  }

  /**
   * Ends the link for good: what the outbox holds is written, then the stream is closed in order, and the stanzas that
   * come until the server has closed its side too are still handed out; all of that for a bounded time. What could not
   * be written stays in the outbox.
   */
  stop(): Promise<void> {
    if (this.#stopping === undefined) {
      this.#stopping = new Promise((resolve) => {
        this.#stopped = resolve
      })
      this.#close()
    }
    return this.#stopping
  }

  /** Stops reading, now or as soon as the link is up, until `resume` has been called as often as `pause`. */
  pause(): void {
    if (++this.#pauses === 1 && this.#state === 'online') this.#socket?.pause()
  }

  resume(): void {
    if (--this.#pauses > 0) return
    this.#probe.heard() // the pause hid what the server said
    if (this.#state === 'online') this.#socket?.resume()
  }

  #dial(): void {
    this.#enter('dialing')
    this.#parting = undefined
    this.#trouble = undefined
    const socket = new LinkSocket(this.#options.tls)
    const parser = new LinkParser(this.#options, this.#reader, xml)
    this.#socket = socket
    this.#parser = parser
    socket.on('connect', () => this.#arm(this.#timing.header, () => this.#part('the server sends no stream header')))
    socket.on('close', () => this.#closed())
    const entity = entityFor(this.#options, socket, parser)
    entity._onData = (chunk) => this.#read(chunk)
    entity.on('error', (error: unknown) => this.#note(error))
    this.#arm(this.#timing.dial, () => this.#part('no connection in time'))
    // What comes of it the socket and the parser say; a rejection only says that nothing will.
    entity
      .connect('')
      .then(() => entity.open({ domain: this.domain }))
      .catch((error: unknown) => {
        this.#note(error)
        socket.destroy()
      })
  }

  #read(chunk: Uint8Array): void {
    this.#probe.heard()
    this.outbox.flusher.onInput?.()
    if (this.tenure?.isOver) return this.#leaveUnread(chunk.length)
    if (this.#parser?.write(chunk) === false) this.#socket?.destroy()
    this.outbox.flusher.took(this)
  }

  /** The server sees its connection lost, so none of this has been read. */
  #leaveUnread(bytes: number): void {
    if (this.#parser === undefined) return
    this.#parser.stop()
    this.#parser = undefined
    if (this.#isUp) this.#handler.linkUnread?.(this, bytes)
    this.#part(UNREAD)
    this.#reason = UNREAD
    this.#socket?.destroy()
  }

  #accepted(): void {
    if (this.#socket === undefined) return
    this.#enter('online')
    this.#isUp = true
    this.#reason = undefined
    if (this.#pauses > 0) this.#socket.pause()
    this.outbox.attach(this.#socket)
    clearTimeout(this.#timer)
    this.#probe.start()
    this.#handler.linkUp(this)
  }

  #stanza(head: Head): void {
    if (!this.#probe.takes(head)) this.#handler.linkStanza(this, head)
  }

  #serverError(condition: StreamCondition, text: string): void {
    this.#handler.linkError?.(condition, 'received')
    const reason = `stream error from the server: ${condition}${text === '' ? '' : ` (${text})`}`
    this.#part(reason, '</stream:stream>', patientConditions.includes(condition))
  }

  #broken(condition: StreamCondition, text: string): void {
    this.#handler.linkError?.(condition, 'sent')
    this.#part(`the server broke the stream: ${condition} (${text})`, `${streamError(condition, text)}</stream:stream>`)
  }

  async #close(): Promise<void> {
    if (this.#socket === undefined) return this.#end()
    if (this.#state === 'waiting') return this.#socket.destroy()
    if (this.#state === 'dialing') return this.#part('stopped')
    await this.outbox.passed(this.#timing.close)
    this.#part('stopped', '</stream:stream>')
  }

  /**
   * Gives the connection up, with some last words or, where none would be heard, without. What the kernel had not taken
   * goes back into the outbox, for the next connection: some of it may arrive twice, none is lost here.
   */
  #part(reason: string, farewell?: string, patient = false): void {
    if (this.#parting !== undefined || this.#socket === undefined) return
    this.#parting = { patient }
    this.#reason = reason
    clearTimeout(this.#timer)
    this.#probe.stop()
    this.outbox.requeue(this.outbox.detach())
    if (this.#stopping === undefined) this.#down(reason)
    if (farewell === undefined) return this.#socket.destroy()
    this.#socket.end(farewell)
    // Nothing that comes is kept, and what comes in a moment is not much.
    this.#arm(this.#timing.close, () => this.#socket?.destroy())
  }

  /** No stanza is handed out from here on; the socket reads on, to see the server close. */
  #down(reason: string): void {
    this.#parser?.stop()
    this.#socket?.resume()
    if (this.#state === 'online' && this.#now() - this.#since >= this.#timing.stable) {
      this.#backoff.reset()
      this.#patience.reset()
    }
    if (this.#state !== 'waiting') this.#enter('waiting')
    if (!this.#isUp) return
    this.#isUp = false
    this.#handler.linkDown(this, reason)
  }

  #closed(): void {
    this.#part(this.#trouble ?? 'the server closed the connection')
    clearTimeout(this.#timer)
    const { patient } = this.#parting ?? { patient: false }
    const reason = this.#reason ?? ''
    if (this.#stopping !== undefined) this.#down(reason)
    this.#socket = undefined
    this.#parser = undefined
    if (this.#stopping !== undefined) return this.#end()
    const delay = (patient ? this.#patience : this.#backoff).next()
    this.#arm(delay, () => this.#dial())
    this.#handler.linkRetry?.(this, reason, delay, patient)
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#enter('stopped')
    this.#stopped()
  }

  #note(error: unknown): void {
    this.#trouble ??= describe(error)
  }

  #enter(state: LinkState): void {
    this.#state = state
    this.#since = this.#now()
  }

  #arm(milliseconds: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, milliseconds)
  }
}

/** An entity that only connects and logs in: by our socket and parser, without middleware, timers or reconnection. */
function entityFor(options: LinkOptions, socket: LinkSocket, parser: LinkParser): Component {
  const { host, port, domain, secret } = options
  // The library hashes the password byte by byte and would cut characters beyond Latin-1 short: it gets UTF-8 bytes.
  const password = Buffer.from(secret, 'utf8').toString('latin1')
  const entity = component({ service: '', domain, password })
  entity.reconnect.stop()
  // The middleware would parse the addresses of what it sees, and throw; nobody else listens yet.
  entity.removeAllListeners('element')
  entity.timeout = 0
  entity.socketParameters = () => ({ host, port })
  entity.Socket = constructing(socket)
  entity.Parser = constructing(parser)
  if (options.shared) {
    const header = entity.headerElement()
    // Openfire admits further streams of a name only if the header asks for it; others pay no heed.
    header.attrs.allowMultiple = 'true'
    entity.headerElement = () => header
  }
  return entity
}

/** A constructor whose `new` gives what there is already: the library makes its socket and its parser that way. */
function constructing<T extends object>(made: T): new () => T {
  return new Proxy(class {} as new () => T, { construct: () => made })
}

/** Some errors of Node have a code and no message (all addresses of a host refused). */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error && String(error.code)) || error.name
}
