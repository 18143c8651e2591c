import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Server, startServer } from './server.ts'

/** Servers with a part of their configuration as a page of the documentation has it, beside what an installation has anyway. */

/** A text with other ports; each that it is to change must be there. */
export function ported(text: string, ports: Readonly<Record<string, number>>): string {
  return Object.entries(ports).reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), `port ${from} is not in\n${text}`)
    return changed.replaceAll(from, `${to}`)
  }, text)
}

export interface InstalledPorts {
  readonly component: number
  readonly c2s: number
}

/** The one user of `example.org`. */
export const JULIET = { jid: 'juliet@example.org', password: 'r0m30' }

/** Prosody with a page's Lua, in which the component port is 5275. */
export function startProsodyWith(lua: string, { component, c2s }: InstalledPorts): Promise<Server> {
  const ours = ported(lua, { 5275: component })
  return startServer({
    name: 'prosody',
    user: 'prosody',
    debianPackage: 'prosody',
    needs: ['/usr/bin/prosody'],
    files: (folder) => ({
      'prosody.cfg.lua': `${prosodyInstalled(folder, c2s)}${ours}`,
      'certs/.keep': '',
      'data/example%2eorg/accounts/juliet.dat': `return { ["password"] = "${JULIET.password}" };\n`,
    }),
    process: (folder) => ({
      command: '/usr/bin/prosody',
      args: ['-F', '--config', `${folder}/prosody.cfg.lua`],
      readyWhen: [
        new RegExp(`Activated service 'c2s' on .*:${c2s}\\b`),
        new RegExp(`Activated service 'component' on .*:${component}\\b`),
      ],
    }),
  })
}

function prosodyInstalled(folder: string, c2sPort: number): string {
  return `daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
certificates = "${folder}/certs"
log = { info = "*console" }
interfaces = { "127.0.0.1" }
c2s_ports = { ${c2sPort} }
c2s_direct_tls_ports = {}
legacy_ssl_ports = {}
s2s_ports = {}
s2s_direct_tls_ports = {}
http_ports = {}
https_ports = {}
modules_enabled = { "roster", "saslauth", "disco" }
modules_disabled = { "s2s", "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
`
}

export interface InstalledEjabberd extends Server {
  /** Makes the account of `JULIET`. */
  register(): Promise<void>
}

/** ejabberd with a page's YAML, in which the component port is 5275, as one Erlang process without distribution. */
export async function startEjabberdWith(
  yaml: string,
  { component, c2s, http }: InstalledPorts & { readonly http: number },
): Promise<InstalledEjabberd> {
  const { listen, ...ours } = parse(ported(yaml, { 5275: component }))
  const open = { ip: '127.0.0.1', access: 'all', shaper: 'none' }
  const installed = [
    { ...open, port: c2s, module: 'ejabberd_c2s', starttls: false },
    { ip: '127.0.0.1', port: http, module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } },
  ]
  const config = {
    ...{ hosts: ['example.org'], loglevel: 'info', auth_method: 'internal' },
    api_permissions: { tests: { who: { access: { allow: 'all' } }, what: '*' } },
    modules: { mod_disco: {}, mod_roster: {} },
    ...ours,
    listen: [...installed, ...listen],
  }
  const control = '/usr/sbin/ejabberdctl'
  const libraries = existsSync(control) ? /^ERL_LIBS='(.*)'$/m.exec(readFileSync(control, 'utf8'))?.[1] : undefined
  const server = await startServer({
    name: 'ejabberd',
    user: 'ejabberd',
    debianPackage: 'ejabberd',
    needs: [control, '/usr/bin/erl'],
    files: () => ({
      // JSON is YAML.
      'ejabberd.yml': JSON.stringify(config),
      inetrc: '{lookup, ["file", "native"]}.\n{host, {127,0,0,1}, ["localhost"]}.\n',
      'spool/.keep': '',
      'logs/.keep': '',
    }),
    process: (folder) => ({
      command: '/usr/bin/erl',
      args: ['-noinput', '-start_epmd', 'false', '-mnesia', 'dir', `"${folder}/spool"`, '-s', 'ejabberd'],
      env: {
        HOME: folder,
        ERL_LIBS: libraries ?? '/usr/lib',
        ERL_INETRC: `${folder}/inetrc`,
        ERL_CRASH_DUMP: `${folder}/logs/crash.dump`,
        EJABBERD_CONFIG_PATH: `${folder}/ejabberd.yml`,
        EJABBERD_LOG_PATH: `${folder}/logs/ejabberd.log`,
      },
      readyWhen: [component, c2s, http].map(
        (port) => new RegExp(`Start accepting TCP connections at 127\\.0\\.0\\.1:${port}\\b`),
      ),
    }),
  })
  const register = async () => {
    const [user, host] = JULIET.jid.split('@')
    const answer = await fetch(`http://127.0.0.1:${http}/api/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ user, host, password: JULIET.password }),
    })
    if (!answer.ok) throw new Error(`ejabberd refuses an account: ${answer.status} ${await answer.text()}`)
  }
  return { ...server, register }
}
