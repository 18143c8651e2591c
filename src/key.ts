import type { Keying, KeyRule } from '../balancing/criterion.ts'
import { hashText, murmur3 } from '../balancing/hash.ts'
import { delegatedFrom } from './adverts.ts'
import { Form, Head, Kind } from './xmpp/head.ts'
import { bareText, decodeAttribute, fullText, normalise } from './xmpp/jid.ts'
import { locate } from './xmpp/routing.ts'
import { escapeText } from './xmpp/stream-error.ts'

/** The hash of a stanza's key, by the rule that its domain has for it. */
export function hashOfKey(keying: Keying, stanza: Head): number {
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
