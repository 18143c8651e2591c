import { readFileSync } from 'node:fs'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Listener as ListenerConfig } from '../config/config.ts'
import type { StreamErrorCounters } from './counters.ts'
import { SwitchyardError } from './errors.ts'
import { type Log, logEvent } from './log.ts'
import type { AcceptedDomain, Credential, FindDomain } from './stream/accept.ts'
import type { Flusher } from './stream/flusher.ts'
import { Stream, type StreamHandler, type StreamLimits, type StreamOwner } from './stream/stream.ts'
import type { Scanners } from './xmpp/scanners.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

export interface ListenerLimits extends StreamLimits {
  /** Streams, authenticated or not. */
  readonly connections: number
  readonly unauthenticated: number
  readonly unauthenticated_per_address: number
}

export interface ListenerParts {
  /** Finds a domain among those of the listener, or among all; `domains` is what the listener is limited to. */
  readonly find: (name: string, domains: readonly string[] | undefined) => AcceptedDomain | undefined
  readonly admit: (stream: Stream, domain: AcceptedDomain, credential: Credential) => StreamHandler | StreamCondition
  readonly flusher: Flusher
  readonly streamErrors: StreamErrorCounters
  readonly log: Log
  /** As they are now; a stream keeps those that it was accepted with. */
  readonly limits: () => ListenerLimits
  readonly scanners: () => Scanners
}

interface OpenPort {
  readonly server: Server
  readonly config: ListenerConfig
}

