import { parse } from 'ltx'
import { type Head, Kind, Type } from './xmpp/head.ts'
import { domainStart } from './xmpp/jid.ts'
import { ns } from './xmpp/namespaces.ts'

/** More adverts than this of one server are not remembered: there are two kinds, in few versions. */
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
 */
export class Adverts {
  readonly #byKind = new Map<string, Buffer>()

  /** Whether the stanza in `head`, from the server, is such an advert; then it is remembered. */
  note(head: Head): boolean {
    if (head.kind !== Kind.message || head.type === Type.error) return false
    if (!isBareDomain(head.buffer, head.fromStart, head.fromEnd) || !mentions(head)) return false
    const bytes = Buffer.from(head.bytes)
    const stanza = parse(bytes.toString('utf8'))
    const advert = stanza.getChildElements().find((child) => isAdvert(child.getName(), child.getNS() ?? ''))
    if (advert === undefined || bytes.length > MOST_BYTES) return false
    const kind = `${advert.getNS()} ${stanza.attrs.from}`
    // A later advert of a kind takes the place of the one before, and comes after all others.
    this.#byKind.delete(kind)
    if (this.#byKind.size < MOST_ADVERTS) this.#byKind.set(kind, bytes)
    return true
  }

  /** The adverts in force, oldest first. */
  get all(): readonly Buffer[] {
    return [...this.#byKind.values()]
  }

  /** The server that said so is gone. */
  forget(): void {
    this.#byKind.clear()
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
