/** What Switchyard uses of @xmpp/component 0.13.1, which has no types of its own: setting a stream up, and its hooks. */
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events'

  export interface XmlElement {
    readonly name: string
    readonly attrs: Record<string, string>
  }

  export type Xml = (name: string, attrs?: Record<string, string>, ...children: readonly string[]) => XmlElement
  export const xml: Xml

  /** Looked up by `new entity.Socket()`: emits connect, data, error and close. */
  export interface EntitySocket extends EventEmitter {
    connect(address: { readonly host: string; readonly port: number }): void
    write(bytes: string, written: (error?: Error | null) => void): boolean
    end(): void
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
    readonly reconnect: { stop(): void }
    /** Dials; resolves when the socket emits `connect`. */
    connect(service: string): Promise<void>
    /** Sends the stream header; the handshake follows by itself when the parser emits `start`. */
    open(options: { readonly domain: string }): Promise<unknown>
  }

  export function component(options: {
    readonly service: string
    readonly domain: string
    /** Hashed byte by byte behind the stream id: one character per byte. */
    readonly password: string
  }): Component
}
