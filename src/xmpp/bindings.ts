import { separatesNames } from './chars.ts'
import { ns } from './namespaces.ts'
import { equals } from './routing.ts'

/** Prefixes in force, innermost last; '' is the default namespace where its owner keeps it here. */
export class Bindings {
  readonly #prefixes: string[] = []
  readonly #uris: string[] = []
  /** Index of the first binding in force of the same namespace: equal numbers, equal namespaces. */
  readonly #ids: number[] = []

  get size(): number {
    return this.#prefixes.length
  }

  declare(prefix: string, uri: string): void {
    const known = this.#uris.indexOf(uri)
    this.#ids.push(known < 0 ? this.#uris.length : known)
    this.#prefixes.push(prefix)
    this.#uris.push(uri)
  }

  /** Forgets all but the first `size`. */
  truncate(size: number): void {
    this.#prefixes.length = size
    this.#uris.length = size
    this.#ids.length = size
  }

  /** The innermost binding of a prefix, or -1. */
  find(prefix: string): number {
    return this.#prefixes.lastIndexOf(prefix)
  }

  uri(index: number): string {
    return this.#uris[index] ?? ''
  }

  prefix(index: number): string {
    return this.#prefixes[index] ?? ''
  }

  id(index: number): number {
    return this.#ids[index] ?? -1
  }
}

/** The namespaces that framing itself asks about. */
export const Space = { other: 0, content: 1, streams: 2 } as const
export type Space = (typeof Space)[keyof typeof Space]

export function spaceOf(uri: string): Space {
  if (uri === ns.component) return Space.content
  return uri === ns.streams ? Space.streams : Space.other
}

/** Why a declaration is refused (Namespaces in XML §3 and §5), or undefined; `prefix` is '' for the default namespace. */
export function refusal(prefix: string, uri: string): string | undefined {
  if (prefix === 'xmlns') return 'the prefix xmlns is declared'
  if (prefix === 'xml') return uri === ns.xml ? undefined : 'the prefix xml is bound to another namespace'
  if (uri === ns.xml || uri === ns.xmlns) return 'a reserved namespace is bound'
  if (uri === '' && prefix !== '') return 'a prefix is bound to nothing'
  return hasSeparator(uri) ? "white space, '|' or '}' in a namespace" : undefined
}

function hasSeparator(uri: string): boolean {
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i)
    if (code < 0x80 && separatesNames[code] === 1) return true
  }
  return false
}

const component = Buffer.from(ns.component)
const streams = Buffer.from(ns.streams)
const xml = Buffer.from(ns.xml)
const xmlns = Buffer.from(ns.xmlns)

/**
 * The same for a default namespace that is spelled without references, straight from the bytes: nearly every stanza has
 * one. -1 where the declaration is refused.
 */
export function spaceOfBytes(buffer: Buffer, start: number, end: number): Space | -1 {
  for (let at = start; at < end; at++) if (separatesNames[buffer[at] ?? 0] === 1) return -1
  const length = end - start
  if (length === component.length && equals(component, buffer, start)) return Space.content
  if (length === streams.length && equals(streams, buffer, start)) return Space.streams
  if (length === xml.length && equals(xml, buffer, start)) return -1
  if (length === xmlns.length && equals(xmlns, buffer, start)) return -1
  return Space.other
}
