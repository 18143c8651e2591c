import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Scanner, type Stanza } from './scan.ts'

export interface Tap {
  readonly port: number
  close(): void
}

export interface TapPlan {
  /** Where each connection is passed on to, on 127.0.0.1. */
  readonly dial: () => number
  /** What whoever dialled us sends. */
  readonly up: (stanza: Stanza) => void
  /** What comes back. */
  readonly down: (stanza: Stanza) => void
}

/**
 * Stands between an XMPP server and Switchyard, and sees each stanza that passes: here the one's responsibility ends and
 * the other's begins. What a server loses when it is restarted was never seen here, or was seen to leave.
 */
export async function startTap({ dial, up, down }: TapPlan): Promise<Tap> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ port: dial(), host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    pass(near, far, up)
    pass(far, near, down)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** Everything that `from` gives is read and seen, also where `to` can take it no more. */
function pass(from: Socket, to: Socket, see: (stanza: Stanza) => void): void {
  const scanner = new Scanner({ stanza: see })
  from.on('data', (chunk) => {
    scanner.push(chunk)
    if (to.writable && !to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  // A reset: nothing more comes, but the other side may still have much to say.
  from.on('error', () => {})
  from.on('close', () => to.end())
  to.on('close', () => from.resume())
}
