import { startRedis } from '../../peers/redis.ts'
import type { Server } from '../../peers/server.ts'
import { alone, BUCKETS, balancing, type Contender, components, ECHO, LOAD, secret } from './contenders.ts'
import { startEjabberdCluster } from './ejabberd-cluster.ts'
import { startSwitchyard } from './switchyard.ts'

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
      const cluster = { redis: redis.url, key_prefix: 'bench:' }
      const server = await startSwitchyard({ config: { node, cluster, ...config(delivery) }, nodeArgs: profiled(node) })
      started.push(server)
      return server
    }
    const [a, b] = [await start('a'), await start('b')]
    const ends = { port: a.port, sinkPort: b.port }
    return { ...ends, pids: () => [a.pid(), b.pid(), redis.pid()], stop, wiring: 'xmpp', sinks: BUCKETS }
  } catch (error) {
    await stop()
    throw error
  }
}

type Delivery = 'at_most_once' | 'at_least_once' | 'journal'

function config(delivery: Delivery): object {
  const domain = { secret, delivery, ...(delivery === 'journal' ? { hold: { store: 'redis' } } : {}) }
  return { domains: { [LOAD]: domain, [ECHO]: domain }, domain_balancing: balancing }
}
