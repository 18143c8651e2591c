import type { StreamCondition } from './stream-error.ts'

/** What `next()` found. */
export const Found = {
  /** Nothing whole: push more bytes. */
  nothing: 0,
  /** The stream's opening tag: see `header`. */
  header: 1,
  /** An iq, message or presence in the content namespace: see `head`. */
  stanza: 2,
  /** Another first-level element (handshake, stream:error, stream:features): see `head`. */
  element: 3,
  /** `</stream:stream>`. */
  footer: 4,
  /** The input broke a rule: see `error`. The framer stays in this state. */
  error: 5,
} as const
export type Found = (typeof Found)[keyof typeof Found]

export interface FramerLimits {
  /** Bytes of one first-level element, counted while reading. */
  readonly stanza_bytes: number
  /** Nesting, the first-level element being depth 1. */
  readonly depth: number
  /** Elements in one first-level element, itself included. */
  readonly elements: number
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number
  /** Namespace declarations in force at once inside one first-level element. */
  readonly namespaces: number
}

export interface FramerError {
  readonly condition: StreamCondition
  /** For people; names the offending thing, never a body. */
  readonly text: string
}
