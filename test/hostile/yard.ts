import { createHash } from 'node:crypto'
import { Server } from 'node:net'
import { mock } from 'node:test'
import { startGateway, type TestGateway } from '../stub/gateway.ts'
import { componentHeader } from './catalogue/write.ts'
import { MemorySocket } from './memory-socket.ts'

/** Turns of the event loop after which what was sent has had every effect that it will have. */
const MOST_TURNS = 100_000

const config = `
node: yard
listen: [{port: 0}]
domains:
  plays.test: {secret: swordfish, delivery: at_most_once}
  other.test: {secret: swordfish, delivery: at_most_once}
limits: {unauthenticated_per_address: 1024, accepts_per_second: 100000}
drain: {seconds: 0}
log: {level: error}
`

/** A node with its real listener, to which connections come by memory, so that every chunk is read as it was sent. */
export class Yard {
  readonly gateway: TestGateway
  readonly #server: Server
  readonly #witness: MemorySocket

  private constructor(gateway: TestGateway, server: Server, witness: MemorySocket) {
    this.gateway = gateway
    this.#server = server
    this.#witness = witness
  }

  static async start(): Promise<Yard> {
    const listen = mock.method(Server.prototype, 'listen')
    const gateway = await startGateway(config)
    const [server] = listen.mock.calls.map(({ this: made }) => made as Server)
    listen.mock.restore()
    if (server === undefined) throw new Error('the gateway listens nowhere')
    const [sibling, witness] = [MemorySocket.connect(server), MemorySocket.connect(server)]
    // It takes what a stream that ends had not read yet, which would else wait for the next.
    await joinAs(sibling, 'plays.test')
    await joinAs(witness, 'other.test')
    return new Yard(gateway, server, witness)
  }

  stop(): Promise<void> {
    return this.gateway.stop()
  }

  connect(): MemorySocket {
    return MemorySocket.connect(this.#server)
  }

  /** A component of `plays.test` whose handshake is still to come. */
  async open(): Promise<MemorySocket> {
    const socket = this.connect()
    socket.send([componentHeader('plays.test')])
    await until(() => socket.received.includes(' id='))
    socket.received = ''
    return socket
  }

  /** One that has been let in. */
  async join(): Promise<MemorySocket> {
    const socket = this.connect()
    await joinAs(socket, 'plays.test')
    return socket
  }

  /** What `other.test` has been given since the last time. */
  witnessed(): string {
    const text = this.#witness.received
    this.#witness.received = ''
    return text
  }

  /** What it has been given and not been asked for. */
  get seen(): string {
    return this.#witness.received
  }
}

async function joinAs(socket: MemorySocket, domain: string): Promise<void> {
  socket.send([componentHeader(domain)])
  await until(() => socket.received.includes(' id='))
  const id = / id='([^']+)'/.exec(socket.received)?.[1] ?? ''
  socket.send([`<handshake>${createHash('sha1').update(`${id}swordfish`).digest('hex')}</handshake>`])
  await until(() => socket.received.endsWith('<handshake/>'))
  socket.received = ''
}

/** Resolves after so many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

/** Resolves when it is so, or with the turns that it may take; whoever asks says what is wrong then. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS && !isSo(); turn++) await new Promise(setImmediate)
}
