import { type Element, parse } from 'ltx'
import type { DropReason } from './counters.ts'
import { type Head, Kind, Type } from './xmpp/head.ts'
import { ns } from './xmpp/namespaces.ts'
import { envelopeOf, stanzaError, undeliverable } from './xmpp/stanza-error.ts'
import { escapeText } from './xmpp/stream-error.ts'

export type LocalAnswer =
  | { readonly kind: 'reply'; readonly text: string; readonly drain?: true }
  /** Understood, and nothing to say. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'drop'; readonly reason: DropReason }

export interface LocalOptions {
  /** Switchyard's own address, normalised. */
  readonly address: string
  readonly version: string
  /** The served domains, as they are when asked. */
  readonly domains: () => Iterable<string>
  readonly now: () => Date
}

/** The node of the command by which an instance asks to be drained. */
const DRAIN = 'drain'

/** It is answered before the drain begins: the stream's end says that it is over. */
const drained = `<command xmlns='${ns.commands}' node='${DRAIN}' sessionid='${DRAIN}' status='completed'/>`

function asksToDrain(head: Head): boolean {
  const command = parse(head.bytes.toString('utf8')).getChild('command', ns.commands)
  const { node, action } = command?.attrs ?? {}
  return node === DRAIN && (action === undefined || action === 'execute' || action === 'complete')
}

type Handler = (payload: Element) => string | undefined

/**
 * Answers what is addressed to Switchyard itself: XEP-0030 disco (the served domains are its items), XEP-0199 ping,
 * XEP-0092 version, XEP-0202 time; and the command `drain` (XEP-0050), by which an instance asks to be drained. The rest is `service-unavailable` (RFC 6120 §10.5.3).
 */
export class LocalRouter {
  readonly #options: LocalOptions
  readonly #gets: { readonly [name: string]: Handler } = {
    [`{${ns.discoInfo}}query`]: (query) => (query.attrs.node === undefined ? this.#info() : undefined),
    [`{${ns.discoItems}}query`]: (query) => this.#items(query.attrs.node),
    [`{${ns.ping}}ping`]: () => '',
    [`{${ns.version}}query`]: () => this.#version(),
    [`{${ns.time}}time`]: () => this.#time(),
  }

  constructor(options: LocalOptions) {
    this.#options = options
  }

  /** `fromInstance`: it comes straight from an instance, which may ask to be drained. */
  answer(head: Head, fromInstance = false): LocalAnswer {
    const fate = undeliverable(head)
    if (fate !== 'bounce') return head.kind === Kind.presence ? { kind: 'taken' } : { kind: 'drop', reason: fate }
    const envelope = envelopeOf(head)
    const isDrain = fromInstance && head.type === Type.set && this.#isForUs(head) && asksToDrain(head)
    const payload = isDrain ? drained : head.type === Type.get && this.#isForUs(head) ? this.#get(head) : undefined
    if (payload === undefined) return { kind: 'reply', text: stanzaError(envelope, 'service-unavailable') }
    const quoted = (raw: string | undefined): string => (raw ?? '').replaceAll("'", '&apos;')
    const addresses = `from='${quoted(envelope.to)}' to='${quoted(envelope.from)}' id='${quoted(envelope.id)}'`
    const text = `<iq type='result' ${addresses}>${payload}</iq>`
    return isDrain ? { kind: 'reply', text, drain: true } : { kind: 'reply', text }
  }

  /** Only the bare address answers: there is nobody behind it. */
  #isForUs(head: Head): boolean {
    return head.text(head.toStart, head.toEnd)?.toLowerCase() === this.#options.address
  }

  #get(head: Head): string | undefined {
    const payload = parse(head.bytes.toString('utf8')).getChildElements()[0]
    if (payload === undefined) return undefined
    const name = `{${payload.getNS() ?? ''}}${payload.getName()}`
    return Object.hasOwn(this.#gets, name) ? this.#gets[name]?.(payload) : undefined
  }

  #info(): string {
    const features = [ns.discoInfo, ns.discoItems, ns.commands, ns.ping, ns.version, ns.time]
    const vars = features.map((feature) => `<feature var='${feature}'/>`).join('')
    return `<query xmlns='${ns.discoInfo}'><identity category='component' type='router' name='Switchyard'/>${vars}</query>`
  }

  #items(node: unknown): string | undefined {
    if (node === ns.commands) return `<query xmlns='${ns.discoItems}' node='${ns.commands}'>${this.#commands()}</query>`
    if (node !== undefined) return undefined
    const items = [...this.#options.domains()].map((domain) => `<item jid='${escapeText(domain)}'/>`).join('')
    return `<query xmlns='${ns.discoItems}'>${items}</query>`
  }

  #commands(): string {
    return `<item jid='${escapeText(this.#options.address)}' node='${DRAIN}' name='Drain the instance that asks'/>`
  }

  #version(): string {
    const version = escapeText(this.#options.version)
    return `<query xmlns='${ns.version}'><name>Switchyard</name><version>${version}</version></query>`
  }

  /** XEP-0082: UTC, no fraction of a second is needed; the offset of a service is always that of UTC. */
  #time(): string {
    const utc = `${this.#options.now().toISOString().slice(0, 19)}Z`
    return `<time xmlns='${ns.time}'><tzo>+00:00</tzo><utc>${utc}</utc></time>`
  }
}
