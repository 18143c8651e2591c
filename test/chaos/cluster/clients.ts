import { ComponentStream } from '../component.ts'
import type { Incarnation, Ledger } from '../ledger.ts'
import type { Stanza } from '../scan.ts'
import { microseconds, NS, SECRET } from '../wire.ts'
import type { ClusterNode } from './node.ts'

const REDIAL_MS = 20

export interface ClientOptions {
  readonly name: string
  readonly domain: string
  /** Its list of addresses, tried in order from `first` on. */
  readonly nodes: readonly ClusterNode[]
  readonly first: number
  readonly ledger: Ledger
}

/** An instance in this process: when its stream ends it connects to the next node on its list. */
export class Client {
  readonly incarnations: Incarnation[] = []
  readonly #options: ClientOptions
  #next: number
  #stream: ComponentStream | undefined
  #isOnline = false
  #isOver = false
  #online: () => void = () => {}
  /** Streams that ended with the node that they were connected to. */
  readonly #endings = new Map<ClusterNode, Incarnation>()

  constructor(options: ClientOptions) {
    this.#options = options
    this.#next = options.first
  }

  /** Resolves when it is in for the first time. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#online = resolve
      this.#dial()
    })
  }

  get isOnline(): boolean {
    return this.#isOnline
  }

  pause(): void {
    this.#stream?.pause()
  }

  resume(): void {
    this.#stream?.resume()
  }

  stop(): void {
    this.#isOver = true
    this.#stream?.close()
  }

  /** The node has been killed: what the client has not confirmed may come again. */
  lost(node: ClusterNode): void {
    const incarnation = this.#endings.get(node)
    if (incarnation?.ending === 'alive') incarnation.ending = 'node'
  }

  #dial(): void {
    const { name, domain, nodes } = this.#options
    const node = nodes[this.#next++ % nodes.length]!
    const incarnation: Incarnation = { name: `${name}.${this.incarnations.length + 1}`, ending: 'alive' }
    const stream = new ComponentStream(
      { port: node.port, domain, secret: SECRET },
      {
        ready: () => {
          this.#isOnline = true
          this.incarnations.push(incarnation)
          this.#endings.set(node, incarnation)
          this.#online()
        },
        stanza: (stanza) => this.#take(stanza, incarnation, stream),
        ended: () => this.#ended(),
      },
    )
    this.#stream = stream
  }

  #take({ kind, type, id, from, to, n, child }: Stanza, incarnation: Incarnation, stream: ComponentStream): void {
    if (kind === 'iq' && (type === 'result' || type === 'error')) return
    this.#options.ledger.deliver(n === '' ? id : n, incarnation, microseconds())
    if (child !== 'q') return
    stream.write(`<iq type='result' id='${id}' from='${to}' to='${from}'><a xmlns='${NS}' n='${n}'/></iq>`)
  }

  #ended(): void {
    this.#isOnline = false
    if (!this.#isOver) setTimeout(() => this.#dial(), REDIAL_MS)
  }
}
