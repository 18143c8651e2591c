import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { Backoff } from '../backoff.ts'
import { StoreError, StoreUnreachable } from './cluster-store.ts'
import { defineScripts } from './redis-scripts.ts'

/** Where a Redis is, and how to get at it. */
export interface RedisTarget {
  /** `redis://` or `rediss://`: one is a Redis; several are nodes of a Redis Cluster or, with `sentinel`, sentinels. */
  readonly urls: readonly string[]
  /** The name of the master that the sentinels are asked for. Users and passwords are Redis's, not the sentinels'. */
  readonly sentinel?: string
  /** With `rediss://`: the authority to trust (PEM) instead of the well-known ones. */
  readonly ca?: string
}

export type Client = Redis | Cluster

/** Nothing waits for longer, in milliseconds, but what waits for something to happen: that waits for so much longer. */
export const PATIENCE = 3000
/** The most that a blocking command may ask for. */
export const LONGEST_WAIT = 10_000
/** A node of a Redis Cluster that says nothing for so long is not waited for: another is asked where the slots are. */
const STEP = 1000
/** After a connection could not be made, none is tried for so long; each further time for longer, up to so long. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 500

/** Every wait ends, nothing is queued for later, nothing is sent twice, and nothing is dialled again, by itself. */
export const settings = {
  lazyConnect: true,
  connectTimeout: PATIENCE,
  enableOfflineQueue: false,
  // What is under way when the connection ends has failed then, not only when the next one has.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  retryStrategy: null,
  // It would only look at INFO, which a user may not be allowed; a Redis that is loading says so to every command.
  enableReadyCheck: false,
  disableClientInfo: true,
} as const satisfies RedisOptions

/**
 * What a server says when it serves nobody, or takes no writes of anybody. Not NOREPLICAS: that is said by a master that
 * is cut off, with us, from those who may have another one by now.
 */
const servesNobody = /^(?:LOADING|MASTERDOWN|CLUSTERDOWN|READONLY|MISCONF|UNBLOCKED|BUSY) /
/** What a server says that is no master any more: somebody else may be by now. */
const isReplica = /^(?:READONLY|MASTERDOWN|UNBLOCKED) /
/** What a server says to somebody who has to change something first. */
const unfit =
  /^(?:WRONGPASS|NOAUTH|NOPERM|OOM|MOVED) |^ERR (?:AUTH|invalid password|DB index|unknown command|This instance has cluster)|ACL failure/
/** What the system says of a connection when there is no such server. */
const refusals: readonly unknown[] = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE']
/** What ioredis says, whatever the reason was. */
const sayNothing = /^Connection is closed|^None of startup nodes|isn't (?:ready|writeable)|^Reached the max retries/

/** Whether there is evidence that nobody is served there: nobody listens, or who does says so, or has hung up. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof StoreUnreachable) return error.refused
  if (!(error instanceof Error)) return false
  return servesNobody.test(error.message) || ('code' in error && refusals.includes(error.code))
}

/** Where it is, for people: without user and password. */
export function addressOf({ urls, sentinel }: RedisTarget): string {
  const addresses = urls.map((url) => {
    const { protocol, host, pathname } = new URL(url)
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
  })
  return `${addresses.join(', ')}${sentinel === undefined ? '' : ` (sentinels of ${sentinel})`}`
}

/** One connection to a Redis or, to a Redis Cluster, one to each node of it; made anew when it is used after it was lost. */
export class RedisConnection {
  readonly #target: RedisTarget
  readonly #isCluster: boolean
  readonly #waits: boolean
  readonly #backoff: Backoff
  #client: Client | undefined
  #dialling: Promise<Client> | undefined
  #isClosed = false
  /** What has last been heard of the connection's failure; undefined while it is well. */
  #trouble: Error | undefined
  /** Until when nothing is dialled. */
  #pauseUntil = 0

  /** @param waits whether it is for commands that wait for something to happen. */
  constructor(target: RedisTarget, waits = false) {
    this.#target = target
    this.#isCluster = target.urls.length > 1 && target.sentinel === undefined
    this.#waits = waits
    this.#backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, Math.random)
  }

  get isConnected(): boolean {
    return this.#client !== undefined
  }

