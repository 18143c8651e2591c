import { setTimeout as delay } from 'node:timers/promises'
import { ComponentStream } from './component.ts'
import { Slot } from './instances.ts'
import { Ledger } from './ledger.ts'
import { type ServerName, setStage, startServer } from './stage.ts'
import { SECRET, USERS } from './wire.ts'

/** Who stands between the sender and the component that dies: a server alone, or with Switchyard behind it. */
export interface Candidate {
  readonly server: Exclude<ServerName, 'none'>
  readonly switchyard: boolean
}

export interface Comparison extends Candidate {
  readonly sent: number
  /** By the component before it died, or by the one that came after it. */
  readonly read: number
  /** Errors that came back to the sender, of messages that nobody has read. */
  readonly bounced: number
  readonly lost: number
}

export const candidates: readonly Candidate[] = [
  { server: 'prosody', switchyard: false },
  { server: 'ejabberd', switchyard: false },
  { server: 'prosody', switchyard: true },
  { server: 'ejabberd', switchyard: true },
]

const DOMAIN = 'echo.localhost'
const MESSAGES = 3000
const BODY = 'x'.repeat(200)
/** After the death and its successor's arrival nothing has come for so long: nothing will. */
const QUIET_MICROSECONDS = 2_000_000

/** A component that reads nothing dies with 3000 messages before it, and another takes its place. What became of them. */
export async function dieUnread(candidate: Candidate): Promise<Comparison> {
  const ledger = new Ledger()
  const stage = await stand(candidate, ledger)
  const options = { domain: DOMAIN, library: 'raw', port: stage.instancePort, askEvery: 0, ledger } as const
  const [first, second] = [new Slot({ ...options, name: 'first' }), new Slot({ ...options, name: 'second' })]
  const sender = new Sender(stage.usersPort, ledger)
  try {
    await Promise.all([first.start(), sender.online])
    await greet(sender, ledger)
    first.pause()
    for (let number = 1; number <= MESSAGES; number++) sender.send(number)
    await sender.processed()
    await first.stop()
    await second.start()
    await until(() => ledger.quiet > QUIET_MICROSECONDS)
    return { ...candidate, ...countIn(ledger) }
  } finally {
    sender.close()
    await Promise.all([first.stop(), second.stop()])
    await stage.stop()
  }
}

export function comparisonTable(results: readonly Comparison[]): string {
  const lines = results.map(({ server, switchyard, sent, read, bounced, lost }) =>
    [switchyard ? `Switchyard behind ${server}` : server, sent, read, bounced, lost].map(String),
  )
  const table = [['3000 unread when it dies', 'sent', 'read', 'bounced', 'lost'], ...lines]
  return table
    .map(([name, ...rest]) => `${name?.padEnd(28)}${rest.map((cell) => cell.padStart(9)).join('')}`)
    .join('\n')
}

async function stand({ server: name, switchyard }: Candidate, ledger: Ledger) {
  const domains = [{ name: DOMAIN }]
  if (switchyard) {
    const stage = await setStage({ server: name, domains, windowBytes: 1024 * 1024 }, ledger)
    return { instancePort: stage.yard.port, usersPort: stage.usersPort, stop: stage.stop }
  }
  const server = await startServer(name, domains)
  if (server === undefined) throw new Error(`${name} is no server`)
  return { instancePort: server.componentPort, usersPort: server.componentPort, stop: server.stop }
}

class Sender {
  readonly online: Promise<void>
  readonly #ledger: Ledger
  readonly #stream: ComponentStream
  #ponged = () => {}

  constructor(port: number, ledger: Ledger) {
    this.#ledger = ledger
    const { promise, resolve } = withResolvers()
    this.online = promise
    this.#stream = new ComponentStream(
      { port, domain: USERS, secret: SECRET },
      {
        ready: () => resolve(),
        stanza: ({ type, id }) => (id === 'pong' ? this.#ponged() : type === 'error' && ledger.return(id)),
        ended: () => {},
      },
    )
  }

  send(number: number): void {
    const name = nameOf(number)
    this.#ledger.send(name, BODY.length)
    this.#stream.write(
      `<message type='chat' id='${name}' from='u@${USERS}/r' to='bot@${DOMAIN}'><body>${BODY}</body></message>`,
    )
  }

  /** Resolves when the server has read, and so routed, all that was sent: it answers a ping that came last. */
  processed(): Promise<void> {
    const { promise, resolve } = withResolvers()
    this.#ponged = resolve
    this.#stream.write(`<iq type='get' id='pong' from='u@${USERS}/r' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    return promise
  }

  close(): void {
    this.#stream.close()
  }
}

/** It works, and it confirms, before it ceases to read. Until Switchyard's link is up, the server refuses. */
async function greet(sender: Sender, ledger: Ledger): Promise<void> {
  do {
    sender.send(0)
    await delay(200)
  } while (ledger.sent.get(nameOf(0))?.deliveries.length === 0)
}

function nameOf(number: number): string {
  return `s.0.0.${number}.message`
}

function countIn(ledger: Ledger): { sent: number; read: number; bounced: number; lost: number } {
  const all = [...ledger.sent.values()]
  const unread = all.filter(({ deliveries }) => deliveries.length === 0)
  const bounced = unread.filter(({ returned }) => returned).length
  return { sent: all.length, read: all.length - unread.length, bounced, lost: unread.length - bounced }
}

/** As `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(20)
}
