import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { componentHeader } from './catalogue/write.ts'

/** Between two looks at what has come, in milliseconds. */
const LOOK_MILLISECONDS = 2
/** For a server to answer a header or a handshake, in milliseconds. */
const ANSWER_MILLISECONDS = 3000
/** A server that takes one stream per domain may still have the one before. */
const JOIN_TRIES = 20

/** A component at any server that speaks XEP-0114, as a socket: nothing of ours reads what comes. */
export class RawComponent {
  readonly socket: Socket
  /** All that has come. */
  received = ''
  isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.received += text
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  /** Connects; nothing has been sent. */
  static async connect(port: number): Promise<RawComponent> {
    const socket = connect({ port, host: '127.0.0.1' })
    const made = new RawComponent(socket)
    await once(socket, 'connect')
    return made
  }

  /** With a stream whose handshake is still to come. */
  static async open(port: number, domain: string): Promise<RawComponent> {
    const made = await RawComponent.connect(port)
    made.send(componentHeader(domain))
    await made.until(() => /<stream:stream[^>]* id=/.test(made.received), ANSWER_MILLISECONDS)
    return made
  }

  /** Let in; throws with what the server has said where it is not. */
  static async join(port: number, domain: string, secret: string): Promise<RawComponent> {
    let said = ''
    for (let n = 0; n < JOIN_TRIES; n++) {
      const made = await RawComponent.open(port, domain)
      const id = /<stream:stream[^>]* id=["']([^"']*)["']/.exec(made.received)?.[1] ?? ''
      made.received = ''
      made.send(`<handshake>${createHash('sha1').update(id).update(secret).digest('hex')}</handshake>`)
      if (await made.until(() => /<handshake[^>]*(\/>|><\/handshake>)/.test(made.received), ANSWER_MILLISECONDS)) {
        made.received = made.received.replace(/^.*?<handshake[^>]*(\/>|><\/handshake>)/s, '')
        return made
      }
      said = made.received
      await made.leave()
      await after(50)
    }
    throw new Error(`${domain} is not let in: ${said}`)
  }

  send(bytes: string | Buffer): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  /** Whether it holds before the connection ends or the time is over. */
  async until(holds: () => boolean, milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds
    while (!holds() && !this.isClosed && performance.now() < deadline) await after(LOOK_MILLISECONDS)
    return holds()
  }

  /** Ends the stream in order; one that the server does not end is cut. */
  async leave(): Promise<void> {
    this.send('</stream:stream>')
    await this.until(() => this.received.includes('</stream:stream>'), 200)
    this.socket.destroy()
    await this.until(() => this.isClosed, 1000)
  }
}
