import { readFileSync } from 'node:fs'
import { BlockList, createServer as createTcpServer, isIPv6, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Listener as ListenerConfig } from '../config/config.ts'
import { parseNetwork } from '../config/names.ts'
import type { StreamErrorCounters } from './counters.ts'
import { SwitchyardError } from './errors.ts'
import { Introductions } from './introductions.ts'
import { type Log, logEvent } from './log.ts'
import type { Peer } from './proxy-header.ts'
import type { Refusals } from './refusals.ts'
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
  readonly refusals: Refusals
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
  /** Those that are not yet through with TLS, by both their ends. */
  readonly #greeted = new Map<string, Peer>()
  /** Those that are to say by the PROXY protocol who they are. */
  readonly #introductions = new Introductions()
  /** How many of the first two. */
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
    this.#introductions.close()
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
    const { host, tls, domains } = config
    const enter = this.#entrance(config)
    const isAllowed = allowedBy(config.from)
    const server = createTcpServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.#arrive(socket, config, isAllowed, enter)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(failure(config, cause)))
      server.listen({ host, port: config.port, backlog: 1024 }, resolve)
    })
    server.on('error', (error) => logEvent(this.#parts.log, 'bug', { error: error.message }))
    this.#servers.set(key, { server, config })
    logEvent(this.#parts.log, 'listening', { host, port: portOf(server, config.port), tls: tls !== undefined, domains })
  }

  /** What a connection meets once it is known where it comes from: a stream, or TLS and then a stream. */
  #entrance(config: ListenerConfig): (socket: Socket, peer: Peer) => void {
    const find: FindDomain = (name) => this.#parts.find(name, config.domains)
    if (config.tls === undefined) return (socket, peer) => this.#accept(socket, peer, find)
    // It listens nowhere: it is given each connection when that may begin with TLS.
    const server = tlsServerFor(config.tls, (socket) => {
      const peer = this.#noLongerGreeted(endsOf(socket))
      if (peer === undefined) socket.destroy()
      else this.#accept(socket, peer, find)
    })
    server.on('tlsClientError', (_error: Error, socket: Socket) => this.#noLongerGreeted(endsOf(socket)))
    return (socket, peer) => this.#greet(socket, peer, server)
  }

  /** A new connection, of which nothing has been read. */
  #arrive(
    socket: Socket,
    { proxy_protocol }: ListenerConfig,
    isAllowed: (address: string) => boolean,
    enter: (socket: Socket, peer: Peer) => void,
  ): void {
    const { remoteAddress: address, remotePort: port } = socket
    // It is gone already: there is nobody to answer.
    if (address === undefined || port === undefined) return void socket.destroy()
    const own = { address, port }
    if (!isAllowed(address)) return this.#refuse(socket, 'address', own)
    if (!proxy_protocol) return enter(socket, own)
    // A balancer has one address for all who are behind it: it is bounded by the bounds of all.
    if (this.#isFull()) return this.#refuse(socket, 'limit', own)
    this.#introductions.wait(
      socket,
      this.#parts.limits().handshake_seconds * 1000,
      (peer) => enter(socket, peer ?? own),
      (why) => this.#parts.refusals.count('proxy_header', { remote: remoteOf(own), why }),
    )
  }

  #refuse(socket: Socket, reason: 'address' | 'limit', peer: Peer): void {
    socket.on('error', () => {})
    socket.destroy()
    this.#parts.refusals.count(reason, { remote: remoteOf(peer) })
  }

  /**
   * A connection that is yet to show its TLS: bounded as those that are yet to authenticate, and counted from its first byte
   * on, or a thousand idle handshakes would not be.
   */
  #greet(socket: Socket, peer: Peer, server: TlsServer): void {
    if (this.#isTooMany(peer)) return this.#refuse(socket, 'limit', peer)
    const ends = endsOf(socket)
    this.#greeted.set(ends, peer)
    this.#count(peer.address, 1)
    socket.once('close', () => this.#noLongerGreeted(ends))
    server.emit('connection', socket)
  }

  #noLongerGreeted(ends: string): Peer | undefined {
    const peer = this.#greeted.get(ends)
    if (peer !== undefined && this.#greeted.delete(ends)) this.#count(peer.address, -1)
    return peer
  }

  #isFull(): boolean {
    const { connections, unauthenticated } = this.#parts.limits()
    const early = this.#greeted.size + this.#introductions.size
    return this.#streams.size + early >= connections || this.#waiting.size + early >= unauthenticated
  }

  #isTooMany({ address }: Peer): boolean {
    return this.#isFull() || (this.#perAddress.get(address) ?? 0) >= this.#parts.limits().unauthenticated_per_address
  }

  #count(address: string, change: 1 | -1): void {
    const count = (this.#perAddress.get(address) ?? 0) + change
    if (count > 0) this.#perAddress.set(address, count)
    else this.#perAddress.delete(address)
  }

  #accept(socket: Socket, peer: Peer, find: FindDomain): void {
    if (this.#isTooMany(peer)) return this.#refuse(socket, 'limit', peer)
    const { flusher, scanners, limits } = this.#parts
    const stream = new Stream(socket, remoteOf(peer), this, find, limits(), scanners(), flusher)
    this.#streams.add(stream)
    this.#waiting.set(stream, peer.address)
    this.#count(peer.address, 1)
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

function tlsServerFor(
  { cert, key, ca }: NonNullable<ListenerConfig['tls']>,
  accept: (socket: Socket) => void,
): TlsServer {
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

/** Whether an address is in one of the networks; without any, all are. */
function allowedBy(networks: readonly string[] | undefined): (address: string) => boolean {
  if (networks === undefined) return () => true
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network !== undefined) list.addSubnet(network.address, network.prefix, network.family)
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function remoteOf({ address, port }: Peer): string {
  return `${address}:${port}`
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
