import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Stanza {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly id: string
  /** Empty where the stanza has none. */
  readonly type: string
  /** The whole stanza. */
  readonly text: string
}

export interface RawOptions {
  /** Of the component listener on 127.0.0.1. */
  readonly port: number
  readonly domain: string
  readonly secret: string
}

const PIECE = 64 * 1024
/** Whole stanzas as the tests write them: none has a child of its own name. */
const STANZA = /<(message|iq|presence)\b[^>]*?(?:\/>|>.*?<\/\1>)/gs

/**
 * A component on a bare socket, for traffic by the hundred thousand: keeps the stanzas that come, waits where the
 * gateway makes it wait, and can stop reading. It knows nothing of Switchyard's own parser.
 */
export class RawInstance {
  readonly socket: Socket
  /** Resolves when the socket has closed, whoever closed it. */
  readonly closed: Promise<void>
  /** All that have come, in order. */
  readonly stanzas: Stanza[] = []
  answersPings = true
  /** Told of each stanza as it comes: so that an order over several instances is seen. */
  onStanza: ((stanza: Stanza) => void) | undefined
  /** The condition of the stream error that came. */
  streamError: string | undefined
  readonly #domain: string
  /** Pings that it was not to answer. */
  readonly #owed: Stanza[] = []
  #isOnline = false
  #isOver = false
  #rest = ''
  #pings = 0
  #more: Promise<void>
  #wake: () => void = () => {}

  private constructor(socket: Socket, domain: string) {
    this.socket = socket
    this.#domain = domain
    this.#more = this.#nextChange()
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => this.#read(text))
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isOver = true
        this.#changed()
        resolve()
      })
    })
  }

  /** Online when this resolves; rejects when it is refused. */
  static async connect({ port, domain, secret }: RawOptions): Promise<RawInstance> {
    // Or the kernel may send the last that one says after the first that the next one does.
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const instance = new RawInstance(socket, domain)
    instance.send(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`,
    )
    const id = await instance.#taken(/<stream:stream[^>]* id='([^']*)'[^>]*>/)
    instance.send(`<handshake>${createHash('sha1').update(`${id}${secret}`, 'utf8').digest('hex')}</handshake>`)
    await instance.#taken(/(<handshake\/>)/)
    instance.#isOnline = true
    instance.#parse()
    return instance
  }

  send(xml: string): void {
    this.socket.write(xml)
  }

  /** All of them, as fast as the gateway reads them. */
  async sendAll(stanzas: Iterable<string>): Promise<void> {
    let piece = ''
    for (const stanza of stanzas) {
      piece += stanza
      if (piece.length < PIECE) continue
      if (!this.socket.write(piece)) await once(this.socket, 'drain')
      piece = ''
    }
    this.send(piece)
  }

  /** Resolves when the gateway has read all that was sent before: it answers a ping at its own address. */
  async settled(): Promise<void> {
    const id = `settled-${++this.#pings}`
    this.send(
      `<iq type='get' from='${this.#domain}' to='switchyard.localhost' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`,
    )
    await this.waitFor((stanza) => stanza.id === id)
  }

  /** Resolves when something has come, or the socket has closed. */
  more(): Promise<void> {
    return this.#more
  }

  /** The first stanza, past or to come, that matches; rejects when the socket closes before. */
  async waitFor(match: (stanza: Stanza) => boolean): Promise<Stanza> {
    for (let looked = 0; ; ) {
      for (; looked < this.stanzas.length; looked++) if (match(this.stanzas[looked]!)) return this.stanzas[looked]!
      if (this.#isOver) throw new Error(`the socket has closed (${this.streamError ?? 'no stream error'})`)
      await this.more()
    }
  }

  /** All stanzas once there are `count` of them. */
  async waitForCount(count: number): Promise<readonly Stanza[]> {
    await until([this], () => this.stanzas.length >= count)
    return this.stanzas
  }

  /** Reads nothing, with its socket open. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Ends its stream in order, and reads on until the gateway has closed it. */
  async leave(): Promise<void> {
    this.send('</stream:stream>')
    await this.closed
  }

  /** As a crash: no closing tag. */
  async kill(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #read(text: string): void {
    this.#rest += text
    if (this.#isOnline) this.#parse()
    this.#changed()
  }

  #parse(): void {
    const { stanzas, rest } = cutStanzas(this.#rest)
    for (const stanza of stanzas) {
      if (isPing(stanza)) this.#pong(stanza)
      else {
        this.stanzas.push(stanza)
        this.onStanza?.(stanza)
      }
    }
    this.#rest = rest
    this.#noteError()
  }

  /** As every component library does (XEP-0199): that is how Switchyard learns that what came before has been read. */
  #pong(ping: Stanza): void {
    if (!this.answersPings) return void this.#owed.push(ping)
    const { id, from, to } = ping
    this.send(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
  }

  /** Answers pings from now on, and first those that it has not answered. */
  answerOwed(): void {
    this.answersPings = true
    for (const ping of this.#owed.splice(0)) this.#pong(ping)
  }

  #noteError(): void {
    this.streamError ??= /<stream:error><([a-z-]+)/.exec(this.#rest)?.[1]
  }

  /** The first group of `pattern` in what has come, which is consumed to its end. */
  async #taken(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#rest)
      if (match !== null) {
        this.#rest = this.#rest.slice(match.index + match[0].length)
        return match[1]!
      }
      this.#noteError()
      if (this.#isOver) throw new Error(`refused: ${this.streamError ?? this.#rest}`)
      await this.more()
    }
  }

  #changed(): void {
    const wake = this.#wake
    this.#more = this.#nextChange()
    wake()
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** Resolves when `holds`, which is asked again as stanzas come for any of `instances`; rejects when all have closed. */
export async function until(instances: readonly RawInstance[], holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (instances.every(({ socket }) => socket.closed)) throw new Error('all sockets have closed')
    await Promise.race(instances.map((instance) => instance.more()))
  }
}

/** The whole stanzas at the beginning of a stream's text, and what comes after them. */
export function cutStanzas(text: string): { readonly stanzas: readonly Stanza[]; readonly rest: string } {
  const stanzas: Stanza[] = []
  let end = 0
  for (const match of text.matchAll(STANZA)) {
    end = match.index + match[0].length
    stanzas.push(toStanza(match[1]!, match[0]))
  }
  return { stanzas, rest: text.slice(end) }
}

function isPing({ name, type, text }: Stanza): boolean {
  return name === 'iq' && type === 'get' && text.includes(`<ping xmlns='urn:xmpp:ping'/>`) && text.includes(" id='sy.")
}

function toStanza(name: string, text: string): Stanza {
  const tag = text.slice(0, text.indexOf('>'))
  const value = (key: string) => new RegExp(`\\s${key}=(["'])(.*?)\\1`).exec(tag)?.[2] ?? ''
  return { name, from: value('from'), to: value('to'), id: value('id'), type: value('type'), text }
}
