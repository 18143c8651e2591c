import { once } from 'node:events'
import { type Component, component, type XmlElement, xml } from '@xmpp/component'
import { type Connection, stayConnected } from './demo-failover.ts'

/** The namespace of what the demo's users ask. */
export const demoNamespace = 'urn:switchyard:demo'

/** Where a component of the demo connects, and as whom. */
export interface ComponentPlan {
  readonly port: number
  readonly domain: string
  /** ASCII: the library hashes it byte by byte. */
  readonly secret: string
}

/** What comes from the node, or goes there. */
export type Stanza = XmlElement

/** A component that is online. */
export interface DemoComponent {
  send(element: Stanza): void
  stop(): void
  readonly xml: typeof xml
  /** Resolves when its stream has ended. */
  readonly gone: Promise<void>
}

/** What an instance of the demo is told, once. */
export interface InstancePlan extends ComponentPlan {
  readonly name: string
  /** The domain of those whose stanzas count; or the end of all their domains, which begins with a dot. */
  readonly users: string
  /** Ports of other nodes, which it turns to in this order when it loses its own. */
  readonly others?: readonly number[]
}

/** What an instance says: it is online, at this port; or how many stanzas of users it has read so far. */
export type InstanceReport = { readonly online: true; readonly port: number } | { readonly read: number }

/** The process that started this one, as one talks to it. */
export interface DemoInstanceIo {
  readonly parent: {
    send(message: unknown): void
    onMessage(receive: (message: unknown) => void): void
    onGone(gone: () => void): void
  }
  onSignals(reload: () => void, stop: () => void): void
}

/** The hidden command `demo-instance`: echoes until the process that started it lets go of it. */
export async function demoInstance({ parent, onSignals }: DemoInstanceIo): Promise<void> {
  // Ctrl-C reaches every process of the terminal; the demo ends its instances itself.
  onSignals(
    () => {},
    () => {},
  )
  const gone = new Promise<void>((resolve) => parent.onGone(resolve))
  parent.onMessage((message) => {
    if (isPlan(message)) echo(message, parent).catch((error: Error) => parent.send({ failed: error.message }))
  })
  await gone
}

async function echo(plan: InstancePlan, parent: DemoInstanceIo['parent']): Promise<void> {
  let read = 0
  const serve = async (port: number): Promise<Connection> => {
    const entity = open({ ...plan, port })
    const gone = endOf(entity)
    entity.iqCallee.get(demoNamespace, 'who', () => xml('who', { xmlns: demoNamespace, name: plan.name }))
    entity.on('stanza', (stanza: XmlElement) => {
      if (!isOfUsers(domainOf(stanza.attrs.from), plan.users)) return
      // Said before the answer is given: whoever counts the answer has already been told that it was read.
      parent.send({ read: ++read } satisfies InstanceReport)
      const body = stanza.getChildText('body')
      if (stanza.name !== 'message' || stanza.attrs.type === 'error' || body === null) return
      const { from, to, id, type } = stanza.attrs
      const who = xml('who', { xmlns: demoNamespace, name: plan.name })
      send(entity, xml('message', { from: to, to: from, id, type }, xml('body', {}, body), who))
    })
    await connect(entity, { ...plan, port }, gone)
    parent.send({ online: true, port } satisfies InstanceReport)
    return { gone }
  }
  if (plan.others === undefined) await serve(plan.port)
  else await stayConnected([plan.port, ...plan.others], serve, () => false)
}

/** A stock component in this process. `receive` gets every stanza; rejects when it cannot log in. */
export async function connectComponent(
  plan: ComponentPlan,
  receive: (stanza: XmlElement) => void,
): Promise<DemoComponent> {
  const entity = open(plan)
  const gone = endOf(entity)
  entity.on('stanza', receive)
  await connect(entity, plan, gone)
  return {
    xml,
    gone,
    send: (element) => send(entity, element),
    stop: () => entity.socket?.destroy(),
  }
}

/** A component that no input can end the process with: the library throws out of its socket's events, or emits `error`. */
function open({ port, domain, secret }: ComponentPlan): Component {
  const entity = component({ service: serviceAt(port), domain, password: secret })
  entity.reconnect.stop()
  entity.on('error', () => entity.socket?.destroy())
  const read = entity._onData
  entity._onData = (chunk) => {
    try {
      read.call(entity, chunk)
    } catch {
      entity.socket?.destroy()
    }
  }
  return entity
}

/** Not the library's `start()`: that one leaves a promise behind which nobody can catch. */
async function connect(entity: Component, { port, domain }: ComponentPlan, gone: Promise<void>): Promise<void> {
  const dialled = entity.connect(serviceAt(port)).then(() => entity.open({ domain }))
  const lost = gone.then(() => {
    throw new Error(`the stream to port ${port} ended before it was set up`)
  })
  const isOnline = Promise.all([once(entity, 'online'), dialled])
  // The others come to nothing when one of these has decided.
  for (const promise of [dialled, lost, isOnline]) promise.catch(() => {})
  await Promise.race([isOnline, lost])
}

/** Not `events.once`: that rejects when the socket has an error first. */
function endOf(entity: Component): Promise<void> {
  return new Promise((resolve) => void entity.once('disconnect', () => resolve()))
}

const serviceAt = (port: number): string => `xmpp://127.0.0.1:${port}`

/** What cannot be sent is lost with its stream; the demo's counts will tell. */
function send(entity: Component, element: XmlElement): void {
  entity.send(element).catch(() => {})
}

function isOfUsers(domain: string | undefined, users: string): boolean {
  return domain !== undefined && (users.startsWith('.') ? domain.endsWith(users) : domain === users)
}

function domainOf(jid: string | undefined): string | undefined {
  return jid?.split('/', 1)[0]?.split('@').at(-1)
}

function isPlan(message: unknown): message is InstancePlan {
  return typeof message === 'object' && message !== null && 'name' in message && 'users' in message
}
