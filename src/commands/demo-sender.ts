import type { ComponentPlan, DemoComponent, Stanza } from './demo-instance.ts'
import type { Ledger, Sent, Unanswered } from './demo-ledger.ts'

export const USERS = 200
/** Stanzas per second: enough to see shares, little enough for any machine. */
export const RATE = 400
export const TICK_MILLISECONDS = 25
/** One stanza in so many is a request (an iq get); the others are messages. */
const REQUEST_EVERY = 5

export interface SenderPlan extends ComponentPlan {
  /** The domain that the users write to. */
  readonly to: string
  readonly ledger: Ledger
}

/** The users of the demo: one component that sends in their names, and keeps the ledger. */
export class Sender {
  readonly #plan: SenderPlan
  readonly #component: DemoComponent
  readonly #namespace: string
  #timer: NodeJS.Timeout | undefined
  #count = 0

  /** Rejects when the node does not let it in. */
  static async start(plan: SenderPlan): Promise<Sender> {
    // Whoever does not run the demo does not load the library.
    const { connectComponent, demoNamespace } = await import('./demo-instance.ts')
    const component = await connectComponent(plan, (stanza) => note(stanza, plan.ledger, demoNamespace))
    return new Sender(plan, component, demoNamespace)
  }

  private constructor(plan: SenderPlan, component: DemoComponent, namespace: string) {
    this.#plan = plan
    this.#component = component
    this.#namespace = namespace
  }

  begin(): void {
    this.#timer = setInterval(() => {
      for (let i = 0; i < (RATE * TICK_MILLISECONDS) / 1000; i++) this.#sendOne()
    }, TICK_MILLISECONDS)
  }

  /** Sends no more; answers are still counted. */
  end(): void {
    clearInterval(this.#timer)
  }

  stop(): void {
    this.end()
    this.#component.stop()
  }

  #sendOne(): void {
    const { xml } = this.#component
    const { to, domain, ledger } = this.#plan
    const count = this.#count++
    const user = count % USERS
    const kind = kindOf(count, USERS)
    const id = ledger.sent(user, kind)
    this.#component.send(stanzaOf({ id, user, kind }, { domain, to }, xml, this.#namespace))
  }
}

/** What the stanza is that so many of so many users went before. */
export function kindOf(count: number, users: number): Sent {
  // Not `count % REQUEST_EVERY` alone: then it would always be the same users who ask.
  return (count + Math.floor(count / users)) % REQUEST_EVERY === 0 ? 'request' : 'message'
}

/** What a user sends: a question who answers it, or a message, which is echoed. */
export function stanzaOf(
  { id, user, kind }: Unanswered,
  { domain, to }: Pick<SenderPlan, 'domain' | 'to'>,
  xml: DemoComponent['xml'],
  namespace: string,
): Stanza {
  const from = `person-${user + 1}@${domain}/demo`
  return kind === 'request'
    ? xml('iq', { from, to, id, type: 'get' }, xml('who', { xmlns: namespace }))
    : xml('message', { from, to, id, type: 'chat' }, xml('body', {}, `hello ${id}`))
}

/** Tells the ledger of what came back. */
export function note(stanza: Stanza, ledger: Ledger, namespace: string): void {
  const { id, type } = stanza.attrs
  // Anything else, such as a ping of the node, is not about what the users sent.
  if (id === undefined || !/^[mq]\d+$/.test(id)) return
  const error = type === 'error' ? stanza.getChild('error') : undefined
  if (error !== undefined) ledger.bounced(id, `${error.attrs.type}/${error.getChildElements()[0]?.name}`)
  else ledger.answered(id, stanza.getChild('who', namespace)?.attrs.name ?? 'unknown')
}
