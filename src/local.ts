import { type Element, parse } from 'ltx'
import type { DropReason } from './counters.ts'
import { type Head, Kind, Type } from './xmpp/head.ts'
import { decodeAttribute } from './xmpp/jid.ts'
import { ns } from './xmpp/namespaces.ts'
import { type Envelope, envelopeOf, type StanzaCondition, stanzaError, undeliverable } from './xmpp/stanza-error.ts'
import { escapeText } from './xmpp/stream-error.ts'

export type LocalAnswer =
  | { readonly kind: 'reply'; readonly text: string; readonly drain?: true }
  /** The reply is still to come. It never rejects. */
  | { readonly kind: 'later'; readonly text: Promise<string> }
  /** Understood, and nothing to say. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'drop'; readonly reason: DropReason }

/**
 * Where a stanza comes from. `instance`: straight from an instance, which can say any `from` of its domain. `vouched`: over
 * the link of our own address, whose server has seen to it that `from` is who sent it. `other`: over another domain's link.
 */
export type Origin = 'instance' | 'vouched' | 'other'

/** Who may use the commands for people: both JIDs are normalised. */
export interface Admin {
  readonly full: string
  readonly bare: string
}

/** The ad-hoc commands for people. */
export interface LocalCommands {
  /** Undefined for who may not use them. */
  admit(from: string): Admin | undefined
  /** Told of who may not: the address as it came, by which way. */
  refused(from: string, origin: Origin): void
  readonly commands: readonly { readonly node: string; readonly name: string }[]
  /** Carries out one `<command/>`: the result's payload, or the error. Never rejects. */
  answer(
    admin: Admin,
    command: Element,
  ): Promise<
    | { readonly payload: string }
    | { readonly condition: StanzaCondition; readonly specific?: string; readonly text?: string }
  >
}

export interface LocalOptions {
  /** Switchyard's own address, normalised. */
  readonly address: string
  readonly version: string
  /** The served domains, as they are when asked. */
  readonly domains: () => Iterable<string>
  readonly now: () => Date
  readonly commands: LocalCommands
}

/** The node of the command by which an instance asks to be drained. */
const DRAIN = 'drain'
const drain = { node: DRAIN, name: 'Drain the instance that asks' }

/** It is answered before the drain begins: the stream's end says that it is over. */
const drained = `<command xmlns='${ns.commands}' node='${DRAIN}' sessionid='${DRAIN}' status='completed'/>`

function asksToDrain({ attrs: { node, action } }: Element): boolean {
  return node === DRAIN && (action === undefined || action === 'execute' || action === 'complete')
}

type Handler = (
  payload: Element,
  usable: readonly { readonly node: string; readonly name: string }[],
) => string | undefined

/**
 * Answers what is addressed to Switchyard itself: XEP-0030 disco (the served domains are its items), XEP-0199 ping,
 * XEP-0092 version, XEP-0202 time; and ad-hoc commands (XEP-0050): `drain`, by which an instance asks to be drained, and
 * those for admins. The rest is `service-unavailable` (RFC 6120 §10.5.3).
 */
