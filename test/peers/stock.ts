import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import * as library from '@xmpp/component'

/** @xmpp/component 0.13.1 as its users see it. `types/` knows only the hooks by which Switchyard's links use it. */

export interface XmlElement {
  readonly name: string
  readonly attrs: Readonly<Record<string, string | undefined>>
  is(name: string, xmlns?: string): boolean
  getChild(name: string, xmlns?: string): XmlElement | undefined
  getChildText(name: string, xmlns?: string): string | null
  getChildElements(): readonly XmlElement[]
  toString(): string
}

/** A stream error has its condition. */
export type StreamError = Error & { readonly condition?: string }

interface Events {
  readonly online: []
  readonly disconnect: []
  readonly stanza: [element: XmlElement]
  readonly error: [error: StreamError]
}

export interface StockComponent extends EventEmitter<{ -readonly [name in keyof Events]: Events[name] }> {
  readonly socket: Socket | null
  readonly reconnect: { stop(): void }
  readonly iqCallee: Readonly<Record<'get' | 'set', (xmlns: string, name: string, handler: () => XmlElement) => void>>
  readonly iqCaller: { request(stanza: XmlElement): Promise<XmlElement> }
  start(): Promise<void>
  stop(): Promise<void>
  send(element: XmlElement): Promise<void>
}

type Attributes = Readonly<Record<string, string | undefined>>

export const component = library.component as unknown as (options: {
  readonly service: string
  readonly domain: string
  readonly password: string
}) => StockComponent

export const xml = library.xml as unknown as (
  name: string,
  attrs: Attributes,
  ...children: readonly (XmlElement | string)[]
) => XmlElement
