import { freePort } from './ports.ts'
import { type Server, startServer } from './server.ts'

export interface Redis extends Server {
  readonly port: number
  /** `redis://127.0.0.1:PORT` */
  readonly url: string
}

export interface RedisOptions {
  /** Further command-line settings: `['--appendonly', 'yes']`. */
  readonly settings?: readonly string[]
}

/** Redis without persistence: a restart comes back empty, unless `settings` say otherwise. */
export async function startRedis({ settings = [] }: RedisOptions = {}): Promise<Redis> {
  const port = await freePort()
  const server = await startServer({
    name: 'redis',
    user: 'redis',
    debianPackage: 'redis-server',
    needs: ['/usr/bin/redis-server'],
    files: () => ({}),
    process: (folder) => ({
      command: '/usr/bin/redis-server',
      args: [
        '--bind',
        '127.0.0.1',
        '--port',
        `${port}`,
        '--dir',
        folder,
        '--save',
        '',
        '--appendonly',
        'no',
        ...settings,
      ],
      readyWhen: [/Ready to accept connections/],
    }),
  })
  return { ...server, port, url: `redis://127.0.0.1:${port}` }
}
