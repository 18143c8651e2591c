import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** How much is read of one socket at once, in bytes. */
const READ_BYTES = 256 * 1024

/** Where what a socket has read stands until its owner has seen it: one for all, as one is read at a time. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/** What a socket has that a server has accepted; Node's own type leaves it out. */
interface Accepted {
  _handle?: object | null
}

/**
 * Reads a socket that has been accepted and not read yet: calls `read` with what comes, which is valid during the call.
 * Returns the socket to be used in place of the given one, which is of no more use.
 *
 * Node makes a new buffer of 64 KiB for every read. Garbage of that kind, and the memory that it is always new in, cost an
 * eighth of what a stanza costs. For sockets that dial it can read into a buffer of ours (`onread`); one that a server has
 * accepted has to be made anew around its handle for that. With TLS, or should a later Node have no such handle, it is
 * read as usual.
 */
export function readShared(socket: Socket, read: (chunk: Buffer) => void): Socket {
  const accepted = socket as Accepted
  const handle = accepted._handle
  if (socket instanceof TLSSocket || typeof handle !== 'object' || handle === null) {
    socket.on('data', read)
    return socket
  }
  accepted._handle = null
  const callback = (bytes: number, buffer: Buffer): boolean => {
    read(buffer.subarray(0, bytes))
    return true
  }
  const options = { handle, allowHalfOpen: socket.allowHalfOpen, onread: { buffer: shared, callback } }
  const own = new Socket(options)
  // Without it `end` would never be told.
  own.resume()
  return own
}
