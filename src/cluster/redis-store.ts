import type {
  Change,
  Closing,
  ClusterStore,
  Delta,
  Fields,
  Incarnation,
  Mail,
  Outcome,
  Proposal,
  Renewal,
} from './cluster-store.ts'
import { appendAll } from './redis-append.ts'
import { LONGEST_WAIT, RedisConnection, type RedisTarget } from './redis-client.ts'
import { checkFitness } from './redis-fitness.ts'
import type { TableKeys } from './redis-scripts.ts'
import { RedisSentinels } from './redis-sentinels.ts'
import { RedisWaiters } from './redis-waiters.ts'

export interface RedisStoreOptions extends RedisTarget {
  /** What the names of all keys begin with. */
  readonly prefix: string
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
}

const DAY_SECONDS = 24 * 60 * 60
/** An inbox that nobody reads goes by itself after so many seconds: the longest `hold.seconds`, and a day more. */
const INBOX_SECONDS = 8 * DAY_SECONDS
/** Who reads it says so this often, in milliseconds. */
const REFRESH_MILLISECONDS = 60 * 60 * 1000
const ANSWERS_SECONDS = 60
/** Ids of one command. */
const REMOVALS = 1000
/** Inboxes that are read at a time: one's own, and those of dead nodes. */
const MOST_READ = 1000
/** What is waited for shorter is not waited for: it would only cost a connection. */
const SHORTEST_WAIT = 2

/**
 * The store of a cluster in Redis. What coordinates is in four keys that share a slot, so that scripts can treat it as
 * one; each inbox and each task's answers are a stream, so that they spread over the shards of a Redis Cluster.
 */
export class RedisStore implements ClusterStore {
  readonly #connection: RedisConnection
  readonly #waiters: RedisWaiters
  readonly #target: RedisTarget
  #sentinels: RedisSentinels | undefined
  readonly #prefix: string
  readonly #now: () => number
  readonly #table: TableKeys
  /** When an inbox that is read here was last kept from going by itself. */
  readonly #refreshed = new Map<Incarnation, number>()
  #warnings: readonly string[] = []

  constructor({ prefix, now = () => performance.now(), ...target }: RedisStoreOptions) {
    this.#target = target
    this.#prefix = prefix
    this.#now = now
    this.#connection = new RedisConnection(target)
    this.#waiters = new RedisWaiters(target)
    const table = `${prefix}{table}`
    this.#table = [`${table}:epoch`, `${table}:fields`, `${table}:leases`, `${table}:changes`]
  }

  /** What could not be checked when it was opened. */
  get warnings(): readonly string[] {
    return this.#warnings
  }

