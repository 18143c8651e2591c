import { freePort } from './ports.ts'
import { type Server, startServer } from './server.ts'

export interface Component {
  readonly domain: string
  readonly secret: string
}

export interface User {
  /** Bare; its domain becomes one of the server's hosts. */
  readonly jid: string
  readonly password: string
}

export interface ServerOptions {
  readonly components: readonly Component[]
  readonly users?: readonly User[]
}

export interface XmppServer extends Server {
  /** All ports are on 127.0.0.1. */
  readonly c2sPort: number
  readonly componentPort: number
}

/** Prosody without TLS and s2s: users log in with PLAIN or SCRAM, components by XEP-0114, one connection per domain. */
export async function startProsody({ components, users = [] }: ServerOptions): Promise<XmppServer> {
  const [c2sPort, componentPort] = [await freePort(), await freePort()]
  const hosts = hostsOf(users)
  const server = await startServer({
    name: 'prosody',
    user: 'prosody',
    debianPackage: 'prosody',
    needs: ['/usr/bin/prosody'],
    files: (folder) => ({
      'prosody.cfg.lua': config(folder, c2sPort, componentPort, hosts, components),
      'certs/.keep': '',
      ...Object.fromEntries(users.map(account)),
    }),
    process: (folder) => ({
      command: '/usr/bin/prosody',
      args: ['-F', '--config', `${folder}/prosody.cfg.lua`],
      readyWhen: [
        new RegExp(`Activated service 'c2s' on .*:${c2sPort}\\b`),
        ...(components.length > 0 ? [new RegExp(`Activated service 'component' on .*:${componentPort}\\b`)] : []),
      ],
    }),
  })
  return { ...server, c2sPort, componentPort }
}

/** The domains of the users, or localhost where there are none: a server needs a host to start. */
export function hostsOf(users: readonly User[]): readonly string[] {
  const hosts = new Set(users.map((user) => split(user.jid).domain))
  return hosts.size > 0 ? [...hosts] : ['localhost']
}

export function split(jid: string): { readonly local: string; readonly domain: string } {
  const at = jid.indexOf('@')
  if (at < 1) throw new Error(`a user's JID has a localpart: ${jid}`)
  return { local: jid.slice(0, at), domain: jid.slice(at + 1) }
}

/** What `prosodyctl register` would store, without a second of Lua per account. */
function account({ jid, password }: User): readonly [string, string] {
  const { local, domain } = split(jid)
  const file = `data/${dataName(domain)}/accounts/${dataName(local)}.dat`
  return [file, `return { ["password"] = ${lua(password)} };\n`]
}

/** Prosody's file store writes every byte but ASCII letters and digits as %xx. */
function dataName(text: string): string {
  const bytes = [...Buffer.from(text, 'utf8')].map((byte) => String.fromCharCode(byte))
  return bytes.map((c) => (/[0-9A-Za-z]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('')
}

/** JSON's escapes are Lua's for all that occurs in names and passwords, but for \u. */
function lua(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u([0-9a-f]{4})/g, '\\u{$1}')
}

function config(
  folder: string,
  c2sPort: number,
  componentPort: number,
  hosts: readonly string[],
  components: readonly Component[],
): string {
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
component_interfaces = { "127.0.0.1" }
component_ports = { ${componentPort} }
modules_enabled = { "roster", "saslauth", "disco", "ping", "version", "time" }
modules_disabled = { "s2s", "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
${hosts.map((host) => `VirtualHost ${lua(host)}`).join('\n')}
${components.map(({ domain, secret }) => `Component ${lua(domain)}\n  component_secret = ${lua(secret)}`).join('\n')}
`
}
