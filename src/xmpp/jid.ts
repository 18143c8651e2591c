import { nameprep, nodeprep } from './nodeprep.ts'

/** Parts of a JID, normalised. An absent part is the empty string; a JID always has a domain. */
export interface Jid {
  readonly local: string
  readonly domain: string
  readonly resource: string
}

/** The most bytes that each part may have (RFC 7622 §3.2 to §3.4). */
export const maxPartBytes = 1023

const amp = 0x26
const dot = 0x2e
const slash = 0x2f
const at = 0x40

// What a byte is as part of a plain JID.
const inLocal = 1
const inDomain = 2
const inResource = 4
const byteClass = Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte))

function classOf(byte: number): number {
  // A reference has another form, and white space that is no blank is one to an XML parser (XML 1.0 §3.3.3).
  if (byte < 0x20 || byte === amp) return 0
  if (byte === 0x20 || byte >= 0x7f) return inResource
  const character = String.fromCharCode(byte)
  if (/[A-Z"'/<>@]/.test(character)) return inResource
  return character === ':' ? inDomain | inResource : inLocal | inDomain | inResource
}

/**
 * Where the bare JID in `[start, end)` ends, and so its domain: at the first `/`, else at `end` (RFC 7622 §3.1). A dot
 * that ends the domain is still in the range: see `isPlain`.
 */
export function bareEnd(buffer: Uint8Array, start: number, end: number): number {
  let position = start
  while (position < end && buffer[position] !== slash) position++
  return position
}

/**
 * Where the domain in `[start, end)` begins: behind the first `@` that comes before any `/`, else at `start`
 * (RFC 7622 §3.2: the resource is cut first, so the domain of `plays.test/@example.test` is `plays.test`).
 * The localpart, when there is one, is `[start, domainStart - 1)`.
 */
export function domainStart(buffer: Uint8Array, start: number, end: number): number {
  for (let position = start; position < end; position++) {
    const byte = buffer[position]
    if (byte === at) return position + 1
    if (byte === slash) return start
  }
  return start
}

/**
 * Whether the bytes `[start, end)` of an attribute are a JID in its normal form, byte for byte: localpart and domain
 * in ASCII without capitals and without what is prohibited there, no dot at the end of the domain, no part empty or
 * too long, and in the resource (any UTF-8) nothing that XML writes in more ways than one. Cut the range with
 * `bareEnd` to ask for the bare JID. `false` says only that `normalise` has to look: at what is well-formed UTF-8.
 */
export function isPlain(buffer: Uint8Array, start: number, end: number): boolean {
  let position = start
  let common = inLocal | inDomain
  for (; position < end; position++) {
    const byte = buffer[position] as number
    if (byte === at || byte === slash) break
    common &= byteClass[byte] as number
  }
  let domain = start
  if (position < end && buffer[position] === at) {
    if ((common & inLocal) === 0 || !isLength(position - start)) return false
    domain = position + 1
    common = inDomain
    for (position++; position < end && buffer[position] !== slash; position++) {
      common &= byteClass[buffer[position] as number] as number
    }
  }
  if ((common & inDomain) === 0 || !isLength(position - domain) || buffer[position - 1] === dot) return false
  return position === end || isPlainResource(buffer, position + 1, end)
}

function isPlainResource(buffer: Uint8Array, start: number, end: number): boolean {
  let common = inResource
  for (let position = start; position < end; position++) common &= byteClass[buffer[position] as number] as number
  return common !== 0 && isLength(end - start)
}

function isLength(bytes: number): boolean {
  return bytes > 0 && bytes <= maxPartBytes
}

/** What makes of each part that is written its normal form; undefined for one that is prohibited. */
export interface Preparation {
  readonly local: (text: string) => string | undefined
  readonly domain: (text: string) => string | undefined
  readonly resource: (text: string) => string | undefined
}

const preparation: Preparation = {
  local: (text) => unlessEmpty(nodeprep(text)),
  domain: (text) => unlessEmpty(nameprep(text)?.replace(/\.$/, '')),
  resource: (text) => text,
}

function unlessEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

/**
 * A JID's text (references decoded) in normal form: localpart by nodeprep, domain by nameprep and without a dot at
 * its end, resource as it is. Undefined when it is no JID: a part that is empty, too long or prohibited.
 */
export function normalise(jid: string): Jid | undefined {
  const parts = prepared(jid, preparation)
  return parts?.domain.endsWith('.') ? undefined : parts
}

/** A JID's text taken apart, and each part prepared. Undefined when a part is written empty, or is too long or prohibited. */
export function prepared(jid: string, prepare: Preparation): Jid | undefined {
  const cut = jid.indexOf('/')
  const bare = cut < 0 ? jid : jid.slice(0, cut)
  const sign = bare.indexOf('@')
  const local = sign < 0 ? '' : part(bare.slice(0, sign), prepare.local)
  const domain = part(bare.slice(sign + 1), prepare.domain)
  const resource = cut < 0 ? '' : part(jid.slice(cut + 1), prepare.resource)
  return local === undefined || domain === undefined || resource === undefined ? undefined : { local, domain, resource }
}

function part(written: string, prepare: (text: string) => string | undefined): string | undefined {
  const text = written === '' ? undefined : prepare(written)
  return text === undefined || Buffer.byteLength(text) > maxPartBytes ? undefined : text
}

/** Whether the bytes `[start, end)` of an attribute are a JID at all, in normal form or not. */
export function isJid(buffer: Buffer, start: number, end: number): boolean {
  return isPlain(buffer, start, end) || normalise(decodeAttribute(buffer.toString('utf8', start, end))) !== undefined
}

/** A full JID in normal form, as text; undefined when it is none. */
export function normalText(jid: string): string | undefined {
  const parts = normalise(jid)
  return parts && fullText(parts)
}

/** The bare JID as text. */
export function bareText(jid: Jid): string {
  return jid.local === '' ? jid.domain : `${jid.local}@${jid.domain}`
}

/** The full JID as text; the bare one when there is no resource. */
export function fullText(jid: Jid): string {
  return jid.resource === '' ? bareText(jid) : `${bareText(jid)}/${jid.resource}`
}

/**
 * An attribute's text as it stands between the quotes, with what it stands for in place of the five predefined
 * references (XML 1.0 §4.6) and of those to white space, the only ones that the framer leaves.
 */
export function decodeAttribute(text: string): string {
  return text
    .replace(/\r\n|[\t\n\r]/g, ' ')
    .replace(/&(amp|lt|gt|quot|apos|#9|#10|#13);/g, (_, name: string) => predefined(name))
}

function predefined(name: string): string {
  switch (name) {
    case 'amp':
      return '&'
    case 'lt':
      return '<'
    case 'gt':
      return '>'
    case 'quot':
      return '"'
    case 'apos':
      return "'"
    default:
      return String.fromCharCode(Number(name.slice(1)))
  }
}
