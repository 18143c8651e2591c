import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What a direction passes on, or has to: bytes, or the end of the stream. */
interface Piece {
  readonly due: number
  readonly chunk: Buffer | undefined
}

/**
 * A network that misbehaves, between a client and a server on loopback. While it hangs nothing passes, and nothing is
 * lost: what was sent arrives when it heals, late, as TCP has it.
 */
export class SlowProxy {
  /** Where clients connect. */
  readonly port: number
  readonly #server: Server
  readonly #target: number
  readonly #ways = new Set<Way>()
  readonly #sockets = new Set<Socket>()
  #delay = 0
  #isHung = false
  /** Clients that came while it hung. */
  #waiting: Socket[] = []

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client: Socket) => this.#accept(client))
  }

  /** Passes on to the port `target` of 127.0.0.1. */
  static async open(target: number): Promise<SlowProxy> {
    const server = createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new SlowProxy(server, target)
  }

  /** Every round trip takes so many milliseconds longer. */
  delay(milliseconds: number): void {
    this.#delay = milliseconds / 2
  }

  /** Connections are accepted, or stay as they are, and nothing passes. */
  hang(): void {
    this.#isHung = true
    for (const way of this.#ways) way.hold()
  }

  /** Resets every connection; new ones pass. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket)
    this.#waiting = []
  }

  /** Resets every connection, and refuses new ones. */
  async refuse(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined
    this.#server.close()
    this.cut()
    await closed
  }

  /** Passes everything on again at once, first of all what waits. */
  async heal(): Promise<void> {
    this.#delay = 0
    this.#isHung = false
    for (const way of this.#ways) way.go()
    for (const client of this.#waiting.splice(0)) this.#dial(client)
    if (this.#server.listening) return
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async close(): Promise<void> {
    await this.refuse()
  }

  #accept(client: Socket): void {
    this.#keep(client)
    if (this.#isHung) this.#waiting.push(client)
    else this.#dial(client)
  }

  #dial(client: Socket): void {
    if (client.destroyed) return
    const server = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true })
    this.#keep(server)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const way = new Way(from, to, () => this.#delay)
      if (this.#isHung) way.hold()
      this.#ways.add(way)
      from.on('close', () => {
        this.#ways.delete(way)
        if (!from.readableEnded) reset(to)
      })
    }
  }

  #keep(socket: Socket): void {
    socket.setNoDelay(true)
    this.#sockets.add(socket)
    // Its 'close' says the same.
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** One that has ended its side cannot be reset any more: Node would never let go of it, and not exit. */
function reset(socket: Socket): void {
  if (socket.writableEnded || socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}

/** One direction of a connection: passes on what comes, in order, each piece after the delay that held when it came. */
class Way {
  readonly #from: Socket
  readonly #to: Socket
  readonly #pieces: Piece[] = []
  #timer: NodeJS.Timeout | undefined
  #isHeld = false

  constructor(from: Socket, to: Socket, delay: () => number) {
    this.#from = from
    this.#to = to
    from.on('data', (chunk: Buffer) => this.#take(chunk, delay()))
    from.on('end', () => this.#take(undefined, delay()))
  }

  hold(): void {
    this.#isHeld = true
    this.#from.pause()
    clearTimeout(this.#timer)
  }

  go(): void {
    this.#isHeld = false
    this.#from.resume()
    this.#pass()
  }

  #take(chunk: Buffer | undefined, delay: number): void {
    this.#pieces.push({ due: performance.now() + delay, chunk })
    if (this.#pieces.length === 1) this.#pass()
  }

  #pass(): void {
    if (this.#isHeld) return
    for (;;) {
      const piece = this.#pieces[0]
      if (piece === undefined) return
      const wait = piece.due - performance.now()
      if (wait > 0) {
        clearTimeout(this.#timer)
        this.#timer = setTimeout(() => this.#pass(), wait)
        return
      }
      this.#pieces.shift()
      if (piece.chunk === undefined) this.#to.end()
      else this.#to.write(piece.chunk)
    }
  }
}
