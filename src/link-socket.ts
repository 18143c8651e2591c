import { EventEmitter } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connectTls, type LinkTls } from './link-tls.ts'
import { readingShared } from './stream/reading.ts'
import type { Sink } from './stream/sink.ts'

/**
 * Silence after which the kernel probes the peer. libuv then probes each second and gives up after ten, so a host that
 * is gone is noticed soon after, as long as nothing is in flight.
 */
const TCP_KEEPALIVE_MILLISECONDS = 30_000

/**
 * The socket of a link, TCP or TLS, in the shape that @xmpp/component expects: `connect` is emitted when bytes may be
 * written, which with TLS is not before the server's certificate has been verified. Emits connect, data, error and, once
 * and always, close. It has an error listener from the first moment to the last.
 */
export class LinkSocket extends EventEmitter implements Sink {
  readonly #tls: LinkTls | undefined
  #socket: Socket | undefined
  #destroyed = false

  constructor(tls: LinkTls | undefined) {
    super()
    this.#tls = tls
    // An `error` event without a listener ends the process, and the library takes its own away when it likes.
    this.on('error', () => {})
  }

  get writableLength(): number {
    return this.#socket?.writableLength ?? 0
  }

  connect(address: { readonly host: string; readonly port: number }): void {
    if (this.#destroyed) return
    const onread = readingShared((chunk) => this.emit('data', chunk))
    const to = { ...address, onread }
    const tls = this.#tls && connectTls(to, this.#tls)
    const socket = tls?.socket ?? connectTcp(to)
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, TCP_KEEPALIVE_MILLISECONDS)
    socket.on(tls === undefined ? 'connect' : 'secureConnect', () => this.emit('connect'))
    // Without it the end would never be told.
    socket.resume()
    socket.on('error', (error) => this.emit('error', tls?.explained(error) ?? error))
    socket.on('close', () => this.emit('close'))
  }

  write(bytes: Uint8Array | string, written: (error?: Error | null) => void): boolean {
    if (this.#socket !== undefined) return this.#socket.write(bytes, written)
    written(new Error('the socket is not connected'))
    return false
  }

  cork(): void {
    this.#socket?.cork()
  }

  uncork(): void {
    this.#socket?.uncork()
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Half-closes, with some last words; whoever calls it sees to it that the socket is destroyed in the end. */
  end(farewell?: string): void {
    if (farewell === undefined) this.#socket?.end()
    else this.#socket?.end(farewell)
  }

  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    if (this.#socket !== undefined) this.#socket.destroy()
    else queueMicrotask(() => this.emit('close'))
  }
}
