import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'

export interface Item {
  readonly kind: 'header' | 'stanza' | 'element' | 'footer' | 'broken' | 'end'
  /** Its bytes; of a header and a footer nothing, as those are in `received`. */
  readonly text: string
}

const kinds = { 1: 'header', 2: 'stanza', 3: 'element', 4: 'footer', 5: 'broken' } as const
const limits = { stanza_bytes: 64 * 1024 ** 2, depth: 1000, elements: 1e6, attributes: 4096, namespaces: 4096 }

/** The closing part of a stream that ended with an error, as Switchyard writes it. */
export const errorPattern =
  /<stream:error><([a-z-]+) xmlns='urn:ietf:params:xml:ns:xmpp-streams'\/>(?:<text [^>]*>[^<]*<\/text>)?<\/stream:error><\/stream:stream>$/

/** A component process as a raw socket: it sends the bytes that the test says and takes what comes, in order. */
export class StubInstance {
  readonly socket: Socket
  /** Resolves when the node has ended its side. */
  readonly ended: Promise<void>
  /** Resolves when the socket has closed, whoever closed it. */
  readonly closed: Promise<void>
  /** False: as a component that knows no pings. */
  answersPings = true
  /** As a process that crashes when it reads such a stanza. */
  diesOf: RegExp | undefined
  #isSending = false
  #pongs = ''
  #received = ''
  #streamId = ''
  readonly #framer = new Framer(new Scanners(limits))
  readonly #items: Item[] = []
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {})
    this.ended = new Promise((resolve) => socket.on('end', () => resolve(this.#push({ kind: 'end', text: '' }))))
    this.closed = new Promise((resolve) => socket.on('close', () => resolve(this.#push({ kind: 'end', text: '' }))))
  }

  /** Connects; with `ca` by TLS. Nothing has been sent. */
  static async connect(port: number, ca?: string): Promise<StubInstance> {
    const to = { port, host: '127.0.0.1', allowHalfOpen: true }
    const socket = ca === undefined ? connect(to) : connectTls({ ...to, ca, servername: 'localhost' })
    const stub = new StubInstance(socket)
    await once(socket, ca === undefined ? 'connect' : 'secureConnect')
    return stub
  }

  /** Connects and opens a stream for the domain; the handshake is still to come. */
  static async open(port: number, domain: string, ca?: string): Promise<StubInstance> {
    const stub = await StubInstance.connect(port, ca)
    stub.send(streamHeader(domain))
    await stub.header()
    return stub
  }

  /** An instance that has been let in. */
  static async join(port: number, domain: string, secret = 'swordfish', ca?: string): Promise<StubInstance> {
    const stub = await StubInstance.open(port, domain, ca)
    stub.handshake(secret)
    await stub.accepted()
    return stub
  }

  /** All that has come so far. */
  get received(): string {
    return this.#received
  }
  get streamId(): string {
    return this.#streamId
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Sends in pieces of `size` bytes, each in a turn of its own, until the node has had enough. */
  async sendPieces(bytes: Uint8Array, size: number): Promise<void> {
    this.#isSending = true
    for (let at = 0; at < bytes.length && this.#items.at(-1)?.kind !== 'end'; at += size) {
      this.socket.write(bytes.subarray(at, at + size))
      await new Promise(setImmediate)
    }
    this.#isSending = false
    this.send(this.#pongs)
    this.#pongs = ''
  }

  handshake(secret: string): void {
    this.send(`<handshake>${this.digest(secret)}</handshake>`)
  }

  digest(secret: string): string {
    return createHash('sha1').update(this.#streamId, 'utf8').update(secret, 'utf8').digest('hex')
  }

  async header(): Promise<void> {
    assert.equal((await this.next()).kind, 'header', this.#received)
  }

  /** Awaits the answer to the handshake. */
  async accepted(): Promise<void> {
    const { kind, text } = await this.next()
    assert.deepEqual({ kind, text }, { kind: 'element', text: '<handshake/>' }, this.#received)
  }

  /** The next stanza's bytes; fails when anything else comes. */
  async stanza(): Promise<string> {
    const { kind, text } = await this.next()
    assert.equal(kind, 'stanza', this.#received.slice(-1000))
    return text
  }

  async stanzas(count: number): Promise<string[]> {
    const all: string[] = []
    while (all.length < count) all.push(await this.stanza())
    return all
  }

  /** The condition of the stream error that the stream ends with; '' for an orderly end. Ends our side too. */
  async error(): Promise<string> {
    await this.ended
    this.socket.end()
    await this.closed
    if (!this.#received.endsWith('</stream:stream>')) assert.fail(`no closing tag: ${this.#received.slice(-500)}`)
    return errorPattern.exec(this.#received)?.[1] ?? ''
  }

  /** What comes next, or has come. After the end there is only the end. */
  async next(): Promise<Item> {
    for (;;) {
      const item = this.#items[0]
      if (item?.kind === 'end') return item
      if (item !== undefined) return this.#items.shift() as Item
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Reads nothing more, as a process that hangs. */
  freeze(): void {
    this.socket.pause()
  }

  thaw(): void {
    this.socket.resume()
  }

  /** Ends the stream in order and waits until the node has, too. */
  async leave(): Promise<void> {
    this.socket.end('</stream:stream>')
    await this.closed
  }

  /** The process dies: no closing tag. */
  async die(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #read(chunk: Buffer): void {
    this.#received += chunk.toString('latin1')
    this.#framer.push(chunk)
    for (let found = this.#framer.next(); found !== Found.nothing; found = this.#framer.next()) {
      const kind = kinds[found]
      if (kind === 'header') this.#streamId = this.#framer.header?.id ?? ''
      if (kind === 'stanza' && this.#pong(this.#framer.head.bytes.toString('utf8'))) continue
      const isElement = kind === 'stanza' || kind === 'element'
      this.#push({ kind, text: isElement ? this.#framer.head.bytes.toString('utf8') : '' })
      if (kind === 'broken') return
      if (this.diesOf?.test(this.#framer.head.bytes.toString('utf8'))) return void this.socket.destroy()
    }
  }

  /** Answers Switchyard's own pings, as every component library does (XEP-0199), and hides them from the test. */
  #pong(stanza: string): boolean {
    const ping =
      /^<iq type='get' id='(sy\.\d+)' from='([^']*)' to='([^']*)'><ping xmlns='urn:xmpp:ping'\/><\/iq>$/.exec(stanza)
    if (ping === null) return false
    const [, id, from, to] = ping
    const pong = this.answersPings ? `<iq type='result' id='${id}' from='${to}' to='${from}'/>` : ''
    // Not amid a stanza that is sent in pieces.
    if (this.#isSending) this.#pongs += pong
    else this.send(pong)
    return true
  }

  #push(item: Item): void {
    if (this.#items.at(-1)?.kind === 'end') return
    this.#items.push(item)
    this.#wake()
  }
}

/** The opening tag that a component sends. */
export function streamHeader(domain: string): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`
}

/** An attribute of a stanza's opening tag. */
export function attribute(stanza: string, name: string): string | undefined {
  return new RegExp(`^<[^>]*? ${name}=(?:'([^']*)'|"([^"]*)")`)
    .exec(stanza)
    ?.slice(1)
    .find((value) => value !== undefined)
}
