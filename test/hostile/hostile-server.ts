import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { errorPattern } from '../stub/instance.ts'
import { type Case, goesOn, type Place } from './case.ts'
import { casesAt } from './catalogue/catalogue.ts'
import { bare, serverHeader } from './catalogue/write.ts'

/** One case as one server plays it to one domain's link. */
export interface Part {
  readonly place: Place
  readonly one: Case
  /** As long as `other.test`, which it stands for. */
  readonly domain: string
}

/** What a link has answered, from one connection. */
export interface Answered {
  readonly part: Part
  /** The condition of the stream error that it ended with; '' for an orderly end. */
  readonly condition: string
  /** All that it has sent since it was played to. */
  readonly said: string
}

/** Every case that a server can play, each with a domain of its own. `waits` and what may take a while are not among them. */
export const parts: readonly Part[] = (['link-header', 'link-handshake', 'link'] as const)
  .flatMap((place) => casesAt(place).map((one) => ({ place, one })))
  .filter(({ one }) => one.answer !== 'waits')
  .map((part, index) => ({ ...part, domain: `h${String(index).padStart(4, '0')}.test` }))

const trailing = bare('', " id='trailing'")
const PIECE = 1460

/** The bytes of a case as they go to a domain of the same length. */
export function inName(domain: string, bytes: Buffer | string): Buffer {
  return Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('other.test', domain), 'latin1')
}

/** An XMPP server with a component port, which plays to each link that comes the case of its domain, every time it comes. */
export class HostileServer {
  readonly #server: Server
  readonly #byDomain = new Map(parts.map((part) => [part.domain, part]))
  readonly #answered: (answered: Answered) => void
  readonly #sockets = new Set<Socket>()

  private constructor(answered: (answered: Answered) => void) {
    this.#answered = answered
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      void this.#play(socket)
    })
  }

  /** `answered` is told what came of each connection. */
  static async listen(answered: (answered: Answered) => void): Promise<HostileServer> {
    const made = new HostileServer(answered)
    made.#server.listen(0, '127.0.0.1')
    await once(made.#server, 'listening')
    return made
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #play(socket: Socket): Promise<void> {
    const peer = hear(socket)
    if (!(await peer.says(/<stream:stream[^>]*>/))) return
    const part = this.#byDomain.get(/ to=["']([^"']+)["']/.exec(peer.said)?.[1] ?? '')
    if (part === undefined) return void socket.destroy()
    const { place, one, domain } = part
    if (place !== 'link-header') {
      socket.write(serverHeader('s1'))
      if (!(await peer.says(/<\/handshake>/))) return
      if (place === 'link') socket.write('<handshake/>')
    }
    peer.said = ''
    const sent = place === 'link-header' ? one.bytes : Buffer.concat([one.bytes, Buffer.from(trailing)])
    await writePieces(socket, inName(domain, sent))
    if (goesOn(one)) {
      // A bounce that has not left goes by the next link.
      if (one.answer === 'bad-request') await peer.says(/<bad-request /)
      socket.write('</stream:stream>')
    }
    await peer.ended
    this.#answered({ part, condition: errorPattern.exec(peer.said)?.[1] ?? '', said: peer.said })
    socket.end()
  }
}

async function writePieces(socket: Socket, bytes: Buffer): Promise<void> {
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length && socket.writable; at += PIECE) {
    if (socket.write(bytes.subarray(at, at + PIECE))) continue
    await new Promise((resolve) => {
      socket.once('drain', resolve)
      socket.once('close', resolve)
    })
  }
}

/** What comes from a socket, and when it has ended. */
function hear(socket: Socket) {
  let changed = (): void => {}
  let isOver = false
  const peer = {
    said: '',
    ended: new Promise<void>((resolve) => {
      const end = (): void => {
        isOver = true
        changed()
        resolve()
      }
      socket.on('end', end)
      socket.on('close', end)
    }),
    /** Whether it comes before the end. */
    async says(pattern: RegExp): Promise<boolean> {
      while (!isOver && !pattern.test(peer.said)) {
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
      return pattern.test(peer.said)
    },
  }
  socket.setEncoding('utf8').on('data', (text: string) => {
    peer.said += text
    changed()
  })
  return peer
}
