import { type Head, Kind } from './head.ts'
import { ns } from './namespaces.ts'
import { escapeText } from './stream-error.ts'

const OPEN_TAG_END = 0x3e // >
const SLASH = 0x2f

/**
 * The stanza in `head` with a delay (XEP-0203) as its last child: it was first received at `stamp` (a DateTime of
 * XEP-0082), and `from` kept it. One that ends with a delay by `from` has said so already, and comes back as it is; so
 * does an iq: RFC 6120 §8.2.3 allows it no second child.
 */
export function withDelay(head: Head, from: string, stamp: string): Buffer {
  const { buffer, start, end, tagEnd } = head
  if (head.kind === Kind.iq) return Buffer.from(head.bytes)
  const opening = `<delay xmlns='${ns.delay}' from='${escapeText(from)}' stamp='`
  const delay = `${opening}${stamp}'/>`
  const isEmpty = tagEnd === end && buffer[end - 2] === SLASH && buffer[end - 1] === OPEN_TAG_END
  // Behind the last child: before the closing tag, which is the last `<` there is; or inside an empty-element tag.
  const at = isEmpty ? end - 2 : buffer.lastIndexOf('<', end - 1)
  const before = at - Buffer.byteLength(delay)
  if (before > start && buffer.toString('utf8', before, before + Buffer.byteLength(opening)) === opening) {
    return Buffer.from(head.bytes)
  }
  const name = head.kind === Kind.message ? 'message' : 'presence'
  const text = isEmpty ? `>${delay}</${name}>` : delay
  return Buffer.concat([buffer.subarray(start, at), Buffer.from(text), buffer.subarray(isEmpty ? end : at, end)])
}
