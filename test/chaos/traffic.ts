import { ComponentStream } from './component.ts'
import type { Ledger } from './ledger.ts'
import { between, pick, type Random } from './random.ts'
import type { Stanza } from './scan.ts'
import { type Kind, kinds, NS, nameOf, SECRET, USERS } from './wire.ts'

export interface TrafficOptions {
  readonly port: number
  readonly domains: readonly string[]
  /** How many bare JIDs send. */
  readonly users: number
  /** Stanzas a second, all together. */
  readonly rate: number
  readonly random: Random
  readonly ledger: Ledger
}

const TICK_MS = 10
const REDIAL_MS = 200
/** More of one kind, as in life. */
const mix: readonly Kind[] = [...kinds, 'message', 'message', 'presence', 'get']

/**
 * The users: one component beside Switchyard's domains that sends numbered stanzas from many bare JIDs, and answers what
 * instances ask. It comes back when the server does.
 */
export class Traffic {
  readonly #options: TrafficOptions
  readonly #sequences = new Map<string, number>()
  #stream: ComponentStream | undefined
  #timer: NodeJS.Timeout | undefined
  #owed = 0
  #isOver = false
  #online: () => void = () => {}

  constructor(options: TrafficOptions) {
    this.#options = options
  }

  /** Resolves once the users are online for the first time. */
  connect(): Promise<void> {
    return new Promise((resolve) => {
      this.#online = resolve
      this.#dial()
    })
  }

  start(): void {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#owed += ((now - last) / 1000) * this.#options.rate
      last = now
      this.#send()
    }, TICK_MS)
  }

  /** Sends nothing more, and answers on. */
  pause(): void {
    clearInterval(this.#timer)
  }

  stop(): void {
    this.pause()
    this.#isOver = true
    this.#stream?.close()
  }

  #dial(): void {
    const { port } = this.#options
    this.#stream = new ComponentStream(
      { port, domain: USERS, secret: SECRET },
      {
        ready: () => this.#online(),
        stanza: (stanza) => this.#take(stanza),
        ended: () => {
          if (!this.#isOver) setTimeout(() => this.#dial(), REDIAL_MS)
        },
      },
    )
  }

  #send(): void {
    const stream = this.#stream
    // What could not be sent in time is not caught up with: the server is away, or pushes back.
    if (stream === undefined || !stream.hasRoom) this.#owed = 0
    else if (this.#owed >= 1) {
      let text = ''
      for (; this.#owed >= 1; this.#owed--) text += this.#next()
      stream.write(text)
    }
  }

  #next(): string {
    const { domains, users, random, ledger } = this.#options
    const [domain, user, kind] = [
      between(random, 0, domains.length - 1),
      between(random, 0, users - 1),
      pick(random, mix),
    ]
    const key = `${domain}.${user}`
    const sequence = (this.#sequences.get(key) ?? 0) + 1
    this.#sequences.set(key, sequence)
    const name = nameOf(domain, user, sequence, kind)
    const text = stanzaText(name, kind, `from='u${user}@${USERS}/r' to='bot@${domains[domain]}'`)
    ledger.send(name, text.length)
    return text
  }

  #take({ kind, type, id, from, to, n }: Stanza): void {
    const { ledger } = this.#options
    if (type === 'error' || type === 'result') return ledger.return(id)
    if (kind !== 'iq') return
    this.#stream?.write(`<iq type='result' id='${id}' from='${to}' to='${from}'><a xmlns='${NS}' n='${n}'/></iq>`)
  }
}

function stanzaText(name: string, kind: Kind, addresses: string): string {
  switch (kind) {
    case 'message':
      return `<message type='chat' id='${name}' ${addresses}><body>${'wherefore art thou '.repeat(8)}</body></message>`
    case 'presence':
      return `<presence id='${name}' ${addresses}><show>away</show></presence>`
    case 'get':
    case 'set':
      return `<iq type='${kind}' id='${name}' ${addresses}><q xmlns='${NS}' n='${name}'/></iq>`
  }
}
