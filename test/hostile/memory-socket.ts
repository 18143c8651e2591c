import type { Server, Socket } from 'node:net'
import { Duplex } from 'node:stream'

let ports = 40_000

/** A connection in memory: whoever accepted it gets each chunk just as it was sent. */
export class MemorySocket extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = ports++
  /** Resolves when the other side has ended. */
  readonly ended = new Promise<void>((resolve) => this.once('finish', resolve))
  /** All that has been written to it. */
  received = ''

  constructor() {
    super({ allowHalfOpen: true, readableHighWaterMark: 64 * 1024 ** 2 })
    this.on('error', () => {})
  }

  /** Hands it to a server that listens, as a connection that has just come. */
  static connect(server: Server): MemorySocket {
    const socket = new MemorySocket()
    server.emit('connection', socket as unknown as Socket)
    return socket
  }

  /** In one turn of the event loop, for as long as somebody reads. */
  send(chunks: readonly (string | Buffer)[]): void {
    for (const chunk of chunks) if (!this.destroyed) this.push(chunk)
  }

  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    this.received += chunk.toString('utf8')
    written()
  }
}
