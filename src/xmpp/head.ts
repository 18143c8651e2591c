/** What a first-level element is. Numbers, so that the stanza path compares integers. */
export const Kind = { other: 0, iq: 1, message: 2, presence: 3 } as const
export type Kind = (typeof Kind)[keyof typeof Kind]

/** The `type` attribute of a stanza (RFC 6120 §8.1.4, RFC 6121 §4.7.1 and §5.2.2), as far as routing asks for it. */
export const Type = {
  /** No `type` attribute. */
  none: 0,
  /** A value that is none of the others. */
  other: 1,
  get: 2,
  set: 3,
  result: 4,
  error: 5,
  chat: 6,
  groupchat: 7,
  headline: 8,
  normal: 9,
  unavailable: 10,
  probe: 11,
  subscribe: 12,
  subscribed: 13,
  unsubscribe: 14,
  unsubscribed: 15,
} as const
export type Type = (typeof Type)[keyof typeof Type]

const typeNames: ReadonlyMap<Type, string> = new Map(Object.entries(Type).map(([name, type]) => [type, name]))

/** The type of the stanza in `head` as it is spelled; `other` for what is none; undefined where there is no attribute. */
export function typeOf({ type }: Head): string | undefined {
  return type === Type.none ? undefined : typeNames.get(type)
}

/** What is known of how an address is written: whether all of it is as it would be in normal form (`isPlain` in jid.ts). */
export const Form = {
  /** It may be in normal form or not, or no JID at all: see `normalise` in jid.ts. */
  unknown: 0,
  /** The bare JID is; the resource may not be. */
  bare: 1,
  full: 3,
} as const
export type Form = (typeof Form)[keyof typeof Form]

/**
 * The head of one first-level element: where its bytes are, and where in them routing finds what it needs.
 * All offsets are into `buffer`; ranges are half-open; an absent attribute has start -1. The framer owns and
 * reuses one Head and its buffer: it is valid until the framer's next `next()` or `push()`, so whoever keeps
 * anything copies it.
 *
 * The ranges hold the attribute's bytes as they stand between the quotes. References are already reduced to
 * the five predefined ones, and those stand only for characters that must be escaped there (so a domain or a
 * localpart holds none).
 */
export class Head {
  buffer: Buffer = Buffer.alloc(0)
  /** The element's bytes: from `<` of its opening tag to behind `>` of its closing tag. */
  start = 0
  end = 0
  /** Behind the `>` (or `/>`) of the opening tag. */
  tagEnd = 0
  kind: Kind = Kind.other
  type: Type = Type.none
  fromStart = -1
  fromEnd = -1
  /** Where the domain in `from` begins, and where its bare JID, and so the domain, ends. */
  fromDomain = -1
  fromBare = -1
  fromForm: Form = Form.unknown
  toStart = -1
  toEnd = -1
  toDomain = -1
  toBare = -1
  toForm: Form = Form.unknown
  idStart = -1
  idEnd = -1
  /** How many child elements the element has (not deeper ones): an iq must have 1, or 0 or 1 (RFC 6120 §8.2.3). */
  children = 0
  /** Some element inside is in the streams namespace: such a stanza is refused (protocol.md). */
  streams = false

  /** The element's own bytes, as a view that is valid as long as the head is. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.end)
  }
  /** The raw bytes of an attribute as text, references left as they are; undefined when absent. Not for the fast path. */
  text(start: number, end: number): string | undefined {
    return start < 0 ? undefined : this.buffer.toString('utf8', start, end)
  }
}
