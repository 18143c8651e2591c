import { StoreUnreachable } from './cluster-store.ts'
import { type Client, RedisConnection, type RedisTarget } from './redis-client.ts'

/** Connections that may wait at a time: for the table, one's own inbox, inboxes of dead nodes, and answers to tasks. */
const MOST = 64
/** Those that nobody uses are kept, up to so many. */
const MOST_IDLE = 3

/** Connections for commands that wait for something to happen: such a command has its connection for itself. */
export class RedisWaiters {
  readonly #target: RedisTarget
  readonly #idle: RedisConnection[] = []
  readonly #busy = new Set<RedisConnection>()
  #isClosed = false

  constructor(target: RedisTarget) {
    this.#target = target
  }

  async call<T>(run: (client: Client) => Promise<T>, milliseconds: number): Promise<T> {
    if (this.#isClosed) throw new StoreUnreachable('the store is closed', false)
    if (this.#busy.size >= MOST) throw new Error(`${MOST} calls wait for Redis already`)
    const connection = this.#idle.pop() ?? new RedisConnection(this.#target, true)
    this.#busy.add(connection)
    try {
      return await connection.call(run, milliseconds)
    } catch (error) {
      // The server may still wait for it.
      connection.drop()
      throw error
    } finally {
      this.#busy.delete(connection)
      if (this.#idle.length < MOST_IDLE && !this.#isClosed) this.#idle.push(connection)
      else connection.close()
    }
  }

  /** All connections end, whoever waits; who calls next has another. */
  drop(): void {
    for (const connection of [...this.#idle, ...this.#busy]) connection.drop()
  }

  close(): void {
    this.#isClosed = true
    for (const connection of [...this.#idle.splice(0), ...this.#busy]) connection.close()
  }
}
