import { fileURLToPath } from 'node:url'
import { type RunningProcess, startProcess } from './process.ts'
import { type Message, makeTranscript, type PeerEvent } from './transcript.ts'

const PYTHON = '/usr/bin/python3'
const IQ_SECONDS = 10

export interface SlixmppComponentOptions {
  /** Of the component listener on 127.0.0.1. */
  readonly port: number
  readonly domain: string
  readonly secret: string
  /** What it answers to `<who xmlns='urn:switchyard:tests'/>`. */
  readonly name: string
  /** Sends every message with a body back, with its id and type. Off by default. */
  readonly echo?: boolean
  /** Dials again 0.2 s after its stream is gone, also where it is refused. Off by default. */
  readonly reconnect?: boolean
}

export interface SlixmppUserOptions {
  readonly port: number
  readonly jid: string
  readonly password: string
  readonly reconnect?: boolean
}

export interface OutgoingMessage {
  readonly to: string
  readonly body: string
  readonly from?: string
  readonly id?: string
  readonly type?: string
}

export interface IqRequest {
  readonly to: string
  readonly type: 'get' | 'set'
  /** One element with its namespace. */
  readonly payload: string
  readonly from?: string
  readonly seconds?: number
}

/** The reply as it came, `result` or `error`; it is matched by id alone. */
export interface IqReply {
  readonly from: string
  readonly to: string
  readonly id: string
  readonly type: string
  /** Of an error; else null. */
  readonly condition: string | null
  /** The first child as XML, empty if there is none. */
  readonly payload: string
}

export interface Slixmpp {
  /** As bound by the server: full for a user. */
  readonly jid: string
  /** All that have come, in order. */
  readonly messages: readonly Message[]
  /** The first message, past or to come, that matches. */
  waitForMessage(match: (message: Message) => boolean): Promise<Message>
  /** All messages once there are `count` of them. */
  waitForMessages(count: number): Promise<readonly Message[]>
  /** The nth (first) event of that name, past or to come: `stream_error` (with `condition`), `disconnected`, `ready`. */
  waitFor(name: string, nth?: number): Promise<PeerEvent>
  send(message: OutgoingMessage): Promise<void>
  /** `count` messages as fast as slixmpp goes, with body and id `prefix` + 0, 1, 2 ... Resolves when they are queued. */
  sendMany(flood: {
    readonly to: string
    readonly count: number
    readonly prefix: string
    readonly from?: string
  }): Promise<void>
  sendPresence(presence: { readonly to?: string; readonly from?: string; readonly type?: string }): Promise<void>
  /** Rejects when no reply comes within `seconds` (10). */
  iq(request: IqRequest): Promise<IqReply>
  /** Carries out an ad-hoc command (XEP-0050) by slixmpp's own plugin, with a form's values per step; the last answer. */
  command(command: {
    readonly to: string
    readonly node: string
    readonly forms: readonly Readonly<Record<string, string>>[]
  }): Promise<IqReply>
  /** The name with which the instance behind `to` answers. */
  who(to: string): Promise<string>
  /** Bytes for the stream as they are. */
  sendRaw(xml: string): Promise<void>
  logs(): string
  /** Closes the stream, then ends. */
  stop(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
}

/** A slixmpp ComponentXMPP in a process of its own, ready once its handshake is answered. */
export function startSlixmppComponent(options: SlixmppComponentOptions): Promise<Slixmpp> {
  return start(`slixmpp ${options.name}`, 'slixmpp_component.py', { echo: false, reconnect: false, ...options })
}

/** A slixmpp ClientXMPP in a process of its own, ready once it has sent its presence. */
export function startSlixmppUser(options: SlixmppUserOptions): Promise<Slixmpp> {
  return start(`slixmpp ${options.jid}`, 'slixmpp_user.py', { reconnect: false, ...options })
}

async function start(name: string, script: string, options: object): Promise<Slixmpp> {
  const transcript = makeTranscript()
  const running = await startProcess({
    name,
    debianPackage: 'python3-slixmpp',
    needs: [PYTHON, '/usr/lib/python3/dist-packages/slixmpp'],
    command: PYTHON,
    args: [fileURLToPath(new URL(script, import.meta.url)), JSON.stringify({ host: '127.0.0.1', ...options })],
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    readyWhen: [/^\{"event": "ready"/],
    onLine: (line) => {
      // The rest is slixmpp's log, and tracebacks.
      if (line.startsWith('{"event": ')) transcript.add(JSON.parse(line))
    },
  })
  running.exited.then(() => transcript.close(`${name} has ended; its log ends:\n${running.logs().slice(-4_000)}`))
  const ready = await transcript.wait((event) => event.event === 'ready')
  return drive(`${ready.jid}`, running, transcript)
}

function drive(jid: string, running: RunningProcess, transcript: ReturnType<typeof makeTranscript>): Slixmpp {
  let last = 0
  const ask = async (what: string, fields: object): Promise<PeerEvent> => {
    const ref = ++last
    running.write(`${JSON.stringify({ do: what, ref, ...fields })}\n`)
    const answer = await transcript.wait((event) => event.ref === ref)
    if (answer.event === 'failed') throw new Error(`${what} failed: ${answer.reason}`)
    return answer
  }
  const tell = async (what: string, fields: object): Promise<void> => void (await ask(what, fields))
  const replied = async (what: string, request: object): Promise<IqReply> => {
    const { from, to, id, type, condition, payload } = await ask(what, request)
    const reply = { from: `${from}`, to: `${to}`, id: `${id}`, type: `${type}`, payload: `${payload}` }
    return { ...reply, condition: typeof condition === 'string' ? condition : null }
  }
  const iq = (request: IqRequest) => replied('iq', { seconds: IQ_SECONDS, ...request })
  const { exited: _, write: __, ...life } = running
  return {
    ...life,
    jid,
    messages: transcript.messages,
    waitForMessage: transcript.waitForMessage,
    waitForMessages: transcript.waitForMessages,
    waitFor: transcript.waitFor,
    send: (message) => tell('message', message),
    sendMany: (flood) => tell('messages', flood),
    sendPresence: (presence) => tell('presence', presence),
    sendRaw: (xml) => tell('raw', { xml }),
    iq,
    command: (command) => replied('command', command),
    who: async (to) => {
      const reply = await iq({ to, type: 'get', payload: "<who xmlns='urn:switchyard:tests'/>" })
      const name = / name="([^"]*)"/.exec(reply.payload)?.[1]
      if (name === undefined || reply.type !== 'result') throw new Error(`who ${to}: ${JSON.stringify(reply)}`)
      return name
    },
  }
}
