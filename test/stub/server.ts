import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** A self-signed certificate for `localhost`, made by openssl in a folder that is gone afterwards. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  try {
    const args = ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert]
    execFileSync('openssl', args, { stdio: 'ignore' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * An XMPP server's component port (XEP-0114) that does nothing by itself: the test takes each connection and says, step
 * by step, what the server does with it.
 */
export class StubServer {
  readonly #server: Server
  readonly #connections: StubConnection[] = []
  /** Also those whose TLS handshake fails: they have no StubConnection. */
  readonly #sockets: Socket[] = []
  #taken = 0
  #arrived: () => void = () => {}

  private constructor(server: Server, event: 'connection' | 'secureConnection') {
    this.#server = server
    // A client that refuses our certificate is part of the tests.
    server.on('tlsClientError', () => {})
    server.on('connection', (socket: Socket) => this.#sockets.push(socket))
    server.on(event, (socket: Socket) => {
      this.#connections.push(new StubConnection(socket))
      this.#arrived()
    })
  }

  static async listen(tls?: Certificate): Promise<StubServer> {
    // A peer's half-close must not end our side: the tests say when the server closes.
    const options = { allowHalfOpen: true }
    const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls })
    const stub = new StubServer(server, tls === undefined ? 'connection' : 'secureConnection')
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return stub
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many have connected. */
  get accepted(): number {
    return this.#connections.length
  }

  /** The next connection, come or to come. */
  async connection(): Promise<StubConnection> {
    while (this.#connections.length === this.#taken) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    return this.#connections[this.#taken++]!
  }

  /** Idempotent, so that several tests' ends may say it. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    for (const connection of this.#connections) connection.destroy()
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

export class StubConnection {
  readonly socket: Socket
  /** Resolves when the peer has ended its side, or dropped the connection. */
  readonly ended: Promise<void>
  #received = ''
  #isOver = false
  #changed: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#changed()
    })
    socket.on('error', () => {})
    this.ended = new Promise((resolve) => {
      const over = () => {
        this.#isOver = true
        this.#changed()
        resolve()
      }
      socket.on('end', over)
      socket.on('close', over)
    })
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes)
  }

  /** The text up to the end of the first match of `pattern` that is not yet consumed; fails when the peer ends before. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#received)
      if (match !== null) {
        const end = match.index + match[0].length
        const text = this.#received.slice(0, end)
        this.#received = this.#received.slice(end)
        return text
      }
      if (this.#isOver) assert.fail(`the peer ended after ${JSON.stringify(this.#received)}, before ${pattern}`)
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  /** Awaits the peer's stream header. */
  header(): Promise<string> {
    return this.until(/<stream:stream[^>]*>/)
  }

  /** Awaits the peer's header and sends ours. */
  async open(id = 'stub-1'): Promise<string> {
    const header = await this.header()
    this.send(streamHeader(id))
    return header
  }

  /** Sends our header and awaits the handshake, which must prove the secret; does not answer it. */
  async handshake(secret = 's3cret', id = 'stub-1'): Promise<void> {
    await this.open(id)
    const digest = createHash('sha1').update(id, 'utf8').update(secret, 'utf8').digest('hex')
    assert.equal(await this.until(/<\/handshake>/), `<handshake>${digest}</handshake>`)
  }

  /** Lets the peer in; `more` follows in the same chunk as the answer. */
  async admit(more = ''): Promise<void> {
    await this.handshake()
    this.send(`<handshake/>${more}`)
  }

  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

export function streamHeader(id: string): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='echo.localhost' id='${id}'>`
}

export function streamError(condition: string): string {
  return `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`
}
