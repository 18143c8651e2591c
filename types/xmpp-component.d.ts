/**
 * What Switchyard uses of @xmpp/component 0.13.1, which has no types of its own: setting a stream up, and its hooks; and
 * what its tests use of it as an instance.
 */
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events'

  export interface XmlElement {
    readonly name: string
    readonly attrs: Record<string, string>
    getChild(name: string, namespace?: string): XmlElement | undefined
    getChildElements(): readonly XmlElement[]
    getChildText(name: string, namespace?: string): string | null
  }

  /** Attributes that are undefined are left out. */
  export type Attributes = Readonly<Record<string, string | undefined>>
  export type Xml = (name: string, attrs?: Attributes, ...children: readonly (string | XmlElement)[]) => XmlElement
  export const xml: Xml

  /** Looked up by `new entity.Socket()`: emits connect, data, error and close. */
  export interface EntitySocket extends EventEmitter {
    connect(address: { readonly host: string; readonly port: number }): void
    write(bytes: string, written: (error?: Error | null) => void): boolean
    end(): void
    destroy(): void
  }

  /** Looked up by `new entity.Parser()`: emits start, element, error and end. */
  export interface EntityParser extends EventEmitter {
    write(chunk: Uint8Array): void
  }

  export interface Component extends EventEmitter {
    /** Milliseconds that open, handshake and close may take; 0 sets no timer. */
    timeout: number
    Socket: new () => EntitySocket
    Parser: new () => EntityParser
    socketParameters: (service: string) => { readonly host: string; readonly port: number }
    _onData: (chunk: Uint8Array) => void
    headerElement: () => XmlElement
    readonly socket: EntitySocket | null
    readonly reconnect: { stop(): void }
    readonly iqCallee: {
      get(namespace: string, name: string, answer: () => XmlElement): void
    }
    readonly iqCaller: { request(iq: XmlElement): Promise<XmlElement> }
    /** Dials; resolves when the socket emits `connect`. */
    connect(service: string): Promise<void>
    /** Sends the stream header; the handshake follows by itself when the parser emits `start`. */
    open(options: { readonly domain: string }): Promise<unknown>
    /** Both, and the wait for `online`; an `error` in between is also an unhandled rejection. */
    start(): Promise<unknown>
    stop(): Promise<unknown>
    send(element: XmlElement): Promise<void>
  }

  export function component(options: {
    readonly service: string
    readonly domain: string
    /** Hashed byte by byte behind the stream id: one character per byte. */
    readonly password: string
  }): Component
}
