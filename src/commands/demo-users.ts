import { stayConnected } from './demo-failover.ts'
import { connectComponent, type DemoComponent, demoNamespace } from './demo-instance.ts'
import type { Ledger } from './demo-ledger.ts'
import { kindOf, note, RATE, stanzaOf, TICK_MILLISECONDS, USERS } from './demo-sender.ts'

export interface UserGroupPlan {
  /** One group of so many. */
  readonly index: number
  readonly groups: number
  /** Ports of the nodes: its own, then those that it turns to. */
  readonly ports: readonly number[]
  readonly domain: string
  readonly secret: string
  readonly to: string
  readonly ledger: Ledger
  /** Its stream is at this port now, and was at another; it has sent so many stanzas once more. */
  readonly onMoved: (port: number, again: number) => void
}

/**
 * A share of the demo's users, by one component. When its node dies it turns to another, and sends again what has no
 * answer: a node that dies takes along what it had read and not passed on.
 */
export class UserGroup {
  readonly #plan: UserGroupPlan
  #component: DemoComponent | undefined
  #port: number | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #count = 0
  /** Stanzas that it may send by now, and has not. */
  #credit = 0

  constructor(plan: UserGroupPlan) {
    this.#plan = plan
  }

  /** Where its stream is, or was last. */
  get port(): number | undefined {
    return this.#port
  }

  /** Resolves when it has a stream. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      const connect = async (port: number): Promise<DemoComponent> => {
        const component = await this.#connect(port)
        resolve()
        return component
      }
      void stayConnected(this.#plan.ports, connect, () => this.#isOver)
    })
  }

  begin(): void {
    const { groups } = this.#plan
    this.#timer = setInterval(() => {
      // Without a stream its users send nothing, and do not make up for it.
      if (this.#component === undefined) return
      this.#credit += (RATE * TICK_MILLISECONDS) / 1000 / groups
      for (; this.#credit >= 1; this.#credit--) this.#sendOne(this.#component)
    }, TICK_MILLISECONDS)
  }

  /** Sends nothing new; answers are still counted. */
  end(): void {
    clearInterval(this.#timer)
  }

  stop(): void {
    this.end()
    this.#isOver = true
    this.#component?.stop()
  }

  async #connect(port: number): Promise<DemoComponent> {
    const { domain, secret, ledger, onMoved } = this.#plan
    const component = await connectComponent({ port, domain, secret }, (stanza) => note(stanza, ledger, demoNamespace))
    const isMove = this.#port !== undefined
    this.#component = component
    this.#port = port
    void component.gone.then(() => {
      if (this.#component === component) this.#component = undefined
    })
    if (isMove) onMoved(port, this.#sendAgain(component))
    return component
  }

  #sendOne(component: DemoComponent): void {
    const { index, groups, ledger } = this.#plan
    const ours = Math.floor((USERS - index - 1) / groups) + 1
    const count = this.#count++
    const user = index + (count % ours) * groups
    const kind = kindOf(count, ours)
    component.send(stanzaOf({ id: ledger.sent(user, kind), user, kind }, this.#plan, component.xml, demoNamespace))
  }

  #sendAgain(component: DemoComponent): number {
    const { index, groups, ledger } = this.#plan
    let again = 0
    for (const stanza of ledger.waitingFor((user) => user % groups === index)) {
      component.send(stanzaOf(stanza, this.#plan, component.xml, demoNamespace))
      again++
    }
    return again
  }
}
