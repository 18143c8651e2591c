import { BlockList, isIP, isIPv6 } from 'node:net'
import { domainToASCII, domainToUnicode } from 'node:url'
import { fullText, normalise } from '../src/xmpp/jid.ts'
import { nameprep, nodeprep } from '../src/xmpp/nodeprep.ts'

/** RFC 1035 §2.3.4: octets of one label, and of a whole name as text. */
const labelBytes = 63
const nameBytes = 253
/** An ASCII label; the underscore is no host name's, but private domains have it. */
const label = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/

/**
 * The one spelling of a domain (RFC 7622 §3.2): lower case, U-labels, no trailing dot; `[::1]` for an IPv6 address.
 * Undefined when the text is no domainpart.
 */
export function normaliseDomain(text: string): string | undefined {
  if (text.startsWith('[') && text.endsWith(']')) return isIPv6(text.slice(1, -1)) ? text.toLowerCase() : undefined
  // The URL standard's host parser, which does the IDNA mapping below, would decode `%41` and cut at `/`.
  if (text === '' || /[\s%@/\\:?#"'<>&[\]]/u.test(text)) return undefined
  const bare = text.replace(/[.\u3002\uff0e\uff61]$/u, '').toLowerCase()
  // It would also read `1.2` as the address 1.0.0.2, so plain ASCII stays out of it.
  const plain = /^[\x21-\x7e]*$/.test(bare) && !/(^|\.)xn--/.test(bare)
  const ascii = plain ? bare : domainToASCII(bare)
  const labels = ascii.split('.')
  if (ascii.length > nameBytes || !labels.every((part) => part.length <= labelBytes && label.test(part))) {
    return undefined
  }
  if (plain) return ascii
  // Last by nameprep, as the addresses of stanzas are: the two must meet (`faß` is `fass` there).
  const name = nameprep(domainToUnicode(ascii))
  // An `xn--` label that decodes to nothing valid comes back as it is, and would have two spellings.
  return name === undefined || name === '' || /(^|\.)xn--/.test(name) ? undefined : name
}

/** A bare JID (RFC 7622 §3): `localpart@domain` or `domain`, normalised; undefined when it is none or has a resource. */
export function normaliseBareJid(text: string): string | undefined {
  const at = text.indexOf('@')
  const domain = normaliseDomain(text.slice(at + 1))
  if (domain === undefined || at < 0) return domain
  const local = nodeprep(text.slice(0, at))
  return local === undefined || local === '' ? undefined : `${local}@${domain}`
}

/** A JID, bare or full, in the form in which stanzas' keys are hashed; undefined when the text is none. */
export function normaliseJid(text: string): string | undefined {
  const jid = normalise(text)
  return jid && fullText(jid)
}

export interface Service {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** XEP-0114 has no port of its own at IANA; 5347 is what every server takes when not told otherwise. */
const componentPort = 5347

/** `xmpp://host:port` or `xmpps://host:port`, an IPv6 host in brackets; undefined when the text is neither. */
export function parseService(text: string): Service | undefined {
  const parts = /^(xmpps?):\/\/(\[[^\]]+\]|[^\s/:@?#[\]]+)(?::(\d{1,5}))?\/?$/.exec(text)
  const host = parts?.[2]
  if (parts === null || host === undefined) return undefined
  const inner = host.startsWith('[') ? host.slice(1, -1) : host
  if (inner !== host && !isIPv6(inner)) return undefined
  const port = parts[3] === undefined ? componentPort : Number(parts[3])
  return port >= 1 && port <= 65535 ? { host: inner, port, tls: parts[1] === 'xmpps' } : undefined
}

/** Where a Redis is, for people: without user and password. Undefined when the text is no `redis://` or `rediss://`. */
export function parseRedisUrl(text: string): string | undefined {
  if (!/^rediss?:\/\/[^\s]+$/.test(text) || !URL.canParse(text)) return undefined
  const { protocol, hostname, port, pathname, search, hash } = new URL(text)
  const isWhole = hostname !== '' && port !== '0' && search === '' && hash === '' && /^(\/\d{0,5})?$/.test(pathname)
  return isWhole ? `${protocol}//${hostname}${port === '' ? '' : `:${port}`}${pathname}` : undefined
}

/** What is wrong with a URL of a Redis, without a part of it: a password may be anywhere in what is written wrongly. */
export function wrongRedisUrl(text: string): string {
  const scheme = /^(\w+):\/\//.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return 'a text that does not begin with redis:// or rediss://'
  if (scheme !== 'redis' && scheme !== 'rediss') return 'a URL of another scheme'
  return 'a URL whose host, port or path is none of a Redis'
}

/** An address of IPv4, or of IPv6 without brackets; no name. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0
}

/** Whether what goes to a host stays on this machine: an address of loopback, or a name that is kept for it (RFC 6761 §6.3). */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIP(plain) === 0) return plain === 'localhost' || plain.endsWith('.localhost')
  return loopback.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether sockets of one port at these two hosts meet. `::` is every address of IPv4, too, as Node opens it. */
export function socketsMeet(one: string, other: string): boolean {
  const hosts = [one.toLowerCase(), other.toLowerCase()]
  if (hosts[0] === hosts[1] || hosts.some(isEveryAddress)) return true
  return hosts.includes('0.0.0.0') && hosts.every((host) => isIP(host) !== 6)
}

const isEveryAddress = (host: string): boolean => isIP(host) === 6 && /^[0:]+$/.test(host)

export interface Network {
  readonly address: string
  /** How many bits of it count. */
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** `192.0.2.0/24`, `2001:db8::/32`, or one address (RFC 4632 §3.1); undefined when the text is none. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', digits] = /^([\da-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  const prefix = digits === undefined ? bits : Number(digits)
  if (version === 0 || prefix > bits) return undefined
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}
