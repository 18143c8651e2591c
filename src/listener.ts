import { createServer, type Server, type Socket } from 'node:net'
import type { Listener as ListenerConfig } from '../config/config.ts'
import type { Arrival } from './accepted-domain.ts'
import type { RefusalReason, StreamErrorCounters } from './counters.ts'
import { SwitchyardError } from './errors.ts'
import { Introductions } from './introductions.ts'
import { allowedBy } from './listener-access.ts'
import { contextOf, ListenerTls, type TlsContext } from './listener-tls.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import type { Peer } from './proxy-header.ts'
import type { Refusals } from './refusals.ts'
import type { AcceptedDomain, Credential, ShownCertificate } from './stream/accept.ts'
import type { Flusher } from './stream/flusher.ts'
import { Stream, type StreamHandler, type StreamLimits, type StreamOwner } from './stream/stream.ts'
import { TokenBucket } from './stream/token-bucket.ts'
import type { Scanners } from './xmpp/scanners.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

export interface ListenerLimits extends StreamLimits {
  /** Streams, authenticated or not. */
  readonly connections: number
  readonly unauthenticated: number
  readonly unauthenticated_per_address: number
  readonly accepts_per_second: number
}

/** What `accepts_per_second` lets in at once after a quiet time: the instances of a server that was restarted, say. */
const BURST_SECONDS = 10

export interface ListenerParts {
  /** Finds the domain that a header names. */
  readonly find: (name: string, arrival: Arrival) => AcceptedDomain | undefined
  readonly admit: (stream: Stream, domain: AcceptedDomain, credential: Credential) => StreamHandler | StreamCondition
  readonly flusher: Flusher
  readonly streamErrors: StreamErrorCounters
  readonly refusals: Refusals
  readonly log: Log
  /** As they are now; a stream keeps those that it was accepted with. */
  readonly limits: () => ListenerLimits
  /** Whether what goes to an address can be read on its way. */
  readonly isExposed: (address: string) => boolean
  /** Clear text from such an address is refused. */
  readonly requireTls: () => boolean
  /** There is no memory for more. */
  readonly isOverloaded: () => boolean
  readonly scanners: () => Scanners
}

interface OpenPort {
  readonly server: Server
  readonly tls: ListenerTls | undefined
  readonly config: ListenerConfig
}

/** A connection of which nothing has been read, but for its PROXY header. */
interface Connection {
  readonly socket: Socket
  /** Who is at its other end, or behind the balancer that is. */
  readonly peer: Peer
  /** When it came, in milliseconds of a monotonic clock. */
  readonly since: number
  /** It is clear text, and can be read on its way here. */
  readonly isExposed: boolean
}

/** A stream that has not authenticated. */
interface Waiting {
  readonly address: string
  readonly isExposed: boolean
}

