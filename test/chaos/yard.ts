import { fileURLToPath } from 'node:url'
import { makeFolder } from '../peers/folder.ts'
import { startProcess } from '../peers/process.ts'
import { SECRET } from './wire.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TOKEN = 'chaos-token'

/** A served domain: how its stanzas are shared out. */
export interface YardDomain {
  readonly name: string
  readonly balancing?: { readonly type: string; readonly component_number?: number }
}

export interface YardOptions {
  readonly domains: readonly YardDomain[]
  /** Of the XMPP server's component listener, on 127.0.0.1; undefined for none. */
  readonly upstreamPort: number | undefined
  /** The bound of a window. */
  readonly windowBytes: number
}

/** Switchyard as users run it: a process of its own with a config file. */
export interface Yard {
  /** For instances. */
  readonly port: number
  /** Asks for the drain of the instance that is connected from that port; false when the node has no such route. */
  drain(domain: string, remotePort: number): Promise<boolean>
  /** Dropped stanzas, by reason, from its metrics. */
  dropped(): Promise<Readonly<Record<string, number>>>
  logs(): string
  stop(): Promise<void>
}

export async function startYard(options: YardOptions): Promise<Yard> {
  const folder = makeFolder('switchyard-chaos', 'root', () => ({ 'switchyard.yaml': config(options) }))
  const ports = { instances: 0, admin: 0 }
  const running = await startProcess({
    name: 'switchyard',
    debianPackage: 'nodejs',
    needs: [process.execPath],
    command: process.execPath,
    args: ['--import', 'tsx', 'src/main.ts', 'run', '--config', `${folder.path}/switchyard.yaml`],
    cwd: ROOT,
    readyWhen: [/"code":"ready"/],
    onLine: (line) => {
      if (line.includes('"code":"admin-listening"')) ports.admin = JSON.parse(line).port
      if (line.includes('"code":"ready"')) ports.instances = JSON.parse(line).ports[0]
    },
  })
  const admin = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${ports.admin}${path}`, { method, headers: { authorization: `Bearer ${TOKEN}` } })
  return {
    port: ports.instances,
    drain: (domain, remotePort) => drain(admin, domain, remotePort),
    dropped: async () => droppedIn(await (await admin('/metrics')).text()),
    logs: running.logs,
    stop: async () => {
      await running.stop()
      folder.remove()
    },
  }
}

type Ask = (path: string, method?: string) => Promise<Response>

async function drain(admin: Ask, domain: string, remotePort: number): Promise<boolean> {
  const path = `/v1/domains/${domain}/instances`
  const { items } = (await (await admin(path)).json()) as { items: { name: string; remote: string }[] }
  const instance = items.find(({ remote }) => remote.endsWith(`:${remotePort}`))
  // It has left meanwhile.
  if (instance === undefined) return true
  const answer = await admin(`${path}/${encodeURIComponent(instance.name)}/drain`, 'POST')
  if (answer.status === 404 || answer.status === 405) return false
  if (!answer.ok && answer.status !== 409) throw new Error(`drain: ${answer.status} ${await answer.text()}`)
  return true
}

function droppedIn(metrics: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const line of metrics.split('\n')) {
    const found = /^switchyard_stanzas_dropped_total\{.*reason="(\w+)".*\} (\d+)$/.exec(line)
    if (found !== null && found[2] !== '0') counts[found[1]!] = (counts[found[1]!] ?? 0) + Number(found[2])
  }
  return counts
}

function config({ domains, upstreamPort, windowBytes }: YardOptions): string {
  const upstream =
    upstreamPort === undefined ? {} : { upstream: { service: `xmpp://127.0.0.1:${upstreamPort}`, secret: SECRET } }
  const served = { secret: SECRET, ...upstream, hold: { seconds: 60, bytes: '64MiB' } }
  const balanced = domains.flatMap(({ name, balancing }) => (balancing === undefined ? [] : [[name, balancing]]))
  // JSON is YAML.
  return JSON.stringify({
    node: 'chaos',
    listen: [{ host: '127.0.0.1', port: 0 }],
    admin: { host: '127.0.0.1', port: 0, token: TOKEN },
    domains: Object.fromEntries(domains.map(({ name }) => [name, served])),
    domain_balancing: Object.fromEntries(balanced),
    limits: { outbox_bytes: windowBytes },
  })
}
