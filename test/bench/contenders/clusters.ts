import { startRedis } from '../../peers/redis.ts'
import type { Server } from '../../peers/server.ts'
import { connectComponent } from '../load/component.ts'
import { watchTable } from '../recovery/table-view.ts'
import { alone, BUCKETS, balancing, type Contender, components, ECHO, LOAD, secret } from './contenders.ts'
import { startEjabberdCluster } from './ejabberd-cluster.ts'
import { startSwitchyard } from './switchyard.ts'

const PREFIX = 'bench:'
const SETTLED_MS = 30_000

/** Two nodes: the sender is to connect to the first, at `port`, and all receivers to the second, at `sinkPort`. */
export type ClusterStarter = (profiled: (node: string) => readonly string[]) => Promise<Contender>

/** The order of `pids`: the sender's node, the receivers' node, and Redis where there is one. */
export const clusterStarters: Readonly<Record<string, ClusterStarter>> = {
  'switchyard at_most_once': (profiled) => switchyards('at_most_once', profiled),
  'switchyard at_least_once': (profiled) => switchyards('at_least_once', profiled),
  'switchyard journal': (profiled) => switchyards('journal', profiled),
  ejabberd: async () => {
    const { a, b, stop } = await startEjabberdCluster({ components, balancing })
    const ends = { port: a.componentPort, sinkPort: b.componentPort }
    return { ...ends, pids: () => [a.pid(), b.pid()], stop, wiring: 'xmpp', sinks: BUCKETS }
  },
}

/** What the same costs where nothing crosses. */
export const singleStarters: Readonly<Record<string, ClusterStarter>> = {
  'one node of switchyard': async (profiled) => {
    const server = await startSwitchyard({ config: config('at_least_once'), nodeArgs: profiled('single') })
    return { ...alone(server), port: server.port, wiring: 'xmpp', sinks: BUCKETS }
  },
}

async function switchyards(delivery: Delivery, profiled: (node: string) => readonly string[]): Promise<Contender> {
  const started: Server[] = []
  const stop = async () => {
    for (const server of started.toReversed()) await server.stop()
  }
  try {
    const redis = await startRedis()
    started.push(redis)
    const start = async (node: string) => {
      const cluster = { redis: redis.url, key_prefix: PREFIX }
      const server = await startSwitchyard({ config: { node, cluster, ...config(delivery) }, nodeArgs: profiled(node) })
      started.push(server)
      return server
    }
    const [a, b] = [await start('a'), await start('b')]
    await settled(redis.port, b.port)
    const ends = { port: a.port, sinkPort: b.port }
    return { ...ends, pids: () => [a.pid(), b.pid(), redis.pid()], stop, wiring: 'xmpp', sinks: BUCKETS }
  } catch (error) {
    await stop()
    throw error
  }
}

/** In a new Redis the nodes agree on nothing for some seconds: an older one could turn up that knows more. */
async function settled(redisPort: number, port: number): Promise<void> {
  const table = watchTable(redisPort, PREFIX)
  try {
    const instance = await connectComponent({ port, domain: ECHO })
    await table.has(2, 1, SETTLED_MS)
    instance.destroy()
    await table.has(2, 0, SETTLED_MS)
  } finally {
    await table.stop()
  }
}

type Delivery = 'at_most_once' | 'at_least_once' | 'journal'

function config(delivery: Delivery): object {
  const domain = { secret, delivery, ...(delivery === 'journal' ? { hold: { store: 'redis' } } : {}) }
  return { domains: { [LOAD]: domain, [ECHO]: domain }, domain_balancing: balancing }
}