  /**
   * Resolves with what `run` does. Rejects with a `StoreUnreachable` when that fails; with a `StoreError` when the
   * server refuses it for a reason that lies with us.
   * @param milliseconds how long it waits for something to happen
   */
  async call<T>(run: (client: Client) => Promise<T>, milliseconds = 0): Promise<T> {
    const client = this.#client ?? (await this.#dial())
    try {
      // The client's own limit is for the connection's other commands, and of little use in a Redis Cluster.
      if (this.#waits || this.#isCluster) return await this.#within(milliseconds + PATIENCE, run(client))
      return await run(client)
    } catch (error) {
      if (error instanceof Error && isReplica.test(error.message) && this.#client === client) this.drop()
      throw this.#failureOf(error)
    }
  }

  /** Ends the connection; the next call makes another. */
  drop(): void {
    this.#client?.disconnect()
    this.#client = undefined
  }

  close(): void {
    this.#isClosed = true
    this.drop()
  }

  #dial(): Promise<Client> {
    if (this.#isClosed) return Promise.reject(new StoreUnreachable(`${this.#address}: closed`, false))
    if (performance.now() < this.#pauseUntil) return Promise.reject(this.#failureOf(this.#trouble))
    this.#dialling ??= this.#connect().finally(() => {
      this.#dialling = undefined
    })
    return this.#dialling
  }

  async #connect(): Promise<Client> {
    this.#trouble = undefined
    const client = this.#make()
    defineScripts(client)
    client.on('error', (error: Error) => this.#heard(error))
    if (client instanceof Cluster) client.on('node error', (error: Error) => this.#heard(error))
    client.once('end', () => this.#ended(client))
    try {
      await this.#within(PATIENCE, client.connect())
    } catch (error) {
      client.disconnect()
      const failure = this.#failureOf(this.#isCluster ? await this.#whyNoCluster(error) : error)
      this.#trouble = failure
      this.#pauseUntil = performance.now() + this.#backoff.next()
      throw failure
    }
    if (this.#isClosed) {
      client.disconnect()
      throw new StoreUnreachable(`${this.#address}: closed`, false)
    }
    this.#backoff.reset()
    this.#client = client
    return client
  }

  #make(): Client {
    const { urls, sentinel } = this.#target
    const nodes = urls.map(nodeOf)
    const [first] = nodes
    if (first === undefined) throw new StoreError('no address of a Redis is given')
    const patience = this.#waits ? LONGEST_WAIT + PATIENCE : PATIENCE
    const tls = tlsOf(this.#target)
    const { username, password, db } = first
    const login = { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) }
    const common = { ...settings, ...login, ...tls, commandTimeout: patience, socketTimeout: patience }
    if (sentinel !== undefined) {
      return new Redis({
        ...{ ...common, db, name: sentinel, sentinels: nodes.map(({ host, port }) => ({ host, port })) },
        ...{
          sentinelCommandTimeout: PATIENCE,
          sentinelRetryStrategy: () => null,
          updateSentinels: false,
        },
        ...(tls.tls === undefined ? {} : { sentinelTLS: tls.tls, enableTLSForSentinelMode: true }),
      })
    }
    if (!this.#isCluster) return new Redis({ ...common, host: first.host, port: first.port, db })
    const { retryStrategy: _, enableOfflineQueue: __, ...redisOptions } = common
    return new Cluster(
      nodes.map(({ host, port }): ClusterNode => ({ host, port })),
      {
        ...{ lazyConnect: true, clusterRetryStrategy: null, slotsRefreshTimeout: STEP, redisOptions },
        // The client makes a node's connection when it first sends something there; without a queue it would lose that.
        enableOfflineQueue: true,
        enableReadyCheck: false,
        // Both would send again what may have been carried out.
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
        // A certificate is for a name.
        ...('tls' in tls ? { dnsLookup: (address, callback) => callback(null, address) } : {}),
      } satisfies ClusterOptions,
    )
  }

  #heard(error: Error): void {
    // Who tries several addresses of a name hears of a failure of each.
    this.#trouble = error instanceof AggregateError && error.errors.length > 0 ? worst(error.errors) : error
  }

  #ended(client: Client): void {
    if (this.#client !== client) return
    this.#client = undefined
    // Without an error it was the server that ended it: it stops, or has no room for us.
    this.#trouble ??= this.#hangup
  }
  get #hangup(): StoreUnreachable {
    return new StoreUnreachable('the connection was closed', !this.#isClosed)
  }

  /** The Cluster client only says that it did not work: so each of the nodes is asked. */
  async #whyNoCluster(error: unknown): Promise<unknown> {
    const { urls, ca } = this.#target
    const failures = await Promise.all(
      urls.map(async (url) => {
        const node = new RedisConnection({ urls: [url], ...(ca === undefined ? {} : { ca }) })
        try {
          await node.call((client) => client.cluster('INFO'))
          return error
        } catch (failure) {
          return failure
        } finally {
          node.close()
        }
      }),
    )
    return (
      failures.find((failure) => failure instanceof StoreError) ??
      failures.find((failure) => !isRefusal(failure)) ??
      failures[0]
    )
  }

  async #within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new StoreUnreachable(`nothing came back in ${milliseconds} ms`, false))
      }, milliseconds)
    })
    try {
      return await Promise.race([promise, silence])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Never the client's own error: that has the command with it, and so what is in it. */
  #failureOf(error: unknown): Error {
    if (error instanceof StoreError) return error
    const text = error instanceof Error ? error.message : String(error)
    const cause = sayNothing.test(text) ? (this.#trouble ?? this.#hangup) : error
    if (cause instanceof StoreError) return cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = reason.startsWith(this.#address) ? reason : `${this.#address}: ${reason}`
    return unfit.test(reason) ? new StoreError(message) : new StoreUnreachable(message, isRefusal(cause))
  }

  get #address(): string {
    return addressOf(this.#target)
  }
}

/** One that is not a refusal, if there is one. */
function worst(errors: readonly Error[]): Error | undefined {
  return errors.find((error) => !isRefusal(error)) ?? errors[0]
}

/** All addresses are of one kind. */
export function tlsOf({ urls: [first], ca }: RedisTarget): Pick<RedisOptions, 'tls'> {
  if (first === undefined || !nodeOf(first).isTls) return {}
  return { tls: ca === undefined ? {} : { ca } }
}

/** What a URL says. */
export function nodeOf(url: string) {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  return {
    isTls: protocol === 'rediss:',
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || 6379,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    db: Number(pathname.slice(1)) || 0,
  }
}
