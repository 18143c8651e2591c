import { attribute, StubInstance } from '../stub/instance.ts'

const USERS = 16
/** Between two messages, in milliseconds: 200 per second. */
const PACE = 5
/** For what is on its way when the last has been sent, in milliseconds. */
const PATIENCE = 15_000
/** The shares of delays that are told. */
const P99 = 0.99

export interface UsersReport {
  readonly sent: number
  readonly lost: number
  readonly twice: number
  readonly outOfOrder: number
  readonly bounced: number
  /** From the message to its echo, in milliseconds. */
  readonly p99: number
}

interface Sent {
  readonly user: string
  readonly at: number
  back: number
}

/** Users of an XMPP server who write to `plays.test`, one after the other, and count what is echoed. */
export class Users {
  readonly #component: StubInstance
  readonly #users: readonly string[]
  readonly #sent = new Map<string, Sent>()
  readonly #last = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #twice = 0
  #outOfOrder = 0
  #bounced = 0
  readonly #delays: number[] = []

  private constructor(component: StubInstance, users: readonly string[]) {
    this.#component = component
    this.#users = users
  }

  /**
   * They are `other.test`, a component of the server.
   * @param isOurs whether a user is among those who count: whose messages an honest instance gets
   */
  static async join(port: number, secret: string, isOurs: (user: string) => Promise<boolean>): Promise<Users> {
    const users: string[] = []
    for (let n = 0; users.length < USERS; n++) if (await isOurs(`u${n}@other.test`)) users.push(`u${n}@other.test`)
    const made = new Users(await StubInstance.join(port, 'other.test', secret), users)
    void made.#read()
    return made
  }

  /** Begins to write. */
  write(): void {
    let count = 0
    this.#timer = setInterval(() => {
      const user = this.#users[count % USERS] ?? ''
      const id = `n${count++}`
      this.#sent.set(id, { user, at: performance.now(), back: 0 })
      this.#component.send(
        `<message from='${user}/r' to='b@plays.test' type='chat' id='${id}'><body>${id}</body></message>`,
      )
    }, PACE)
  }

  /** Writes no more, and says what has come of it once all is back, or will not come. */
  async report(): Promise<UsersReport> {
    clearInterval(this.#timer)
    const deadline = performance.now() + PATIENCE
    const lost = (): number => [...this.#sent.values()].filter(({ back }) => back === 0).length
    while (lost() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
    const delays = this.#delays.toSorted((a, b) => a - b)
    return {
      ...{
        sent: this.#sent.size,
        lost: lost(),
        twice: this.#twice,
        outOfOrder: this.#outOfOrder,
        bounced: this.#bounced,
      },
      p99: delays[Math.floor(delays.length * P99)] ?? 0,
    }
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer)
    await this.#component.die()
  }

  async #read(): Promise<void> {
    for (;;) {
      const { kind, text } = await this.#component.next()
      if (kind === 'end') return
      const id = attribute(text, 'id') ?? ''
      const sent = this.#sent.get(id)
      // What the attacker has been allowed to send comes here too.
      if (sent === undefined || !text.startsWith('<message')) continue
      if (attribute(text, 'type') === 'error') this.#bounced++
      if (++sent.back > 1) this.#twice++
      const number = Number(id.slice(1))
      if (number < (this.#last.get(sent.user) ?? -1)) this.#outOfOrder++
      this.#last.set(sent.user, number)
      this.#delays.push(performance.now() - sent.at)
    }
  }
}

/** An honest instance: echoes every message, until its stream ends. */
export async function echo(port: number, secret: string): Promise<StubInstance> {
  const instance = await StubInstance.join(port, 'plays.test', secret)
  const serve = async (): Promise<void> => {
    for (;;) {
      const { kind, text } = await instance.next()
      if (kind === 'end') return
      const [from, id] = [attribute(text, 'from'), attribute(text, 'id')]
      if (kind === 'stanza' && text.startsWith('<message') && from !== undefined && attribute(text, 'type') !== 'error')
        instance.send(`<message from='b@plays.test' to='${from}' id='${id}' type='chat'/>`)
    }
  }
  void serve()
  return instance
}