  async open(): Promise<void> {
    if (this.#target.sentinel !== undefined) {
      this.#sentinels ??= new RedisSentinels(this.#target, () => {
        this.#connection.drop()
        this.#waiters.drop()
      })
    }
    this.#warnings = await this.#connection.call((client) => checkFitness(client, this.#target))
    // What the user must be allowed to do at least.
    await this.changes(0)
  }

  close(): void {
    this.#sentinels?.close()
    this.#connection.close()
    this.#waiters.close()
  }

  async time(): Promise<number> {
    const [seconds, microseconds] = await this.#connection.call((client) => client.time())
    return Number(seconds) * 1000 + Number(microseconds) / 1000
  }

  async renew(me: Incarnation, milliseconds: number): Promise<Renewal> {
    const [isMember, epoch, ...expired] = await this.#connection.call((client) =>
      client.tableRenew(...this.#table, me, Math.round(milliseconds)),
    )
    return { isMember: isMember === 1, epoch, expired }
  }

  async commit({ me, epoch, delta, joinFor = 0, expired = [], leaves = false }: Proposal): Promise<Outcome> {
    const text = flatten(delta)
    const [kind, subject] = await this.#connection.call((client) =>
      client.tableCommit(...this.#table, me, epoch, text, Math.round(joinFor), leaves ? 1 : 0, ...expired),
    )
    if (kind === 'fenced') return { kind }
    return kind === 'alive' ? { kind, incarnation: subject } : { kind, epoch: subject }
  }

  async changes(since: number): Promise<Change> {
    const [epoch, isWhole, parts] = await this.#connection.call((client) => client.tableChanges(...this.#table, since))
    const delta = new Map<string, string | null>()
    if (isWhole === 1) addPairs(delta, parts)
    else for (const part of parts) addPairs(delta, JSON.parse(part))
    return { epoch, delta, isWhole: isWhole === 1 }
  }

  async awaitChange(epoch: number, milliseconds: number): Promise<void> {
    const [key, , , changes] = this.#table
    const now = await this.#connection.call((client) => client.get(key))
    if (Number(now ?? 0) !== epoch) return
    const wait = waitOf(milliseconds)
    await this.#waiters.call(
      (client) => client.xreadBuffer('COUNT', 1, 'BLOCK', wait, 'STREAMS', changes, `${epoch}-0`),
      wait,
    )
  }

  async seed(epoch: number, fields: Fields, members: readonly Incarnation[], milliseconds: number): Promise<boolean> {
    const text = flatten(fields)
    const isDone = await this.#connection.call((client) =>
      client.tableSeed(...this.#table, epoch, text, Math.round(milliseconds), ...members),
    )
    return isDone === 1
  }

  async openInbox(of: Incarnation): Promise<void> {
    await this.#connection.call((client) => client.inboxOpen(this.#inboxOf(of), INBOX_SECONDS))
  }

  async append(of: Incarnation, entries: readonly Buffer[]): Promise<boolean> {
    return this.#connection.call((client) => appendAll(client, this.#inboxOf(of), entries))
  }

  async read(of: Incarnation, after: string, count: number, milliseconds: number): Promise<readonly Mail[]> {
    const key = this.#inboxOf(of)
    this.#refresh(of, key)
    if (milliseconds < SHORTEST_WAIT) {
      return mailsOf(await this.#connection.call((client) => client.xreadBuffer('COUNT', count, 'STREAMS', key, after)))
    }
    const wait = waitOf(milliseconds)
    return mailsOf(
      await this.#waiters.call(
        (client) => client.xreadBuffer('COUNT', count, 'BLOCK', wait, 'STREAMS', key, after),
        wait,
      ),
    )
  }

  async remove(of: Incarnation, ids: readonly string[]): Promise<void> {
    const key = this.#inboxOf(of)
    for (let from = 0; from < ids.length; from += REMOVALS) {
      await this.#connection.call((client) => client.xdel(key, ...ids.slice(from, from + REMOVALS)))
    }
  }

  async closeInbox(of: Incarnation): Promise<Closing> {
    const closing = await this.#connection.call((client) => client.inboxClose(this.#inboxOf(of)))
    if (closing !== 'full') this.#refreshed.delete(of)
    return closing
  }

  async answer(task: string, text: string): Promise<void> {
    const key = this.#answersTo(task)
    await this.#connection.call(async (client) => {
      const results = await client.multi().xadd(key, '*', 'b', text).expire(key, ANSWERS_SECONDS).exec()
      for (const [error] of results ?? []) if (error !== null) throw error
    })
  }

  async answers(task: string, from: number, milliseconds: number): Promise<readonly string[]> {
    const key = this.#answersTo(task)
    const mails = mailsOf(await this.#connection.call((client) => client.xreadBuffer('STREAMS', key, '0')))
    if (mails.length > from || milliseconds < SHORTEST_WAIT) return mails.slice(from).map(textOf)
    const wait = waitOf(milliseconds)
    const after = mails.at(-1)?.id ?? '0'
    const more = await this.#waiters.call((client) => client.xreadBuffer('BLOCK', wait, 'STREAMS', key, after), wait)
    return mailsOf(more)
      .slice(from - mails.length)
      .map(textOf)
  }

  /** Who reads an inbox keeps it. That this fails is not told: the next read does, or the next refreshing. */
  #refresh(of: Incarnation, key: string): void {
    const now = this.#now()
    const last = this.#refreshed.get(of)
    if (last !== undefined && now - last < REFRESH_MILLISECONDS) return
    this.#refreshed.delete(of)
    this.#refreshed.set(of, now)
    const [oldest] = this.#refreshed.keys()
    if (this.#refreshed.size > MOST_READ && oldest !== undefined) this.#refreshed.delete(oldest)
    this.#connection.call((client) => client.expire(key, INBOX_SECONDS)).catch(() => this.#refreshed.delete(of))
  }

  #inboxOf(of: Incarnation): string {
    return `${this.#prefix}inbox:{${of}}`
  }
  #answersTo(task: string): string {
    return `${this.#prefix}task:{${task}}`
  }
}

/** Redis takes 0 for ever. */
function waitOf(milliseconds: number): number {
  return Math.max(1, Math.min(Math.round(milliseconds), LONGEST_WAIT))
}

/** `[name, value, …]`: what the scripts can read. A half of a pair of surrogates would be no text to them. */
function flatten(fields: Delta): string {
  const pairs: (string | null)[] = []
  for (const [name, value] of fields) pairs.push(wellFormed(name), value === null ? null : wellFormed(value))
  return JSON.stringify(pairs)
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

function addPairs(delta: Map<string, string | null>, pairs: readonly (string | null)[]): void {
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i]
    if (typeof name === 'string') delta.set(name, pairs[i + 1] ?? null)
  }
}

type Streams = [key: Buffer, items: [id: Buffer, fields: Buffer[]][]][] | null

/** Of the one stream that was asked for. An entry that is not one of ours has no bytes. */
function mailsOf(streams: Streams): readonly Mail[] {
  const [stream] = streams ?? []
  if (stream === undefined) return []
  const mails: Mail[] = []
  for (const [id, fields] of stream[1]) mails.push({ id: id.toString('latin1'), bytes: fields[1] ?? NOTHING })
  return mails
}

const NOTHING = Buffer.alloc(0)

function textOf({ bytes }: Mail): string {
  return bytes.toString()
}
