import { type Head, Kind, Type } from './head.ts'

/**
 * Whether an iq obeys RFC 6120 §8.2.3: an id; one of the four types; exactly one child in a request, at most one in a
 * result. An error's children are not counted: it may echo the request beside the error. Any other stanza passes.
 */
export function isValidIq(head: Head): boolean {
  if (head.kind !== Kind.iq) return true
  if (head.idStart < 0) return false
  switch (head.type) {
    case Type.get:
    case Type.set:
      return head.children === 1
    case Type.result:
      return head.children <= 1
    default:
      return head.type === Type.error
  }
}
