import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { Scanner, type Stanza } from './scan.ts'

export interface Address {
  /** On 127.0.0.1. */
  readonly port: number
  readonly domain: string
  readonly secret: string
}

export interface ComponentHandler {
  /** The handshake is answered. */
  ready(localPort: number): void
  stanza(stanza: Stanza): void
  /** The socket is closed, whoever closed it: said once. */
  ended(): void
}

const NS = "xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"

/** A component's stream (XEP-0114) over a bare socket, which answers pings (XEP-0199) and nothing else by itself. */
export class ComponentStream {
  readonly #socket: Socket
  #isReady = false

  constructor({ port, domain, secret }: Address, handler: ComponentHandler) {
    const socket = connect(port, '127.0.0.1')
    this.#socket = socket
    socket.setNoDelay(true)
    const scanner = new Scanner({
      header: (id) => this.write(`<handshake>${createHash('sha1').update(`${id}${secret}`).digest('hex')}</handshake>`),
      stanza: (stanza) => {
        if (stanza.kind === 'handshake') {
          this.#isReady = true
          handler.ready(socket.localPort ?? 0)
        } else if (isPing(stanza)) this.#pong(stanza)
        else if (stanza.kind !== 'stream:error') handler.stanza(stanza)
      },
      footer: () => socket.end('</stream:stream>'),
    })
    socket.on('connect', () => this.write(`<stream:stream ${NS} to='${domain}'>`))
    socket.on('data', (chunk) => scanner.push(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isReady = false
      handler.ended()
    })
  }

  /** Whether more can be sent now. */
  get hasRoom(): boolean {
    return this.#isReady && !this.#socket.writableNeedDrain
  }

  write(text: string | Buffer): void {
    if (this.#socket.writable) this.#socket.write(text)
  }

  /** Ends the stream in order: reads on until the server has closed its side. */
  close(): void {
    this.write('</stream:stream>')
  }

  /** Reads nothing more, with its socket open, until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** The connection goes with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  #pong({ id, from, to }: Stanza): void {
    this.write(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
  }
}

function isPing({ kind, type, child }: Stanza): boolean {
  return kind === 'iq' && type === 'get' && child === 'ping'
}
