import { type StubLink, StubServer } from '../chaos/cluster/stub-server.ts'
import { until } from '../chaos/cluster/until.ts'
import { between, pick, type Random } from '../chaos/random.ts'
import type { Stanza } from '../chaos/scan.ts'
import { type Kind, NS, nameOf, USERS } from '../chaos/wire.ts'
import { domains } from './node.ts'
import type { Tally } from './tally.ts'

const TICK_MS = 10
/** How many bare JIDs send. */
const PEOPLE = 60
const mix: readonly Kind[] = ['message', 'message', 'message', 'message', 'presence', 'presence', 'get', 'get', 'set']
const BODY = 'wherefore art thou '.repeat(8)

/**
 * What a node takes for its XMPP server's component port, for one domain: it answers what instances ask the users, and
 * notes what comes back for what the users sent.
 */
export class Channel {
  readonly domain: number
  readonly node: number
  port = 0
  readonly #server: StubServer
  /** It is going to be reset: nothing more is sent. */
  isShut = false

  private constructor(domain: number, node: number, tally: Tally) {
    this.domain = domain
    this.node = node
    this.#server = new StubServer({ stanza: (stanza, link) => take(stanza, link, tally) })
  }

  static async open(domain: number, node: number, tally: Tally): Promise<Channel> {
    const channel = new Channel(domain, node, tally)
    const life = { node: `yard-${node + 1}`, number: 1, troubles: [] }
    channel.port = await channel.#server.openPort(() => life)
    return channel
  }

  /** The link that is up; undefined when there is none. */
  get link(): StubLink | undefined {
    return this.#server.open.at(-1)
  }
  /** How many links there have been. */
  get links(): number {
    return this.#server.links.length
  }

  /** Nothing more is sent, and everything that was sent is known to have been read; then the link is the caller's. */
  async shut(): Promise<StubLink> {
    this.isShut = true
    const link = this.link
    if (link === undefined) throw new Error(`${domains[this.domain]} has no link to node ${this.node + 1}`)
    const target = link.crossing.passed
    link.askForProof()
    await until('a node read all of its link', () => link.crossing.confirmed >= target)
    return link
  }

  close(): void {
    this.#server.close()
  }
}

function take({ kind, type, id, from, to, n, condition }: Stanza, link: StubLink, tally: Tally): void {
  if (type === 'error') tally.answer(id, condition)
  else if (kind !== 'iq') return
  else if (type === 'result') tally.answer(id, 'result')
  else link.send(`<iq type='result' id='${id}' from='${to}' to='${from}'><a xmlns='${NS}' n='${n}'/></iq>`, 1)
}

export interface TrafficOptions {
  readonly channels: readonly Channel[]
  readonly nodes: number
  /** Stanzas a second, all together. */
  readonly rate: number
  readonly random: Random
  readonly tally: Tally
}

/** The users: numbered stanzas of all kinds at an even rate, those of one user always by way of the same node. */
export class Traffic {
  readonly #options: TrafficOptions
  readonly #sequences = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #owed = 0
  /** Of the rate, while a burst lasts. */
  factor = 1

  constructor(options: TrafficOptions) {
    this.#options = options
  }

  start(): void {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#owed += ((now - last) / 1000) * this.#options.rate * this.factor
      last = now
      this.#send()
    }, TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #send(): void {
    const batches = new Map<StubLink, { text: string; stanzas: number }>()
    for (; this.#owed >= 1; this.#owed--) {
      const { random, nodes, channels } = this.#options
      const [user, domain] = [between(random, 0, PEOPLE - 1), between(random, 0, domains.length - 1)]
      const channel = channels.find((one) => one.domain === domain && one.node === user % nodes)
      const link = channel?.isShut === true ? undefined : channel?.link
      // The server is away, or the node pushes back: this user does without.
      if (link === undefined || !link.hasRoom) continue
      const batch = batches.get(link) ?? { text: '', stanzas: 0 }
      batches.set(link, batch)
      batch.text += this.#next(domain, user)
      batch.stanzas++
    }
    for (const [link, { text, stanzas }] of batches) link.send(text, stanzas)
  }

  #next(domain: number, user: number): string {
    const { random, tally } = this.#options
    const key = `${domain}.${user}`
    const sequence = (this.#sequences.get(key) ?? 0) + 1
    this.#sequences.set(key, sequence)
    const kind = pick(random, mix)
    const name = nameOf(domain, user, sequence, kind)
    tally.send(name)
    return stanzaText(name, kind, `from='u${user}@${USERS}/r' to='bot@${domains[domain]}'`)
  }
}

function stanzaText(name: string, kind: Kind, addresses: string): string {
  switch (kind) {
    case 'message':
      return `<message type='chat' id='${name}' ${addresses}><body>${BODY}</body></message>`
    case 'presence':
      return `<presence id='${name}' ${addresses}><show>away</show></presence>`
    case 'get':
    case 'set':
      return `<iq type='${kind}' id='${name}' ${addresses}><q xmlns='${NS}' n='${name}'/></iq>`
  }
}
