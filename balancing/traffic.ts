import type { Criterion, HashName, Keying } from './criterion.ts'
import { hashText } from './hash.ts'
import { phash2OfParts } from './phash2.ts'

/** A full JID in the form in which that hash takes it; undefined when it is no JID. */
export type Normalise = (jid: string, hash: HashName) => string | undefined

/** One stanza, or as many like it as `weight` says (default 1; any unit, such as stanzas or bytes). */
export interface Addressed {
  readonly from: string
  readonly to: string
  readonly weight?: number
}

/** The criteria that read a key. */
export type KeyCriterion = Exclude<Criterion, 'random'>

/** The same without addresses: what every criterion would hash them to, by murmur3. Enough to share it out by that. */
export interface Hashed {
  readonly hashes: { readonly [criterion in KeyCriterion]: number }
  /** Whether `to` has a localpart, which `bare_domain` asks for. */
  readonly hasLocal: boolean
  readonly weight?: number
}

export type Traffic = Addressed | Hashed

export interface Key {
  readonly criterion: Criterion
  /** The key itself or, of hashed traffic, `#` and its hash in hexadecimal. */
  readonly text: string
  readonly hash: number
}

/** The key of a stanza; undefined when it is to come from an address that is no JID, or by a hash that is not known. */
export function keyOf(keying: Keying, traffic: Traffic, normalise: Normalise): Key | undefined {
  const { hash: name } = keying
  if ('hashes' in traffic) {
    if (name !== 'murmur3') return undefined
    const { criterion } = traffic.hasLocal ? keying.usual : keying.withoutLocal
    const hash = criterion === 'random' ? 0 : traffic.hashes[criterion]
    return { criterion, text: hashName(hash), hash }
  }
  const target = normalise(traffic.to, name)
  const rule = target !== undefined && !hasLocal(target) ? keying.withoutLocal : keying.usual
  const address = rule.fromSource ? normalise(traffic.from, name) : target
  if (address === undefined) return undefined
  const text = rule.bare ? bareOf(address) : address
  return { criterion: rule.criterion, text, hash: name === 'murmur3' ? hashText(text) : phash2OfText(text) }
}

/** A stanza without its addresses, which are in normal form. */
export function hashedOf({ from, to }: Addressed): Pick<Hashed, 'hashes' | 'hasLocal'> {
  const hashes = {
    source: hashText(from),
    destination: hashText(to),
    bare_source: hashText(bareOf(from)),
    bare_destination: hashText(bareOf(to)),
  }
  return { hashes, hasLocal: hasLocal(to) }
}

function phash2OfText(jid: string): number {
  const bare = bareOf(jid)
  const sign = bare.indexOf('@')
  return phash2OfParts(bare.slice(0, Math.max(sign, 0)), bare.slice(sign + 1), jid.slice(bare.length + 1))
}

function hashName(hash: number): string {
  return `#${hash.toString(16).padStart(8, '0')}`
}

/** Whether a key's text is a hash in the place of the key: no JID's domain has that sign. */
export function isHash(text: string): boolean {
  return /^#[0-9a-f]{8}$/.test(text)
}

function bareOf(jid: string): string {
  const slash = jid.indexOf('/')
  return slash < 0 ? jid : jid.slice(0, slash)
}

function hasLocal(jid: string): boolean {
  return bareOf(jid).includes('@')
}
