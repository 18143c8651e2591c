import { Redis } from 'ioredis'
import { nodeOf, type RedisTarget, settings, tlsOf } from './redis-client.ts'

/** How long it takes until a sentinel that was lost is dialled again, in milliseconds. */
const PAUSE = 500
const SWITCHED = '+switch-master'

/**
 * Listens to the sentinels. Without that a master that is still there when another takes its place would be written to
 * for seconds, until it is told itself; and what was written to it is lost.
 */
export class RedisSentinels {
  readonly #clients: readonly Redis[]

  /** @param switched told when another Redis has become the master. */
  constructor(target: RedisTarget, switched: () => void) {
    this.#clients = target.urls.map((url) => {
      const { host, port } = nodeOf(url)
      const tls = tlsOf(target)
      const client = new Redis({
        ...{ ...settings, host, port, ...tls },
        ...{ retryStrategy: () => PAUSE, autoResubscribe: false },
      })
      // One that is away tells nothing; whoever needs a master asks them all.
      client.on('error', () => {})
      client.on('ready', () => void client.subscribe(SWITCHED).catch(() => {}))
      client.on('message', (_, text: string) => {
        if (text.startsWith(`${target.sentinel} `)) switched()
      })
      client.connect().catch(() => {})
      return client
    })
  }

  close(): void {
    for (const client of this.#clients) client.disconnect()
  }
}
