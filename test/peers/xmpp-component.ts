import { component, type StockComponent, type StreamError, type XmlElement, xml } from './stock.ts'
import { type Message, makeTranscript, type PeerEvent, type Transcript } from './transcript.ts'

const TESTS = 'urn:switchyard:tests'

export interface ComponentOptions {
  /** Of the component listener on 127.0.0.1. */
  readonly port: number
  readonly domain: string
  readonly secret: string
  /** What it answers to `<who xmlns='urn:switchyard:tests'/>`. */
  readonly name: string
  /** Sends every message with a body back, with its id and type. Off by default. */
  readonly echo?: boolean
  /** Dials again a second after a loss, as @xmpp/component does by itself. Off by default. */
  readonly reconnect?: boolean
}

export interface ComponentInstance {
  readonly name: string
  /** All that have come, in order. */
  readonly messages: readonly Message[]
  /** What the library has reported by `error`, stream errors with their `condition`. */
  readonly errors: readonly StreamError[]
  waitForMessage(match: (message: Message) => boolean): Promise<Message>
  waitForMessages(count: number): Promise<readonly Message[]>
  /** `disconnect`, `error` (with `condition`), `online`: the nth (first) one, past or to come. */
  waitFor(name: string, nth?: number): Promise<PeerEvent>
  send(element: XmlElement): Promise<void>
  /** Resolves with the result; rejects with the stanza error. */
  request(iq: XmlElement): Promise<XmlElement>
  /** Closes the stream, and the socket of a peer that does not close it. */
  stop(): Promise<void>
  /** As a crash: the socket goes without a closing tag. */
  kill(): void
  /** Reads nothing, with its socket open. */
  pause(): void
  resume(): void
}

/**
 * A stock @xmpp/component in this process, online when this resolves. Rejects with the stream error (its `condition`)
 * where it is refused.
 */
export async function startComponent(options: ComponentOptions): Promise<ComponentInstance> {
  const { port, domain, secret, name, echo = false, reconnect = false } = options
  // The library hashes one byte per character; everyone else hashes UTF-8.
  const password = Buffer.from(secret, 'utf8').toString('latin1')
  const entity = component({ service: `xmpp://127.0.0.1:${port}`, domain, password })
  const transcript = makeTranscript()
  const errors: StreamError[] = []
  entity.on('error', (error) => errors.push(error))
  record(entity, transcript)
  entity.iqCallee.get(TESTS, 'who', () => xml('who', { xmlns: TESTS, name }))
  if (echo) entity.on('stanza', (stanza) => sendBack(entity, stanza))
  if (!reconnect) entity.reconnect.stop()
  try {
    await entity.start()
  } catch (error) {
    kill(entity)
    throw error
  }
  return {
    ...{ name, errors },
    messages: transcript.messages,
    waitForMessage: transcript.waitForMessage,
    waitForMessages: transcript.waitForMessages,
    waitFor: transcript.waitFor,
    send: (element) => entity.send(element),
    request: (iq) => entity.iqCaller.request(iq),
    stop: () => stop(entity),
    kill: () => kill(entity),
    pause: () => void entity.socket?.pause(),
    resume: () => void entity.socket?.resume(),
  }
}

/** An `error` that nobody listens for would end the test process. */
function record(entity: StockComponent, transcript: Transcript): void {
  entity.on('error', ({ condition, message }) => transcript.add({ event: 'error', condition, text: message }))
  entity.on('online', () => transcript.add({ event: 'online' }))
  entity.on('disconnect', () => transcript.add({ event: 'disconnect' }))
  entity.on('stanza', (stanza) => {
    if (stanza.name === 'message') transcript.add(toEvent(stanza))
  })
}

function sendBack(entity: StockComponent, stanza: XmlElement): void {
  const { from, to, id, type } = stanza.attrs
  const body = stanza.getChildText('body')
  // An echo of an error would be answered with an error.
  if (stanza.name !== 'message' || type === 'error' || body === null) return
  const echo = xml('message', { from: to, to: from, id, type }, xml('body', {}, body))
  // Where the stream has gone by now the echo is lost with it, as any instance's would be.
  entity.send(echo).catch(() => {})
}

async function stop(entity: StockComponent): Promise<void> {
  entity.reconnect.stop()
  const { socket } = entity
  if (socket === null) return
  await entity.stop()
  // The library gives up after two timeouts and leaves the socket open.
  socket.destroy()
}

function kill(entity: StockComponent): void {
  entity.reconnect.stop()
  entity.socket?.destroy()
}

function toEvent(stanza: XmlElement) {
  const { from = '', to = '', id = '', type = '' } = stanza.attrs
  const condition = stanza.getChild('error')?.getChildElements()[0]?.name ?? null
  return { event: 'message', from, to, id, type, condition, body: stanza.getChildText('body') ?? '' }
}
