import { freePort } from './ports.ts'
import { type Redis, type RedisUser, redisPlan, startRedis } from './redis.ts'
import { type Server, startServer } from './server.ts'

export interface WatchedRedis {
  /** How the sentinel calls it. */
  readonly name: string
  /** Of the sentinel, with the user of Redis: see `RedisTarget`. */
  readonly url: string
  readonly master: Redis
  readonly replica: Redis
  readonly sentinel: Server
  stop(): Promise<unknown>
}

/** A Redis, a replica of it, and one sentinel that makes the replica the master when the master has been away for 500 ms. */
export async function startWatchedRedis(user?: RedisUser): Promise<WatchedRedis> {
  const name = 'themaster'
  const options = user === undefined ? {} : { user }
  const master = await startRedis(options)
  // Each begins to replicate at once, without waiting for more replicas.
  const settings = ['--replicaof', '127.0.0.1', `${master.port}`]
  const replica = await startRedis({ ...options, settings })
  const port = await freePort()
  const sentinel = await startServer({
    ...redisPlan,
    name: 'redis-sentinel',
    files: () => ({ 'sentinel.conf': configOf(name, port, master.port) }),
    process: (folder) => ({
      command: '/usr/bin/redis-server',
      args: [`${folder}/sentinel.conf`, '--sentinel'],
      // It can only promote a replica that it knows.
      readyWhen: [/\+monitor master/, /\+slave slave/],
    }),
  })
  const login = user === undefined ? '' : `${user.name}:${encodeURIComponent(user.password)}@`
  return {
    ...{ name, master, replica, sentinel, url: `redis://${login}127.0.0.1:${port}` },
    stop: () => Promise.all([sentinel, master, replica].map((server) => server.stop())),
  }
}

function configOf(name: string, port: number, master: number): string {
  return `port ${port}
bind 127.0.0.1
sentinel monitor ${name} 127.0.0.1 ${master} 1
sentinel down-after-milliseconds ${name} 500
sentinel failover-timeout ${name} 2000
`
}