/** Accepts the streams of instances on any number of ports, and keeps those that have not authenticated within bounds. */
export class Listener implements StreamOwner {
  readonly #parts: ListenerParts
  readonly #servers = new Map<string, OpenPort>()
  readonly #streams = new Set<Stream>()
  /** Those that are not authenticated, with their addresses. */
  readonly #waiting = new Map<Stream, string>()
  /** Those that are not yet through with TLS, by both their ends, with their addresses. */
  readonly #greeted = new Map<string, string>()
  /** How many of both. */
  readonly #perAddress = new Map<string, number>()

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  /**
   * Opens the ports that are new, all of them or none, and closes those that are no more; the streams that came by them stay. Returns the
   * ports in the order of `configs`: what 0 became.
   */
  async configure(configs: readonly ListenerConfig[]): Promise<readonly number[]> {
    const keys = keysOf(configs)
    const wanted = new Map(configs.map((config, index) => [keys[index] ?? '', config]))
    const opened: string[] = []
    const closed: (readonly [key: string, config: ListenerConfig])[] = []
    try {
      for (const [key, config] of wanted) {
        if (this.#servers.has(key)) continue
        for (const [old, open] of this.#inTheWay(config, wanted)) {
          // Port 0 would become another.
          closed.push([old, { ...open.config, port: config.port }])
          this.#stop(old)
        }
        await this.#open(key, config)
        opened.push(key)
      }
    } catch (error) {
      for (const key of opened) this.#stop(key)
      for (const [key, config] of closed) await this.#open(key, config)
      throw error
    }
    for (const key of [...this.#servers.keys()]) if (!wanted.has(key)) this.#stop(key)
    return configs.map((config, index) => portOf(this.#servers.get(keys[index] ?? '')?.server, config.port))
  }

  /** Those that are no more and have the port that `config` asks for: it changes what it serves, or how. */
  #inTheWay(
    { port }: ListenerConfig,
    wanted: ReadonlyMap<string, ListenerConfig>,
  ): readonly (readonly [string, OpenPort])[] {
    const others = [...this.#servers].filter(([key]) => !wanted.has(key))
    return others.filter(([, { server }]) => portOf(server, 0) === port)
  }

  #stop(key: string): void {
    this.#servers.get(key)?.server.close()
    this.#servers.delete(key)
  }

  /** Accepts no more, and closes what has not authenticated. */
  close(): void {
    for (const { server } of this.#servers.values()) server.close()
    this.#servers.clear()
    for (const stream of [...this.#waiting.keys()]) stream.close('system-shutdown')
  }

  authenticated(stream: Stream, domain: AcceptedDomain, credential: Credential): StreamHandler | StreamCondition {
    const admitted = this.#parts.admit(stream, domain, credential)
    // One that is refused waits until it is closed, and is logged as such.
    if (typeof admitted !== 'string') this.#noLongerWaiting(stream)
    return admitted
  }

  closed(stream: Stream, condition: StreamCondition | undefined): void {
    const refused = this.#noLongerWaiting(stream)
    this.#streams.delete(stream)
    if (condition === undefined) return
    this.#parts.streamErrors.count(condition)
    logEvent(this.#parts.log, refused ? 'instance-refused' : 'stream-error', {
      domain: stream.domainName,
      remote: stream.remote,
      condition,
    })
  }

  /** Opens a port; rejects with `listen-failed` when that cannot be done. */
  async #open(key: string, config: ListenerConfig): Promise<void> {
    const find: FindDomain = (name) => this.#parts.find(name, config.domains)
    const isGreeted = config.tls !== undefined
    const server = serverFor(config, (socket) => this.#accept(socket, find, isGreeted))
    // Counted from the first byte of TLS on, or a thousand idle handshakes would not be.
    if (isGreeted) server.on('connection', (socket: Socket) => this.#greet(socket))
    server.on('tlsClientError', (_error: Error, socket: Socket) => this.#noLongerGreeted(endsOf(socket)))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(failure(config, cause)))
      server.listen({ host: config.host, port: config.port, backlog: 1024 }, resolve)
    })
    server.on('error', (error) => logEvent(this.#parts.log, 'bug', { error: error.message }))
    this.#servers.set(key, { server, config })
    const { host, tls, domains } = config
    logEvent(this.#parts.log, 'listening', { host, port: portOf(server, config.port), tls: tls !== undefined, domains })
  }

  /** A connection that is yet to show its TLS: bounded as those that are yet to authenticate. */
  #greet(socket: Socket): void {
    const address = socket.remoteAddress
    if (address === undefined || this.#isTooMany(address)) return void socket.destroy()
    const ends = endsOf(socket)
    this.#greeted.set(ends, address)
    this.#count(address, 1)
    socket.once('close', () => this.#noLongerGreeted(ends))
  }

  #noLongerGreeted(ends: string): void {
    const address = this.#greeted.get(ends)
    if (address !== undefined && this.#greeted.delete(ends)) this.#count(address, -1)
  }

  #isTooMany(address: string): boolean {
    const { connections, unauthenticated, unauthenticated_per_address } = this.#parts.limits()
    return (
      this.#streams.size + this.#greeted.size >= connections ||
      this.#waiting.size + this.#greeted.size >= unauthenticated ||
      (this.#perAddress.get(address) ?? 0) >= unauthenticated_per_address
    )
  }

  #count(address: string, change: 1 | -1): void {
    const count = (this.#perAddress.get(address) ?? 0) + change
    if (count > 0) this.#perAddress.set(address, count)
    else this.#perAddress.delete(address)
  }

  #accept(socket: Socket, find: FindDomain, isGreeted: boolean): void {
    const limits = this.#parts.limits()
    const address = socket.remoteAddress
    // It is gone already: there is nobody to answer.
    if (address === undefined) return void socket.destroy()
    // Through with TLS, it is counted as a stream from here on.
    if (isGreeted) this.#noLongerGreeted(endsOf(socket))
    if (this.#isTooMany(address)) {
      socket.on('error', () => {})
      return void socket.destroy()
    }
    const stream = new Stream(socket, this, find, limits, this.#parts.scanners(), this.#parts.flusher)
    this.#streams.add(stream)
    this.#waiting.set(stream, address)
    this.#count(address, 1)
  }

  /** Returns whether it was waiting. */
  #noLongerWaiting(stream: Stream): boolean {
    const address = this.#waiting.get(stream)
    if (address === undefined) return false
    this.#waiting.delete(stream)
    this.#count(address, -1)
    return true
  }
}

function serverFor(config: ListenerConfig, accept: (socket: Socket) => void): Server {
  if (config.tls === undefined) return createTcpServer({ allowHalfOpen: true, pauseOnConnect: true }, accept)
  const { cert, key, ca } = config.tls
  const options = {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ...(ca === undefined ? {} : { ca: readFileSync(ca), requestCert: true, rejectUnauthorized: true }),
    minVersion: 'TLSv1.2' as const,
    handshakeTimeout: 10_000,
    allowHalfOpen: true,
  }
  return createTlsServer(options, (socket) => {
    socket.disableRenegotiation() // CVE-2021-32920: it costs us far more than them
    accept(socket)
  })
}

/** Both ends of a connection: the same before its TLS and after. */
function endsOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`
}

function portOf(server: Server | undefined, asked: number): number {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? address.port : asked
}

/** What each is known by from one reload to the next; equal ones, which port 0 allows, are told apart by their order. */
function keysOf(configs: readonly ListenerConfig[]): readonly string[] {
  const texts = configs.map((config) => JSON.stringify(config))
  return texts.map((text, index) => `${texts.slice(0, index).filter((other) => other === text).length} ${text}`)
}

function failure({ host, port }: ListenerConfig, cause: Error): SwitchyardError {
  return new SwitchyardError('listen-failed', `listen ${host}:${port}: ${cause.message}`, { cause })
}
