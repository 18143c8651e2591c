import { Redis, type RedisOptions } from 'ioredis'
import type { Change, HoldStore, Stored, StoredEntry } from '../journal.ts'
import { decodeEntry, encodeEntry } from './hold-entry.ts'

export interface RedisHoldOptions {
  /** `redis://` or `rediss://`, with user and password where Redis wants them. */
  readonly url: string
  /** What the names of all keys begin with. */
  readonly prefix: string
}

/** Nothing waits for longer, in milliseconds. */
const PATIENCE = 5000
/** Entries of one reply. */
const PAGE = 100

/** Every wait ends, nothing is queued for later, and nothing is sent twice by itself. */
const settings = {
  lazyConnect: true,
  connectTimeout: PATIENCE,
  commandTimeout: PATIENCE,
  socketTimeout: PATIENCE,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  autoResendUnfulfilledCommands: false,
  // It would only look at INFO, which a user may not be allowed; a Redis that is loading says so to every command.
  enableReadyCheck: false,
  disableClientInfo: true,
} as const satisfies RedisOptions

/** Journals in Redis: one stream per domain. */
export class RedisHoldStore implements HoldStore {
  readonly #redis: Redis
  readonly #prefix: string
  #connections = 0
  #isDialled = false

  /** Does nothing until it is first asked for something. */
  constructor({ url, prefix }: RedisHoldOptions) {
    this.#prefix = prefix
    this.#redis = new Redis(url, settings)
    this.#redis.on('ready', () => {
      this.#connections++
    })
    // Each is also the failure of a command, which is where it is told.
    this.#redis.on('error', () => {})
  }

  /** The id of the server's process. Where a user may not ask for it, every connection counts as another. */
  async memory(): Promise<string> {
    if (!this.#isDialled) await this.#dial()
    try {
      const info = await this.#redis.info('server')
      return /^run_id:(\w+)/m.exec(info)?.[1] ?? `connection ${this.#connections}`
    } catch (error) {
      if (!isReply(error, 'NOPERM')) throw error
      return `connection ${this.#connections}`
    }
  }

  async read(domain: string): Promise<Stored> {
    const key = this.#keyOf(domain)
    const highest = await this.#highest(key)
    const entries: StoredEntry[] = []
    const unreadable: string[] = []
    for (let after = '-'; ; ) {
      const page = await this.#redis.xrangeBuffer(key, after, '+', 'COUNT', PAGE)
      for (const [name, fields] of page) {
        const id = name.toString('latin1')
        const entry = decodeEntry(id, fields)
        if (entry === undefined) unreadable.push(id)
        else entries.push(entry)
        after = `(${id}`
      }
      if (page.length < PAGE) return { entries, unreadable, highest }
    }
  }

  async write(domain: string, { add, remove, removeBelow }: Change): Promise<boolean> {
    const key = this.#keyOf(domain)
    const transaction = this.#redis.multi()
    for (const entry of add) transaction.xadd(key, entry.id, ...encodeEntry(entry))
    if (remove.length > 0) transaction.xdel(key, ...remove)
    if (removeBelow !== undefined) transaction.xtrim(key, 'MINID', '=', removeBelow)
    const results = await transaction.exec()
    if (results === null) throw new Error('the transaction was given up')
    const late: string[] = []
    for (const [index, [error]] of results.entries()) {
      const entry = add[index]
      if (error === null) continue
      if (entry === undefined || !error.message.includes('equal or smaller')) throw error
      late.push(entry.id)
    }
    return this.#areThere(key, late)
  }

  close(): void {
    this.#redis.disconnect()
  }

  /** ioredis goes on dialling by itself after the first time. */
  async #dial(): Promise<void> {
    this.#isDialled = true
    await this.#redis.connect()
  }

  /** An id is refused when it was added before, by a change whose success we never heard of; or when others add, too. */
  async #areThere(key: string, ids: readonly string[]): Promise<boolean> {
    for (const id of ids) {
      const found = await this.#redis.xrange(key, id, id)
      if (found.length === 0) return false
    }
    return true
  }

  async #highest(key: string): Promise<number> {
    try {
      const info = await this.#redis.xinfo('STREAM', key)
      const fields: readonly unknown[] = Array.isArray(info) ? info : []
      const id = String(fields[fields.indexOf('last-generated-id') + 1])
      return Number.parseInt(id, 10) || 0
    } catch (error) {
      if (isReply(error, 'no such key')) return 0
      throw error
    }
  }

  /** The braces keep all keys of a domain in one slot of a Redis Cluster. */
  #keyOf(domain: string): string {
    return `${this.#prefix}hold:{${domain}}`
  }
}

function isReply(error: unknown, text: string): boolean {
  return error instanceof Error && error.message.includes(text)
}
