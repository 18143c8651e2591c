import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { cutStanzas, type Stanza } from '../stub/raw-instance.ts'

export interface WorkerOptions {
  /** Of the component listener on 127.0.0.1. */
  readonly port: number
  readonly domain: string
  readonly secret: string
  /** How long it takes to answer each stanza, in milliseconds, pings among them; the next one is read meanwhile. */
  readonly milliseconds?: number
}

/** An instance that answers what it is sent, in order and at once or late, and keeps none of it. */
export class Worker {
  readonly #socket: Socket
  readonly #milliseconds: number
  #rest = ''
  /** Stanzas that it has done. */
  done = 0
  /** A stanza that ends the process that reads it. */
  diesOf: RegExp | undefined

  private constructor(socket: Socket, milliseconds: number) {
    this.#socket = socket
    this.#milliseconds = milliseconds
  }

  /** Online when this resolves; rejects when it is refused. */
  static async start({ port, domain, secret, milliseconds = 0 }: WorkerOptions): Promise<Worker> {
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('utf8')
    socket.on('error', () => {})
    const worker = new Worker(socket, milliseconds)
    const open = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`
    socket.write(open)
    let said = ''
    while (!said.includes('<handshake/>')) {
      const [text] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [string | boolean]
      if (typeof text !== 'string') throw new Error(`${domain}: refused: ${said}`)
      said += text
      const id = /<stream:stream[^>]* id='([^']*)'/.exec(said)?.[1]
      if (id === undefined || said.includes('<handshake')) continue
      socket.write(`<handshake>${createHash('sha1').update(`${id}${secret}`).digest('hex')}</handshake>`)
    }
    // A ping may have come with the end of the handshake.
    worker.#read(said.slice(said.indexOf('<handshake/>') + '<handshake/>'.length))
    socket.on('data', (text: string) => worker.#read(text))
    return worker
  }

  send(xml: string): void {
    this.#socket.write(xml)
  }

  /** As a crash: no closing tag. */
  async kill(): Promise<void> {
    if (this.#socket.closed) return
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    await closed
  }

  #read(text: string): void {
    const { stanzas, rest } = cutStanzas(this.#rest + text)
    this.#rest = rest
    for (const stanza of stanzas) {
      if (this.diesOf?.test(stanza.text)) return void this.#socket.destroy()
      if (this.#milliseconds === 0) this.#answer(stanza)
      else setTimeout(() => this.#answer(stanza), this.#milliseconds)
    }
  }

  #answer({ name, type, id, from, to }: Stanza): void {
    this.done++
    if (name === 'iq' && (type === 'get' || type === 'set')) {
      this.#socket.write(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
    }
  }
}
