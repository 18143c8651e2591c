import { type OnReadOpts, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** How much is read of one socket at once, in bytes. */
const READ_BYTES = 256 * 1024

/** Where what a socket has read stands until its owner has seen it: one for all, as one is read at a time. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/**
 * For a socket that dials, its option `onread`: `read` is called with what comes, which is valid during the call. Node makes
 * a new buffer of 64 KiB for every read otherwise. Garbage of that kind, and the memory that it is always new in, cost an
 * eighth of what a stanza costs.
 */
export function readingShared(read: (chunk: Buffer) => void): OnReadOpts {
  return {
    buffer: shared,
    callback: (bytes) => {
      read(shared.subarray(0, bytes))
      return true
    },
  }
}

/** What a socket has that a server has accepted; Node's own type leaves it out. */
interface Accepted {
  _handle?: object | null
}

/**
 * The same for a socket that a server has accepted, and that has not been read yet: what has been put back into it
 * (`unshift`) is read first, once the caller is done. Returns the socket to be used in place of
 * the given one, which is of no more use: Node takes the option for a new socket only, so it is made anew around its handle.
 * With TLS, or should a later Node have no such handle, it is read as usual.
 */
export function readShared(socket: Socket, read: (chunk: Buffer) => void): Socket {
  const accepted = socket as Accepted
  const handle = accepted._handle
  if (socket instanceof TLSSocket || typeof handle !== 'object' || handle === null) {
    socket.on('data', read)
    return socket
  }
  const early: Buffer | null = socket.readableLength > 0 ? socket.read() : null
  accepted._handle = null
  // It is not counted among the server's connections any more, nor is the new one.
  socket.destroy()
  const options = { handle, allowHalfOpen: socket.allowHalfOpen, onread: readingShared(read) }
  const own = new Socket(options)
  // Before anything else of it: that takes a turn of the event loop.
  if (early !== null) queueMicrotask(() => read(early))
  // Without it `end` would never be told.
  own.resume()
  return own
}
