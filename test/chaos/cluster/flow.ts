import type { Ledger } from '../ledger.ts'
import { microseconds, NS, nameOf, USERS } from '../wire.ts'
import { DOMAIN } from './stage.ts'
import type { StubLink } from './stub-server.ts'

export interface FlowOptions {
  /** How many bare JIDs send. */
  readonly users: number
  /** Stanzas a second, all together. */
  readonly rate: number
  readonly ledger: Ledger
  /** By which link a user's next stanza is to go; undefined when there is none. */
  readonly linkOf: (user: number) => StubLink | undefined
}

const TICK_MS = 5
/** One in so many is a request. */
const ASK_EVERY = 10
const BODY = 'wherefore art thou '.repeat(8)

/** Numbered stanzas, the users in turn, at an even rate. What no link takes is sent later: nothing is left out. */
export class Flow {
  readonly #options: FlowOptions
  readonly #sequences: number[]
  /** When the last stanza of a user went, and the longest that any user had to wait for a link, in microseconds. */
  readonly #lastSent: number[]
  longestSilence = 0
  sent = 0
  #timer: NodeJS.Timeout | undefined
  #owed = 0
  #user = 0
  /** The longest time between two ticks: this process's own part in any pause, in milliseconds. */
  longestTick = 0

  constructor(options: FlowOptions) {
    this.#options = options
    this.#sequences = Array<number>(options.users).fill(0)
    this.#lastSent = Array<number>(options.users).fill(0)
  }

  start(): void {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.longestTick = Math.max(this.longestTick, now - last)
      this.#owed += ((now - last) / 1000) * this.#options.rate
      last = now
      this.#send()
    }, TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #send(): void {
    const { ledger, users, linkOf } = this.#options
    const time = microseconds()
    const texts = new Map<StubLink, { text: string; names: string[] }>()
    for (; this.#owed >= 1; this.#owed--) {
      const user = this.#user
      const link = linkOf(user)
      if (link === undefined) break
      this.#user = (user + 1) % users
      const batch = texts.get(link) ?? { text: '', names: [] }
      texts.set(link, batch)
      const { name, text } = this.#next(user)
      batch.text += text
      batch.names.push(name)
      ledger.send(name, text.length)
      this.#noteSilence(user, time)
    }
    for (const [link, { text, names }] of texts) {
      const last = link.send(text, names.length)
      names.forEach((name, index) => {
        ledger.reach(name, { crossing: link.crossing, position: last - names.length + 1 + index, time })
      })
      this.sent += names.length
    }
  }

  #noteSilence(user: number, time: number): void {
    const before = this.#lastSent[user]!
    if (before > 0) this.longestSilence = Math.max(this.longestSilence, time - before)
    this.#lastSent[user] = time
  }

  #next(user: number): { readonly name: string; readonly text: string } {
    const sequence = ++this.#sequences[user]!
    const kind = sequence % ASK_EVERY === 0 ? 'get' : 'message'
    const name = nameOf(0, user, sequence, kind)
    const addresses = `from='u${user}@${USERS}/r' to='bot@${DOMAIN}'`
    const text =
      kind === 'get'
        ? `<iq type='get' id='${name}' ${addresses}><q xmlns='${NS}' n='${name}'/></iq>`
        : `<message type='chat' id='${name}' ${addresses}><body>${BODY}</body></message>`
    return { name, text }
  }
}
