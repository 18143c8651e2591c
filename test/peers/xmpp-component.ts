import { component, type XmlElement, xml } from '@xmpp/component'
import { type Message, makeTranscript } from './transcript.ts'

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
  readonly errors: readonly (Error & { readonly condition?: string })[]
  waitForMessage(match: (message: Message) => boolean): Promise<Message>
  waitForMessages(count: number): Promise<readonly Message[]>
  /** `disconnect`, `error` (with `condition`), `online`: the nth (first) one, past or to come. */
  waitFor(name: string, nth?: number): Promise<{ readonly [field: string]: unknown }>
  send(element: XmlElement): Promise<void>
  /** Resolves with the result; rejects with the stanza error. */
  request(iq: XmlElement): Promise<XmlElement>
  /** Closes the stream, and the socket of a peer that does not close it. */
  stop(): Promise<void>
  /** As a crash: the socket goes without a closing tag. */
  kill(): void
}

/**
 * A stock @xmpp/component in this process, online when this resolves. Rejects with the stream error (its `condition`)
 * where it is refused.
 */
export async function startComponent(options: ComponentOptions): Promise<ComponentInstance> {
  const { port, domain, secret, name, echo = false, reconnect = false } = options
  const entity = component({ service: `xmpp://127.0.0.1:${port}`, domain, password: secret })
  const transcript = makeTranscript()
  const errors: (Error & { readonly condition?: string })[] = []
  // Without a listener an `error` ends the test process.
  entity.on('error', (error) => {
    errors.push(error)
    transcript.add({ event: 'error', condition: error.condition, text: error.message })
  })
  entity.on('online', () => transcript.add({ event: 'online' }))
  entity.on('disconnect', () => transcript.add({ event: 'disconnect' }))
  entity.iqCallee.get(TESTS, 'who', () => xml('who', { xmlns: TESTS, name }))
  const send = (element: XmlElement) => entity.send(element)
  entity.on('stanza', (stanza) => {
    if (stanza.name !== 'message') return
    transcript.add(toEvent(stanza))
    // The stream may be gone by now: then the echo is lost with it, as any instance's would be.
    if (echo && stanza.attrs.type !== 'error' && stanza.getChild('body')) send(toEcho(stanza)).catch(() => {})
  })
  if (!reconnect) entity.reconnect.stop()
  const kill = () => {
    // Else a library that is about to dial again would do so after the test.
    if (reconnect) entity.reconnect.stop()
    entity.socket?.destroy()
  }
  try {
    await entity.start()
  } catch (error) {
    kill()
    throw error
  }
  return {
    ...{ name, errors, send, kill },
    messages: transcript.messages,
    waitForMessage: transcript.waitForMessage,
    waitForMessages: transcript.waitForMessages,
    waitFor: transcript.waitFor,
    request: (iq) => entity.iqCaller.request(iq),
    stop: async () => {
      if (reconnect) entity.reconnect.stop()
      const { socket } = entity
      if (socket === null) return
      await entity.stop()
      // The library gives up after two timeouts and leaves the socket open.
      socket.destroy()
    },
  }
}

function toEvent(stanza: XmlElement) {
  const { from = '', to = '', id = '', type = '' } = stanza.attrs
  const condition = stanza.getChild('error')?.getChildElements()[0]?.name ?? null
  return { event: 'message', from, to, id, type, condition, body: stanza.getChildText('body') ?? '' }
}

function toEcho(stanza: XmlElement): XmlElement {
  const { from, to, id, type } = stanza.attrs
  return xml('message', { from: to, to: from, id, type }, xml('body', {}, stanza.getChildText('body') ?? ''))
}
