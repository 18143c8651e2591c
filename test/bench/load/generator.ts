import type { Socket } from 'node:net'

/** Writes prepared blocks as fast as a socket takes them. */
export class Generator {
  readonly #socket: Socket
  readonly #blocks: readonly Buffer[]
  #next: number
  #isStopped = false
  /** Handed to the socket so far. */
  bytes = 0

  /** @param first which block comes first, so that several generators do not go in step */
  constructor(socket: Socket, blocks: readonly Buffer[], first = 0) {
    this.#socket = socket
    this.#blocks = blocks
    this.#next = first
    // Whatever comes back (bounces, pings) is read, or the server would have to keep it.
    socket.resume()
  }

  start(): void {
    this.#pump()
  }

  stop(): void {
    this.#isStopped = true
  }

  #pump(): void {
    while (!this.#isStopped) {
      const block = this.#blocks[this.#next++ % this.#blocks.length]
      if (block === undefined) return
      this.bytes += block.length
      if (this.#socket.write(block)) continue
      this.#socket.once('drain', () => this.#pump())
      return
    }
  }
}
