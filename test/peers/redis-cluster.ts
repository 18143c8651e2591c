import { setTimeout as wait } from 'node:timers/promises'
import { Redis as Client } from 'ioredis'
import { freePort } from './ports.ts'
import { type Redis, type RedisUser, startRedis } from './redis.ts'

export interface RedisCluster {
  readonly masters: readonly Redis[]
  readonly urls: readonly string[]
  /** Resolves when every master says that all is well. */
  settled(): Promise<void>
  stop(): Promise<unknown>
}

const SLOTS = 16_384
const SETTLED_WITHIN_MS = 20_000

/** A Redis Cluster of three masters, each with a third of the slots. A master that is killed comes back empty, with its slots. */
export async function startRedisCluster(user?: RedisUser): Promise<RedisCluster> {
  const masters = await Promise.all([0, 1, 2].map(() => startNode(user)))
  await Promise.all(
    masters.map(async (master, i) => {
      const first = Math.ceil((SLOTS * i) / masters.length)
      const last = Math.ceil((SLOTS * (i + 1)) / masters.length) - 1
      await ask(master, 'CLUSTER', 'ADDSLOTSRANGE', `${first}`, `${last}`)
      // Each has an epoch of its own, so that nobody has to give way.
      await ask(master, 'CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`)
    }),
  )
  const [one, ...others] = masters
  for (const { port, bus } of others) await ask(one!, 'CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${bus}`)
  const settled = () => untilSettled(masters)
  await settled()
  return {
    masters,
    settled,
    urls: masters.map(({ url }) => url),
    stop: () => Promise.all(masters.map((m) => m.stop())),
  }
}

type Node = Redis & { readonly bus: number }

async function startNode(user: RedisUser | undefined): Promise<Node> {
  const bus = await freePort()
  const settings = ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`, '--cluster-node-timeout', '1000']
  return { ...(await startRedis({ settings, ...(user === undefined ? {} : { user }) })), bus }
}

async function untilSettled(masters: readonly Redis[]): Promise<void> {
  const end = performance.now() + SETTLED_WITHIN_MS
  for (;;) {
    const states = await Promise.all(masters.map((master) => ask(master, 'CLUSTER', 'INFO').catch(String)))
    if (states.every((state) => /cluster_state:ok/.test(state) && /cluster_known_nodes:3/.test(state))) return
    if (performance.now() > end) throw new Error(`the Redis Cluster does not settle:\n${states.join('\n')}`)
    // Nobody tells.
    await wait(50)
  }
}

async function ask({ adminUrl }: Redis, command: string, ...args: readonly string[]): Promise<string> {
  const client = new Client(adminUrl, { lazyConnect: true, retryStrategy: null, commandTimeout: 1000 })
  client.on('error', () => {})
  try {
    return String(await client.call(command, ...args))
  } finally {
    client.disconnect()
  }
}
