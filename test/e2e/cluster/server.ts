import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { cutStanzas, type Stanza } from '../../stub/raw-instance.ts'
import { streamError, streamHeader } from '../../stub/server.ts'

export const SERVER_SECRET = 's3cret'

/**
 * An XMPP server's component port that admits by itself: one connection per domain, and `conflict` to a second, as
 * Prosody; or several, as ejabberd. It keeps what comes over all of them.
 */
export class ComponentServer {
  /** All that have come over any link, in order of their coming. */
  readonly stanzas: Stanza[] = []
  /** How many were told `conflict`. */
  conflicts = 0
  readonly #server: Server
  readonly #admits: 'one' | 'several'
  readonly #links: ServerLink[] = []
  readonly #sockets = new Set<Socket>()
  #waiting: (() => void)[] = []

  private constructor(server: Server, admits: 'one' | 'several') {
    this.#server = server
    this.#admits = admits
    server.on('connection', (socket: Socket) => this.#accept(socket))
  }

  static async listen(admits: 'one' | 'several'): Promise<ComponentServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ComponentServer(server, admits)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Those that are admitted and live, oldest first. */
  get links(): readonly ServerLink[] {
    return this.#links
  }

  /** Resolves with the live links once there are so many. */
  async linked(count = 1): Promise<readonly ServerLink[]> {
    await this.until(() => this.#links.length === count)
    return [...this.#links]
  }

  /** The first stanza, past or to come, that matches. */
  async waitFor(match: (stanza: Stanza) => boolean): Promise<Stanza> {
    await this.until(() => this.stanzas.some(match))
    return this.stanzas.find(match)!
  }

  /** Resolves when it holds; it is asked again with every stanza and every link that comes or goes. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    const link = new ServerLink(socket, {
      admit: () => this.#admit(link),
      take: (stanzas) => {
        this.stanzas.push(...stanzas)
        this.#changed()
      },
    })
    socket.on('close', () => {
      this.#sockets.delete(socket)
      const at = this.#links.indexOf(link)
      if (at >= 0) this.#links.splice(at, 1)
      this.#changed()
    })
  }

  #admit(link: ServerLink): boolean {
    const isTaken = this.#admits === 'one' && this.#links.length > 0
    if (isTaken) this.conflicts++
    else this.#links.push(link)
    this.#changed()
    return !isTaken
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

interface LinkEvents {
  readonly admit: () => boolean
  readonly take: (stanzas: readonly Stanza[]) => void
}

/** One component connection: header, handshake, and then stanzas, of which it answers the link's own pings. */
export class ServerLink {
  readonly #socket: Socket
  readonly #events: LinkEvents
  readonly #id = randomBytes(8).toString('hex')
  #state: 'header' | 'handshake' | 'online' | 'over' = 'header'
  #rest = ''

  constructor(socket: Socket, events: LinkEvents) {
    this.#socket = socket
    this.#events = events
    socket.setEncoding('utf8')
    socket.on('error', () => {})
    socket.on('data', (text: string) => this.#read(text))
  }

  send(xml: string): void {
    this.#socket.write(xml)
  }

  /** As a server that crashes. */
  kill(): void {
    this.#socket.resetAndDestroy()
  }

  #read(text: string): void {
    this.#rest += text
    if (this.#state === 'header' && this.#taken(/<stream:stream[^>]*>/)) {
      this.#state = 'handshake'
      this.send(streamHeader(this.#id))
    }
    if (this.#state === 'handshake') {
      const digest = this.#taken(/<handshake>([^<]*)<\/handshake>/)
      if (digest !== undefined) this.#answer(digest)
    }
    if (this.#state !== 'online') return
    const { stanzas, rest } = cutStanzas(this.#rest)
    this.#rest = rest
    if (stanzas.length > 0) this.#events.take(stanzas)
  }

  #answer(handshake: string): void {
    const digest = createHash('sha1').update(`${this.#id}${SERVER_SECRET}`).digest('hex')
    const condition = !handshake.includes(digest) ? 'not-authorized' : this.#events.admit() ? undefined : 'conflict'
    this.#state = condition === undefined ? 'online' : 'over'
    if (condition === undefined) this.send('<handshake/>')
    else this.#socket.end(streamError(condition))
  }

  /** What matches at the beginning of what has come, which is consumed. */
  #taken(pattern: RegExp): string | undefined {
    const match = pattern.exec(this.#rest)
    if (match === null) return undefined
    this.#rest = this.#rest.slice(match.index + match[0].length)
    return match[0]
  }
}