/** Accepts the streams of instances on any number of ports, and keeps those that have not authenticated within bounds. */
export class Listener implements StreamOwner {
  readonly #parts: ListenerParts
  readonly #servers = new Map<string, OpenPort>()
  readonly #streams = new Set<Stream>()
  /** Those that are not authenticated. */
  readonly #waiting = new Map<Stream, Waiting>()
  /** Those that are not yet through with TLS, by both their ends. */
  readonly #greeted = new Map<string, Connection>()
  /** Those that are to say by the PROXY protocol who they are. */
  readonly #introductions = new Introductions()
  /** How many of the first two. */
  readonly #perAddress = new Map<string, number>()
  readonly #accepts = new TokenBucket(() => performance.now())
  /** Domains whose secrets came in clear text, and that was said. */
  readonly #exposed = new Set<string>()

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  /**
   * Opens the ports that are new, all of them or none, and closes those that are no more; the streams that came by them stay. Those that
   * stay show the certificates that their files have now. Returns the ports in the order of `configs`: what 0 became.
   */
  async configure(configs: readonly ListenerConfig[]): Promise<readonly number[]> {
    const keys = keysOf(configs)
    const contexts = new Map(configs.map((config, index) => [keys[index] ?? '', contextOf(config)]))
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
        await this.#open(key, config, contexts.get(key))
        opened.push(key)
      }
    } catch (error) {
      for (const key of opened) this.#stop(key)
      for (const [key, config] of closed) await this.#open(key, config, contextOf(config))
      throw error
    }
    for (const [key, open] of [...this.#servers]) {
      const config = wanted.get(key)
      if (config === undefined) this.#stop(key)
      else this.#renew(key, { ...open, config }, contexts.get(key))
    }
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

  #renew(key: string, open: OpenPort, context: TlsContext | undefined): void {
    this.#servers.set(key, open)
    if (context !== undefined) open.tls?.renew(context)
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
    if (typeof admitted === 'string') return admitted
    const isExposed = this.#noLongerWaiting(stream)?.isExposed
    if (isExposed && !this.#exposed.has(domain.name)) {
      this.#exposed.add(domain.name)
      logEvent(this.#parts.log, 'clear-text', { domain: domain.name, remote: stream.remote })
    }
    return admitted
  }

  closed(stream: Stream, condition: StreamCondition | undefined): void {
    const refused = this.#noLongerWaiting(stream) !== undefined
    this.#streams.delete(stream)
    if (condition === undefined) return
    this.#parts.streamErrors.count(condition)
    logEvent(this.#parts.log, refused ? 'instance-refused' : 'stream-error', {
      domain: escapeForLog(stream.domainName ?? ''),
      remote: stream.remote,
      condition,
    })
  }

  /** Opens a port; rejects with `listen-failed` when that cannot be done. */
  async #open(key: string, config: ListenerConfig, context: TlsContext | undefined): Promise<void> {
    const { host, domains } = config
    const tls = context && this.#tlsFor(config, context)
    const isAllowed = allowedBy(config.from)
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.#arrive(socket, config, isAllowed, (connection) => {
        if (tls === undefined) this.#accept(connection, config)
        else this.#greet(connection, tls)
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(failure(config, cause)))
      server.listen({ host, port: config.port, backlog: 1024 }, resolve)
    })
    server.on('error', (error) => logEvent(this.#parts.log, 'bug', { error: error.message }))
    this.#servers.set(key, { server, tls, config })
    logEvent(this.#parts.log, 'listening', { host, port: portOf(server, config.port), tls: tls !== undefined, domains })
  }

  #tlsFor(config: ListenerConfig, context: TlsContext): ListenerTls {
    return new ListenerTls(context, this.#parts.limits().handshake_seconds, {
      up: (socket, shown) => {
        const connection = this.#noLongerGreeted(endsOf(socket))
        if (connection === undefined) socket.destroy()
        else this.#accept({ ...connection, socket }, config, shown)
      },
      failed: (socket, why) => {
        const connection = this.#noLongerGreeted(endsOf(socket))
        // A connection that is gone by now has no address any more.
        const remote = connection && remoteOf(connection.peer)
        if (why !== undefined) this.#parts.refusals.count('tls', { remote, why })
      },
    })
  }

  /** A new connection, of which nothing has been read. */
  #arrive(
    socket: Socket,
    { proxy_protocol, tls }: ListenerConfig,
    isAllowed: (address: string) => boolean,
    enter: (connection: Connection) => void,
  ): void {
    const { remoteAddress: address, remotePort: port } = socket
    // It is gone already: there is nobody to answer.
    if (address === undefined || port === undefined) return void socket.destroy()
    const peer = { address, port }
    const isExposed = tls === undefined && this.#parts.isExposed(address)
    const connection = { socket, peer, since: performance.now(), isExposed }
    const refused = this.#refusedAtOnce(connection, isAllowed)
    if (refused !== undefined) return this.#refuse(connection, refused)
    if (!proxy_protocol) return enter(connection)
    // A balancer has one address for all who are behind it: it is bounded by the bounds of all.
    if (this.#isFull()) return this.#refuse(connection, 'limit')
    this.#introductions.wait(
      socket,
      this.#parts.limits().handshake_seconds * 1000,
      (named) => enter(named === undefined ? connection : { ...connection, peer: named }),
      (why) => this.#parts.refusals.count('proxy_header', { remote: remoteOf(peer), why }),
    )
  }

  #refusedAtOnce({ peer, isExposed }: Connection, isAllowed: (address: string) => boolean): RefusalReason | undefined {
    if (!isAllowed(peer.address)) return 'address'
    if (isExposed && this.#parts.requireTls()) return 'clear_text'
    if (this.#parts.isOverloaded()) return 'overload'
    const rate = this.#parts.limits().accepts_per_second
    return this.#accepts.tryTake({ rate, burst: rate * BURST_SECONDS }) ? undefined : 'rate'
  }

  #refuse({ socket, peer }: Connection, reason: RefusalReason): void {
    socket.on('error', () => {})
    socket.destroy()
    this.#parts.refusals.count(reason, { remote: remoteOf(peer) })
  }

  /**
   * A connection that is yet to show its TLS: bounded as those that are yet to authenticate, and counted from its first byte
   * on, or a thousand idle handshakes would not be.
   */
  #greet(connection: Connection, tls: ListenerTls): void {
    const { socket, peer } = connection
    if (this.#isTooMany(peer)) return this.#refuse(connection, 'limit')
    const ends = endsOf(socket)
    this.#greeted.set(ends, connection)
    this.#count(peer.address, 1)
    socket.once('close', () => this.#noLongerGreeted(ends))
    tls.enter(socket)
  }

  #noLongerGreeted(ends: string): Connection | undefined {
    const connection = this.#greeted.get(ends)
    if (connection !== undefined && this.#greeted.delete(ends)) this.#count(connection.peer.address, -1)
    return connection
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

  #accept(connection: Connection, { domains, shaper }: ListenerConfig, shown?: ShownCertificate): void {
    const { socket, peer, since, isExposed } = connection
    if (this.#isTooMany(peer)) return this.#refuse(connection, 'limit')
    const { flusher, scanners, limits, find } = this.#parts
    const arrival = { domains, shaper, shown }
    const findDomain = (name: string) => find(name, arrival)
    const stream = new Stream(socket, remoteOf(peer), this, findDomain, leftOf(limits(), since), scanners(), flusher)
    this.#streams.add(stream)
    this.#waiting.set(stream, { address: peer.address, isExposed })
    this.#count(peer.address, 1)
  }

  #noLongerWaiting(stream: Stream): Waiting | undefined {
    const waiting = this.#waiting.get(stream)
    if (waiting === undefined) return undefined
    this.#waiting.delete(stream)
    this.#count(waiting.address, -1)
    return waiting
  }
}

/** What TLS and the PROXY header have taken is gone from the time for the handshake. Who needed neither shares the limits. */
function leftOf(limits: ListenerLimits, since: number): ListenerLimits {
  const taken = (performance.now() - since) / 1000
  return taken < 0.01 ? limits : { ...limits, handshake_seconds: Math.max(0, limits.handshake_seconds - taken) }
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

/**
 * What each is known by from one reload to the next; equal ones, which port 0 allows, are told apart by their order. Which
 * certificates it shows and believes may change; not whether it asks for any.
 */
function keysOf(configs: readonly ListenerConfig[]): readonly string[] {
  const texts = configs.map(({ tls, ...config }) => JSON.stringify([config, tls && { asks: tls.ca !== undefined }]))
  return texts.map((text, index) => `${texts.slice(0, index).filter((other) => other === text).length} ${text}`)
}

function failure({ host, port }: ListenerConfig, cause: Error): SwitchyardError {
  return new SwitchyardError('listen-failed', `listen ${host}:${port}: ${cause.message}`, { cause })
}
