import { parse } from 'ltx'
import { type Head, Kind, Type } from './xmpp/head.ts'
import { decodeAttribute, domainStart } from './xmpp/jid.ts'
import { ns } from './xmpp/namespaces.ts'

/** Of more adverts than this only the newest are remembered: there are two kinds, in few versions. */
const MOST_ADVERTS = 16
const MOST_BYTES = 64 * 1024

const namespaces = [ns.privilege, ns.delegation].map((name) => Buffer.from(name))

/** Whether the address in `buffer[start, end)` is a bare domain, as a server's own is. */
function isBareDomain(buffer: Buffer, start: number, end: number): boolean {
  return start >= 0 && domainStart(buffer, start, end) === start && buffer.subarray(start, end).indexOf('/') < 0
}

function mentions(head: Head): boolean {
  const { bytes } = head
  return namespaces.some((name) => bytes.includes(name))
}

/**
 * What a server has told a component about its rights: `<privilege>` (XEP-0356 §4) and `<delegation>` (XEP-0355 §4)
 * come once per stream, so they are remembered per domain, for each instance that joins, until the link is lost.
 *
 * Anybody's server can send such a message to a component. A component's own server speaks as a domain above it
 * (`example.org` for `pubsub.example.org`), and only such are believed; as long as none of them has spoken, the first
 * other domain that did is. What the rest say is a message like any other.
 */
export class Adverts {
  readonly #byKind = new Map<string, Buffer>()
  /** A domain above has spoken. */
  #isAbove = false
  /** The one other domain that is believed until then. */
  #other: string | undefined
  /** What is in force was said by another node: whatever this node's own link brings takes its place. */
  #isHeard = false

  /**
   * The bytes of the stanza in `head`, from the server, if it is such an advert for the component `name`, a normalised
   * domain; then it is remembered.
   */
  note(head: Head, name: string): Buffer | undefined {
    if (head.kind !== Kind.message || head.type === Type.error) return undefined
    if (!isBareDomain(head.buffer, head.fromStart, head.fromEnd) || !mentions(head)) return undefined
    const bytes = Buffer.from(head.bytes)
    const advert = parse(bytes.toString('utf8'))
      .getChildElements()
      .find((child) => isAdvert(child.getName(), child.getNS() ?? ''))
    const from = decodeAttribute(head.text(head.fromStart, head.fromEnd) ?? '').toLowerCase()
    if (advert === undefined || bytes.length > MOST_BYTES || !this.#believes(from, name)) return undefined
    if (this.#isHeard) this.#byKind.clear()
    this.#isHeard = false
    const kind = `${advert.getNS()} ${from}`
    // A later advert of a kind takes the place of the one before, and comes after all others.
    this.#byKind.delete(kind)
    const [oldest] = this.#byKind.keys()
    if (oldest !== undefined && this.#byKind.size >= MOST_ADVERTS) this.#byKind.delete(oldest)
    this.#byKind.set(kind, bytes)
    return bytes
  }

  #believes(from: string, name: string): boolean {
    if (name === from || name.endsWith(`.${from}`)) {
      if (!this.#isAbove) this.forget()
      this.#isAbove = true
      return true
    }
    this.#other ??= from
    return !this.#isAbove && this.#other === from
  }

  /** The adverts in force, oldest first. */
  get all(): readonly Buffer[] {
    return [...this.#byKind.values()]
  }

  /** Another node says what is in force; returns what is news. Nothing is, to who has been told by the server itself. */
  replace(adverts: readonly Buffer[]): readonly Buffer[] {
    if (!this.#isHeard && this.#byKind.size > 0) return []
    this.#isHeard = true
    const known = new Set(this.all.map((bytes) => bytes.toString('latin1')))
    this.#byKind.clear()
    for (const [index, bytes] of adverts.slice(-MOST_ADVERTS).entries()) {
      if (bytes.length <= MOST_BYTES) this.#byKind.set(`${index}`, bytes)
    }
    return this.all.filter((bytes) => !known.has(bytes.toString('latin1')))
  }

  /** The server that said so is gone. */
  forget(): void {
    this.#byKind.clear()
    this.#isAbove = false
    this.#other = undefined
    this.#isHeard = false
  }
}

function isAdvert(name: string, namespace: string): boolean {
  return (
    (name === 'privilege' && namespace.startsWith(ns.privilege)) ||
    (name === 'delegation' && namespace.startsWith(ns.delegation))
  )
}

/**
 * Whom a delegated stanza is from (XEP-0355 §5): its outer `from` is the server for everybody, so the key is the `from`
 * of the stanza that it forwards. Undefined for any other stanza.
 */
export function delegatedFrom(head: Head): string | undefined {
  if (head.kind !== Kind.iq || head.type === Type.result || head.type === Type.error) return undefined
  if (!isBareDomain(head.buffer, head.fromStart, head.fromEnd) || !head.bytes.includes(ns.delegation)) return undefined
  const [delegation] = parse(head.bytes.toString('utf8')).getChildElements()
  if (delegation?.getName() !== 'delegation' || !delegation.getNS()?.startsWith(ns.delegation)) return undefined
  const forwarded = delegation.getChild('forwarded', ns.forward)?.getChildElements()[0]
  const from: unknown = forwarded?.attrs.from
  return typeof from === 'string' ? from : undefined
}
