import type { HashName, Keying, KeyRule } from '../balancing/criterion.ts'
import { hashText, murmur3 } from '../balancing/hash.ts'
import { phash2, phash2OfParts } from '../balancing/phash2.ts'
import { delegatedFrom } from './adverts.ts'
import { ejabberdForm } from './xmpp/ejabberd-jid.ts'
import { Form, Head, Kind } from './xmpp/head.ts'
import { bareText, decodeAttribute, fullText, normalise } from './xmpp/jid.ts'
import { locate } from './xmpp/routing.ts'
import { escapeText } from './xmpp/stream-error.ts'

/** The hash of a stanza's key, by the rule that its domain has for it. */
export function hashOfKey(keying: Keying, stanza: Head): number {
  // ejabberd looks into no stanza: what it delegates is keyed by the address that it comes from, its own.
  if (keying.asErlang) return erlangHashOf(ruleFor(keying, stanza), stanza)
  const head = keyHead(stanza)
  return hashOf(ruleFor(keying, head), head)
}

/** The addresses that a stanza's key comes from, as they came; empty where it has none. */
export function addressesOf(stanza: Head): { readonly from: string; readonly to: string } {
  const { buffer, fromStart, fromEnd, toStart, toEnd } = keyHead(stanza)
  const text = (start: number, end: number): string =>
    start < 0 ? '' : decodeAttribute(buffer.toString('utf8', start, end))
  return { from: text(fromStart, fromEnd), to: text(toStart, toEnd) }
}

/** Where to look for the key: in the stanza, or for a delegated one at the address of whom it is from. */
function keyHead(stanza: Head): Head {
  if (stanza.kind !== Kind.iq) return stanza
  const from = delegatedFrom(stanza)
  if (from === undefined) return stanza
  const to = stanza.text(stanza.toStart, stanza.toEnd) ?? ''
  const head = new Head()
  head.buffer = Buffer.from(escapeText(from) + to)
  head.fromStart = 0
  head.fromEnd = head.buffer.length - Buffer.byteLength(to)
  head.toStart = head.fromEnd
  head.toEnd = head.buffer.length
  locate(head)
  return head
}

function ruleFor(keying: { readonly usual: KeyRule; readonly withoutLocal: KeyRule }, head: Head): KeyRule {
  if (keying.usual === keying.withoutLocal) return keying.usual
  return head.toStart >= 0 && head.toDomain > head.toStart ? keying.usual : keying.withoutLocal
}

/** The hash of a stanza's key: of its bytes as they stand when they are in normal form, as nearly all are. */
function hashOf(rule: KeyRule, head: Head): number {
  const start = rule.fromSource ? head.fromStart : head.toStart
  if (start < 0) return 0
  const form = rule.fromSource ? head.fromForm : head.toForm
  const bare = rule.fromSource ? head.fromBare : head.toBare
  const end = rule.bare ? bare : rule.fromSource ? head.fromEnd : head.toEnd
  if (form === Form.full || (form === Form.bare && end === bare)) return murmur3(head.buffer, start, end)
  const text = decodeAttribute(head.buffer.toString('utf8', start, end))
  const jid = normalise(text)
  return hashText(jid === undefined ? text : rule.bare ? bareText(jid) : fullText(jid))
}

/** `hashOf` as ejabberd hashes: the parts of the JID each on its own, the resource prepared too. */
function erlangHashOf(rule: KeyRule, head: Head): number {
  const start = rule.fromSource ? head.fromStart : head.toStart
  if (start < 0) return 0
  const { buffer } = head
  const domain = rule.fromSource ? head.fromDomain : head.toDomain
  const bare = rule.fromSource ? head.fromBare : head.toBare
  const end = rule.bare ? bare : rule.fromSource ? head.fromEnd : head.toEnd
  const form = rule.fromSource ? head.fromForm : head.toForm
  // Behind the `/`; nothing, when there is none.
  const resource = Math.min(bare + 1, end)
  const isReady = end === bare ? form !== Form.unknown : form === Form.full && isAscii(buffer, resource, end)
  if (isReady) return phash2(buffer, start, Math.max(start, domain - 1), domain, bare, resource, end)
  const text = decodeAttribute(buffer.toString('utf8', start, end))
  const parts = ejabberdForm(text) ?? { local: '', domain: text, resource: '' }
  return phash2OfParts(parts.local, parts.domain, rule.bare ? '' : parts.resource)
}

function isAscii(buffer: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((buffer[at] as number) >= 0x80) return false
  return true
}

/** A full JID in the form in which a hash takes it, as text; undefined when it is none. */
export function keyText(jid: string, hash: HashName): string | undefined {
  const parts = hash === 'erlang_phash2' ? ejabberdForm(jid) : normalise(jid)
  return parts && fullText(parts)
}
