import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Crossing, NodeLife } from '../passage.ts'
import { Scanner, type Stanza } from '../scan.ts'
import { microseconds, USERS } from '../wire.ts'

const NS = "xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"
const PROOF = 'chaos-proof.'

export interface StubServerHandler {
  /** What a node sends, but for the answers to what it was asked for as proof. */
  stanza(stanza: Stanza, link: StubLink): void
  /** The node has proven that it has read the first `crossing.confirmed` stanzas of the link. */
  proven?(link: StubLink): void
}

/**
 * An XMPP server's component port that takes a link of each node, at a port for each, so that it is known whose a link
 * is. A link on which the node has said goodbye gets nothing more.
 */
export class StubServer {
  readonly #handler: StubServerHandler
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  /** Every link that was ever up. */
  readonly links: StubLink[] = []

  constructor(handler: StubServerHandler) {
    this.#handler = handler
  }

  /** Opens a port for one more node. */
  async openPort(life: () => NodeLife): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket, life))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#servers.push(server)
    return (server.address() as AddressInfo).port
  }

  /** Links that take stanzas now. */
  get open(): readonly StubLink[] {
    return this.links.filter(({ isOpen }) => isOpen)
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket, life: () => NodeLife): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    const link: StubLink = new StubLink(socket, life(), {
      opened: () => this.links.push(link),
      stanza: (stanza) => this.#handler.stanza(stanza, link),
      proven: () => this.#handler.proven?.(link),
    })
  }
}

interface LinkEvents {
  opened(): void
  stanza(stanza: Stanza): void
  proven(): void
}

/** One link of a node, from its header on. */
export class StubLink {
  readonly crossing: Crossing
  /** The handshake is answered, and neither side has said goodbye. */
  isOpen = false
  /** The node ended the stream in order. */
  hasSaidGoodbye = false
  readonly #socket: Socket
  readonly #events: LinkEvents
  readonly #id = randomBytes(8).toString('hex')
  #proofs = 0
  readonly #asked = new Map<string, number>()

  constructor(socket: Socket, life: NodeLife, events: LinkEvents) {
    this.#socket = socket
    this.#events = events
    this.crossing = { life, passed: 0, confirmed: 0, ended: undefined }
    const scanner = new Scanner({
      header: () => socket.write(`<stream:stream ${NS} id='${this.#id}'>`),
      stanza: (stanza) => this.#take(stanza),
      footer: () => this.#goodbye(),
    })
    socket.on('data', (chunk) => scanner.push(chunk))
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      this.isOpen = false
      this.crossing.ended = microseconds()
    })
  }

  /** Whether more can be sent without piling up. */
  get hasRoom(): boolean {
    return this.isOpen && !this.#socket.writableNeedDrain
  }

  /** So many stanzas. Returns the position of the last one. */
  send(text: string, stanzas: number): number {
    this.#socket.write(text)
    this.crossing.passed += stanzas
    return this.crossing.passed
  }

  /** The connection goes with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Asks the node for proof of what it has read. */
  askForProof(): void {
    if (!this.isOpen) return
    // An answer that a dead node had written down comes by the link of its heir: it proves nothing of that one.
    const id = `${PROOF}${this.#id}.${++this.#proofs}`
    this.#asked.set(id, this.crossing.passed)
    this.#socket.write(
      `<iq type='get' id='${id}' from='tap@${USERS}/r' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>`,
    )
  }

  #take(stanza: Stanza): void {
    const { kind, id, type, from, to, child } = stanza
    if (kind === 'handshake') return this.#admit()
    if (kind === 'stream:error') return
    if (kind === 'iq' && id.startsWith(PROOF)) {
      if (type === 'result') this.#prove(id)
      return
    }
    // The link's own probe, from its domain to itself: a server brings it back, or answers it.
    if (kind === 'iq' && type === 'get' && child === 'ping') {
      this.#socket.write(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
    } else this.#events.stanza(stanza)
  }

  #prove(id: string): void {
    this.crossing.confirmed = Math.max(this.crossing.confirmed, this.#asked.get(id) ?? 0)
    this.#asked.delete(id)
    this.#events.proven()
  }

  /** The scanner reads no text: that the digest is right is for other tests. */
  #admit(): void {
    this.isOpen = true
    this.#socket.write('<handshake/>')
    this.#events.opened()
  }

  #goodbye(): void {
    this.hasSaidGoodbye = true
    this.isOpen = false
    this.#socket.end('</stream:stream>')
  }
}