export class LocalRouter {
  readonly #options: LocalOptions
  readonly #gets: { readonly [name: string]: Handler } = {
    [`{${ns.discoInfo}}query`]: ({ attrs: { node } }, usable) =>
      node === undefined ? this.#info() : commandInfo(`${node}`, usable),
    [`{${ns.discoItems}}query`]: ({ attrs: { node } }, usable) => this.#items(node, usable),
    [`{${ns.ping}}ping`]: () => '',
    [`{${ns.version}}query`]: () => this.#version(),
    [`{${ns.time}}time`]: () => this.#time(),
  }

  constructor(options: LocalOptions) {
    this.#options = options
  }

  answer(head: Head, origin: Origin): LocalAnswer {
    const fate = undeliverable(head)
    if (fate !== 'bounce') return head.kind === Kind.presence ? { kind: 'taken' } : { kind: 'drop', reason: fate }
    const envelope = envelopeOf(head)
    const isAsked = head.kind === Kind.iq && this.#isForUs(head)
    const payload = isAsked ? parse(head.bytes.toString('utf8')).getChildElements()[0] : undefined
    if (payload !== undefined && head.type === Type.set && payload.is('command', ns.commands)) {
      return this.#command(envelope, payload, origin)
    }
    const answer = payload !== undefined && head.type === Type.get ? this.#get(envelope, payload, origin) : undefined
    const text = answer === undefined ? stanzaError(envelope, 'service-unavailable') : resultOf(envelope, answer)
    return { kind: 'reply', text }
  }

  /** Only the bare address answers: there is nobody behind it. */
  #isForUs(head: Head): boolean {
    return head.text(head.toStart, head.toEnd)?.toLowerCase() === this.#options.address
  }

  #get(envelope: Envelope, payload: Element, origin: Origin): string | undefined {
    const name = `{${payload.getNS() ?? ''}}${payload.getName()}`
    if (!Object.hasOwn(this.#gets, name)) return undefined
    const isAdmin = this.#adminOf(envelope, origin) !== undefined
    return this.#gets[name]?.(payload, [
      ...(origin === 'instance' ? [drain] : []),
      ...(isAdmin ? this.#options.commands.commands : []),
    ])
  }

  #command(envelope: Envelope, command: Element, origin: Origin): LocalAnswer {
    if (origin === 'instance' && asksToDrain(command)) {
      return { kind: 'reply', text: resultOf(envelope, drained), drain: true }
    }
    const { commands } = this.#options
    const admin = this.#adminOf(envelope, origin)
    if (admin === undefined) {
      commands.refused(decodeAttribute(envelope.from ?? ''), origin)
      return { kind: 'reply', text: stanzaError(envelope, 'forbidden', undefined, { command: echoOf(command) }) }
    }
    const text = commands.answer(admin, command).then((answer) => {
      if ('payload' in answer) return resultOf(envelope, answer.payload)
      return stanzaError(envelope, answer.condition, answer.text, {
        specific: answer.specific,
        command: echoOf(command),
      })
    })
    return { kind: 'later', text }
  }

  /** An instance could be anybody of its domain, and the server of another domain is not asked who may rule here. */
  #adminOf({ from }: Envelope, origin: Origin): Admin | undefined {
    return origin === 'vouched' && from !== undefined ? this.#options.commands.admit(decodeAttribute(from)) : undefined
  }

  #info(): string {
    const features = [ns.discoInfo, ns.discoItems, ns.commands, ns.ping, ns.version, ns.time]
    return info(`<identity category='component' type='router' name='Switchyard'/>`, features)
  }

  #items(node: unknown, usable: readonly { readonly node: string; readonly name: string }[]): string | undefined {
    const jid = escapeText(this.#options.address)
    if (node === ns.commands) {
      const items = usable.map((command) => `<item jid='${jid}' node='${command.node}' name='${command.name}'/>`)
      return `<query xmlns='${ns.discoItems}' node='${ns.commands}'>${items.join('')}</query>`
    }
    if (node !== undefined) return undefined
    const items = [...this.#options.domains()].map((domain) => `<item jid='${escapeText(domain)}'/>`).join('')
    return `<query xmlns='${ns.discoItems}'>${items}</query>`
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

/** The command that an error is about, without what came in it. */
function echoOf({ attrs: { node = '', sessionid } }: Element): string {
  const short = (value: unknown): string => escapeText(`${value}`.slice(0, 200))
  const session = sessionid === undefined ? '' : ` sessionid='${short(sessionid)}'`
  return `<command xmlns='${ns.commands}' node='${short(node)}'${session}/>`
}

/** The result of the iq that has this envelope. */
function resultOf(envelope: Envelope, payload: string): string {
  const quoted = (raw: string | undefined): string => (raw ?? '').replaceAll("'", '&apos;')
  const addresses = `from='${quoted(envelope.to)}' to='${quoted(envelope.from)}' id='${quoted(envelope.id)}'`
  return `<iq type='result' ${addresses}>${payload}</iq>`
}

/** XEP-0050 §2.3: what the list of commands is, and each command that the asker may use. */
function commandInfo(
  node: string,
  usable: readonly { readonly node: string; readonly name: string }[],
): string | undefined {
  if (node === ns.commands) return info(`<identity category='automation' type='command-list'/>`, [ns.commands], node)
  const command = usable.find((known) => known.node === node)
  if (command === undefined) return undefined
  const identity = `<identity category='automation' type='command-node' name='${command.name}'/>`
  return info(identity, [ns.commands, ns.dataForms], node)
}

function info(identity: string, features: readonly string[], node?: string): string {
  const at = node === undefined ? '' : ` node='${node}'`
  const vars = features.map((feature) => `<feature var='${feature}'/>`).join('')
  return `<query xmlns='${ns.discoInfo}'${at}>${identity}${vars}</query>`
}
