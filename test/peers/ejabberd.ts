import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { freePort } from './ports.ts'
import { hostsOf, type ServerOptions, split, type User, type XmppServer } from './prosody.ts'
import { startServer } from './server.ts'

const execute = promisify(execFile)
const CONTROL = '/usr/sbin/ejabberdctl'

/** What makes it one of several Erlang nodes, all known to one epmd. */
export interface Distribution {
  /** `a@localhost` */
  readonly node: string
  readonly cookie: string
  readonly epmdPort: number
}

export interface EjabberdOptions extends ServerOptions {
  /** Absent: it takes part in no distribution. */
  readonly distribution?: Distribution
  /** false: its components may send in anybody's name. */
  readonly checkFrom?: boolean
  /** By domain. `component_number` is not optional: without it ejabberd 23.01 kills each component's stream. */
  readonly balancing?: Readonly<Record<string, { readonly type: string; readonly component_number: number }>>
}

export interface Ejabberd extends XmppServer {
  /** Runs one of ejabberd's API commands, as `ejabberdctl` would. */
  readonly api: (command: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>
}

/**
 * ejabberd as one Erlang process that by itself takes part in no distribution: no epmd, no cookie, no node name that could
 * collide. So it is started as ejabberdctl starts it, but without ejabberdctl, which names a node and insists on its own system user.
 */
export async function startEjabberd(options: EjabberdOptions): Promise<Ejabberd> {
  const { components, users = [], balancing = {}, checkFrom = true, distribution } = options
  const ports = { c2s: await freePort(), component: await freePort(), http: await freePort() }
  const hosts = hostsOf(users)
  const server = await startServer({
    name: 'ejabberd',
    user: 'ejabberd',
    debianPackage: 'ejabberd',
    needs: [CONTROL, '/usr/bin/erl'],
    files: () => ({
      // JSON is YAML.
      'ejabberd.yml': JSON.stringify(config(ports, hosts, { components, balancing, checkFrom }), null, 2),
      inetrc: '{lookup, ["file", "native"]}.\n{host, {127,0,0,1}, ["localhost"]}.\n',
      'spool/.keep': '',
      'logs/.keep': '',
    }),
    process: (folder) => command(folder, Object.values(ports), distribution),
  })
  const api: Ejabberd['api'] = (name, args) => call(ports.http, name, args)
  try {
    for (const { jid, password } of users) await register(api, jid, password)
  } catch (error) {
    await server.stop()
    throw error
  }
  return { ...server, c2sPort: ports.c2s, componentPort: ports.component, api }
}

function command(folder: string, ports: readonly number[], distribution: Distribution | undefined) {
  const named = distribution === undefined ? [] : distributed(distribution)
  return {
    command: '/usr/bin/erl',
    args: ['-noinput', '-start_epmd', 'false', ...named, '-mnesia', 'dir', `"${folder}/spool"`, '-s', 'ejabberd'],
    env: {
      HOME: folder,
      ...(distribution === undefined ? {} : { ERL_EPMD_PORT: `${distribution.epmdPort}` }),
      ERL_LIBS: libraries(),
      ERL_INETRC: `${folder}/inetrc`,
      ERL_CRASH_DUMP: `${folder}/logs/crash.dump`,
      EJABBERD_CONFIG_PATH: `${folder}/ejabberd.yml`,
      EJABBERD_LOG_PATH: `${folder}/logs/ejabberd.log`,
    },
    readyWhen: ports.map((port) => new RegExp(`Start accepting TCP connections at 127\\.0\\.0\\.1:${port}\\b`)),
  }
}

function distributed({ node, cookie }: Distribution): readonly string[] {
  return ['-sname', node, '-setcookie', cookie, '-kernel', 'inet_dist_use_interface', '{127,0,0,1}']
}

/**
 * Has one node join the cluster of another, as `ejabberdctl join_cluster` does: what the first has stored is given up for
 * the other's, and its listeners close and open again.
 */
export async function joinCluster({ node, cookie, epmdPort }: Distribution, other: string): Promise<void> {
  const control = ['-noinput', '-hidden', '-start_epmd', 'false', '-sname', 'control@localhost', '-setcookie', cookie]
  const env = { PATH: '/usr/bin:/bin', HOME: '/', ERL_LIBS: libraries(), ERL_EPMD_PORT: `${epmdPort}` }
  await execute('/usr/bin/erl', [...control, '-s', 'ejabberd_ctl', '-extra', node, 'join_cluster', other], { env })
}

function register(api: Ejabberd['api'], jid: User['jid'], password: string): Promise<unknown> {
  const { local, domain } = split(jid)
  return api('register', { user: local, host: domain, password })
}

async function call(port: number, command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/${command}`, {
    method: 'POST',
    // A kept connection would outlive the server's restart.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(args),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`ejabberd refuses ${command}: ${answer.status} ${text}`)
  return JSON.parse(text)
}

/** Where Debian put ejabberd's code differs by architecture; its own start script knows. */
function libraries(): string {
  const script = existsSync(CONTROL) ? readFileSync(CONTROL, 'utf8') : ''
  return /^ERL_LIBS='(.*)'$/m.exec(script)?.[1] ?? '/usr/lib'
}

function config(
  ports: { readonly c2s: number; readonly component: number; readonly http: number },
  hosts: readonly string[],
  { components, balancing, checkFrom }: Required<Pick<EjabberdOptions, 'components' | 'balancing' | 'checkFrom'>>,
): object {
  const open = { ip: '127.0.0.1', access: 'all', shaper: 'none' }
  return {
    hosts,
    loglevel: 'info',
    auth_method: 'internal',
    domain_balancing: balancing,
    listen: [
      { ...open, port: ports.c2s, module: 'ejabberd_c2s', starttls: false },
      {
        ...open,
        port: ports.component,
        module: 'ejabberd_service',
        // The default would give every component all of the listener's domains.
        global_routes: false,
        check_from: checkFrom,
        hosts: Object.fromEntries(components.map(({ domain, secret }) => [domain, { password: secret }])),
      },
      { ip: '127.0.0.1', port: ports.http, module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } },
    ],
    api_permissions: { tests: { who: { access: { allow: 'all' } }, what: '*' } },
    modules: { mod_disco: {}, mod_ping: {}, mod_roster: {}, mod_time: {}, mod_version: {} },
  }
}
