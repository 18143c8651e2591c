import type { Socket } from 'node:net'
import { type Peer, readProxyHeader } from './proxy-header.ts'

/** Connections of balancers that have not said yet who is behind them. */
export class Introductions {
  /** With what ends the wait for each. */
  readonly #waiting = new Map<Socket, () => void>()

  get size(): number {
    return this.#waiting.size
  }

  /**
   * Reads the header from a connection that has not been read yet. Then `known` gets the peer that it names, or undefined where
   * that is the balancer itself; the socket is paused, and what followed the header will be read from it. Where no header comes
   * in time the socket is destroyed, and `refused` is told; one that ends before its first byte, as a plain health check
   * does, is no matter.
   */
  wait(
    socket: Socket,
    milliseconds: number,
    known: (peer: Peer | undefined) => void,
    refused: (why: string) => void,
  ): void {
    let header: Buffer = Buffer.alloc(0)
    const leave = (): void => {
      clearTimeout(deadline)
      this.#waiting.delete(socket)
      socket.off('data', read).off('end', gone).off('close', gone)
    }
    const refuse = (why: string): void => {
      leave()
      socket.destroy()
      refused(why)
    }
    const gone = (): void => {
      if (header.length > 0) return refuse('it ended amid the PROXY header')
      leave()
      socket.destroy()
    }
    const read = (chunk: Buffer): void => {
      header = header.length === 0 ? chunk : Buffer.concat([header, chunk])
      const found = readProxyHeader(header)
      if (found.kind === 'partial') return
      if (found.kind === 'broken') return refuse(found.why)
      leave()
      socket.pause()
      if (found.length < header.length) socket.unshift(header.subarray(found.length))
      socket.off('error', ignore)
      known(found.peer)
    }
    const deadline = setTimeout(() => refuse('no PROXY header in time'), milliseconds)
    this.#waiting.set(socket, leave)
    // What fails closes, too.
    socket.on('error', ignore).on('end', gone).on('close', gone).on('data', read)
    socket.resume()
  }

  close(): void {
    for (const [socket, leave] of [...this.#waiting]) {
      leave()
      socket.destroy()
    }
  }
}

function ignore(): void {}
