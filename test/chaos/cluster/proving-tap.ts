import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Crossing, NodeLife, Passage } from '../passage.ts'
import { Scanner, type Stanza } from '../scan.ts'
import { microseconds, USERS } from '../wire.ts'
import { Cutter } from './cutter.ts'

export interface ProvingTapPlan {
  /** The XMPP server's component port. */
  readonly serverPort: number
  /** The node that dials, as it is now. */
  readonly life: () => NodeLife
  readonly inward: (stanza: Stanza, passage: Passage) => void
  readonly outward: (stanza: Stanza) => void
}

const PROVE_EVERY_MS = 50
const ID = 'chaos-proof.'
/** Switchyard's own address: it answers there itself, on the link by which it was asked. */
const SWITCHYARD = 'switchyard.localhost'

/**
 * Stands between one node and the XMPP server. As the node may be killed at any byte, what was written to it says nothing;
 * so it is asked for proof: into the server's stream, between two stanzas, a ping to Switchyard's own address is put every
 * now and then, and its answer taken out of the node's. A component's stream is read in order: all before an answered
 * ping has been read.
 */
export class ProvingTap {
  readonly crossings: Crossing[] = []
  readonly #plan: ProvingTapPlan
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(plan: ProvingTapPlan) {
    this.#plan = plan
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#accept(near))
  }

  static async open(plan: ProvingTapPlan): Promise<ProvingTap> {
    const tap = new ProvingTap(plan)
    tap.#server.listen(0, '127.0.0.1')
    await once(tap.#server, 'listening')
    return tap
  }

  /** Where the node dials. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(near: Socket): void {
    const far = connect({ port: this.#plan.serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    const crossing: Crossing = { life: this.#plan.life(), passed: 0, confirmed: 0, ended: undefined }
    this.crossings.push(crossing)
    const proof = new Proof(crossing)
    this.#passInward(far, near, proof)
    this.#passOutward(near, far, proof)
    const timer = setInterval(() => near.writable && send(near, proof.ask()), PROVE_EVERY_MS)
    near.on('close', () => {
      clearInterval(timer)
      crossing.ended = microseconds()
    })
  }

  /** Everything that the server gives is seen, also what a node that has died takes no more. */
  #passInward(far: Socket, near: Socket, proof: Proof): void {
    const { crossing } = proof
    const scanner = new Scanner({
      stanza: (stanza) => {
        if (stanza.kind === 'handshake') proof.isOpen = true
        else if (stanza.kind !== 'stream:error') {
          this.#plan.inward(stanza, { crossing, position: ++crossing.passed, time: microseconds() })
        }
      },
      footer: () => {
        proof.isOpen = false
      },
    })
    pass(far, near, (unit) => {
      scanner.push(Buffer.from(unit, 'latin1'))
      return true
    })
  }

  #passOutward(near: Socket, far: Socket, proof: Proof): void {
    let isProof = false
    const scanner = new Scanner({
      stanza: (stanza) => {
        isProof = stanza.kind === 'iq' && stanza.id.startsWith(ID)
        if (isProof && stanza.type === 'result') proof.answered(stanza.id)
        else if (!isProof) this.#plan.outward(stanza)
      },
    })
    pass(near, far, (unit) => {
      isProof = false
      scanner.push(Buffer.from(unit, 'latin1'))
      return !isProof
    })
  }
}

/** What a node was asked on one connection, and how far its answers prove that it has read. */
class Proof {
  readonly crossing: Crossing
  /** The handshake is over, and the stream is not. */
  isOpen = false
  readonly #asked = new Map<string, number>()
  /** An answer that a dead node had written down comes by the link of its heir: it proves nothing of that one. */
  readonly #name = randomBytes(6).toString('hex')
  #count = 0
  #last = 0

  constructor(crossing: Crossing) {
    this.crossing = crossing
  }

  /** A ping, if anything has passed since the last one. */
  ask(): string {
    const { passed } = this.crossing
    if (!this.isOpen || passed === this.#last) return ''
    this.#last = passed
    const id = `${ID}${this.#name}.${++this.#count}`
    this.#asked.set(id, passed)
    return `<iq type='get' id='${id}' from='tap@${USERS}/r' to='${SWITCHYARD}'><ping xmlns='urn:xmpp:ping'/></iq>`
  }

  answered(id: string): void {
    this.crossing.confirmed = Math.max(this.crossing.confirmed, this.#asked.get(id) ?? 0)
    this.#asked.delete(id)
  }
}

/** Passes on, unit by unit, what `isMeant` lets through, and at the end what is left. */
function pass(from: Socket, to: Socket, isMeant: (unit: string) => boolean): void {
  const cutter = new Cutter((unit) => {
    if (isMeant(unit) && !send(to, unit)) from.pause()
  })
  from.on('data', (chunk) => cutter.push(chunk))
  to.on('drain', () => from.resume())
  const end = () => {
    send(to, cutter.rest)
    to.end()
  }
  from.on('end', end)
  // A reset: nothing more comes, but the other side may still have much to say.
  from.on('error', () => {})
  from.on('close', () => to.writable && end())
  to.on('close', () => from.resume())
}

function send(to: Socket, text: string): boolean {
  return text === '' || !to.writable || to.write(text, 'latin1')
}
