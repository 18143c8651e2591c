import { type Certificate, makeCertificate } from '../stub/server.ts'
import { freePort } from './ports.ts'
import { type Server, type ServerPlan, startServer } from './server.ts'

export interface Redis extends Server {
  readonly port: number
  /** `redis://127.0.0.1:PORT`; with what `RedisOptions` say of users and TLS. */
  readonly url: string
  /** Who may do everything. */
  readonly adminUrl: string
  /** Whom to trust, with TLS. */
  readonly ca?: string
}

export interface RedisUser {
  readonly name: string
  readonly password: string
  /** `~prefix:* +get`: what he may do. */
  readonly rule: string
}

export interface RedisOptions {
  /** Further command-line settings: `['--appendonly', 'yes']`. */
  readonly settings?: readonly string[]
  /** Who `url` logs in as. */
  readonly user?: RedisUser
  /** TLS only, with a certificate for `localhost`. */
  readonly isTls?: boolean
  readonly port?: number
}

/** What every redis-server here is. */
export const redisPlan = {
  user: 'redis',
  debianPackage: 'redis-server',
  needs: ['/usr/bin/redis-server'],
} as const satisfies Partial<ServerPlan>

/** Redis without persistence: a restart comes back empty, unless `settings` say otherwise. */
export async function startRedis({ settings = [], user, isTls = false, port }: RedisOptions = {}): Promise<Redis> {
  const at = port ?? (await freePort())
  const certificate = isTls ? makeCertificate() : undefined
  const server = await startServer({
    ...redisPlan,
    name: 'redis',
    files: () => (certificate === undefined ? {} : { 'key.pem': certificate.key, 'cert.pem': certificate.cert }),
    process: (folder) => ({
      command: '/usr/bin/redis-server',
      args: [
        ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
        ...(certificate === undefined ? ['--port', `${at}`] : tlsSettings(at)),
        ...(user === undefined ? [] : ['--user', user.name, 'on', `>${user.password}`, ...user.rule.split(' ')]),
        ...settings,
      ],
      readyWhen: [/Ready to accept connections/],
    }),
  })
  return { ...server, port: at, ...urlsOf(at, user, certificate) }
}

function tlsSettings(port: number): readonly string[] {
  const files = ['--tls-cert-file', 'cert.pem', '--tls-key-file', 'key.pem', '--tls-ca-cert-file', 'cert.pem']
  return ['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no', ...files]
}

function urlsOf(port: number, user: RedisUser | undefined, certificate: Certificate | undefined) {
  const address = certificate === undefined ? `127.0.0.1:${port}` : `localhost:${port}`
  const scheme = certificate === undefined ? 'redis' : 'rediss'
  const login = user === undefined ? '' : `${user.name}:${encodeURIComponent(user.password)}@`
  return {
    url: `${scheme}://${login}${address}`,
    adminUrl: `${scheme}://${address}`,
    ...(certificate === undefined ? {} : { ca: certificate.cert }),
  }
}
