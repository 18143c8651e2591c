import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DomainView } from '../../src/admin/view.ts'
import { SECRET } from '../chaos/wire.ts'
import { type Folder, makeFolder } from '../peers/folder.ts'
import { type RunningProcess, startProcess } from '../peers/process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROGRAM = 'dist/src/main.js'
const TOKEN = 'soak-token'
const ANSWER_WITHIN_MS = 10_000

/** What both domains of the traffic are called. */
export const domains = ['buckets.localhost', 'ring.localhost'] as const
/** Served for whoever means ill: it has no link, and its instances harm nobody else. */
export const GUEST = 'guest.localhost'

export interface SoakNodePlan {
  readonly name: string
  /** Of what it takes for the XMPP server, on 127.0.0.1: one for each of `domains`. */
  readonly upstreamPorts: readonly number[]
  readonly redisUrl: string | undefined
}

/** A node as users run it: a process of its own, with a configuration file that SIGHUP makes it read again. */
export class SoakNode {
  readonly name: string
  /** For instances. */
  readonly port: number
  readonly #adminPort: number
  readonly #plan: SoakNodePlan
  readonly #folder: Folder
  readonly #process: RunningProcess
  #reloads = 0
  #isOver = false
  /** It ended by itself: the last that it said. */
  crash: string | undefined

  private constructor(
    plan: SoakNodePlan,
    ports: { readonly instances: number; readonly admin: number },
    folder: Folder,
    running: RunningProcess,
  ) {
    this.name = plan.name
    this.port = ports.instances
    this.#adminPort = ports.admin
    this.#plan = plan
    this.#folder = folder
    this.#process = running
    running.exited.then(() => {
      if (!this.#isOver) this.crash = running.logs().split('\n').slice(-20).join('\n')
    })
  }

  static async start(plan: SoakNodePlan): Promise<SoakNode> {
    if (!existsSync(`${ROOT}/${PROGRAM}`)) throw new Error(`no ${PROGRAM}: npm run build makes it`)
    const folder = makeFolder('switchyard-soak', 'root', () => ({ 'switchyard.yaml': config(plan, 0) }))
    const ports = { instances: 0, admin: 0 }
    const running = await startProcess({
      name: plan.name,
      debianPackage: 'nodejs',
      needs: [process.execPath],
      command: process.execPath,
      args: [PROGRAM, 'run', '--config', `${folder.path}/switchyard.yaml`],
      cwd: ROOT,
      readyWhen: [/"code":"ready"/],
      onLine: (line) => {
        if (line.includes('"code":"admin-listening"')) ports.admin = JSON.parse(line).port
        if (line.includes('"code":"ready"')) ports.instances = JSON.parse(line).ports[0]
      },
    })
    return new SoakNode(plan, ports, folder, running)
  }

  get pid(): number {
    return this.#process.pid()
  }

  logs(): string {
    return this.#process.logs()
  }

  /** Writes a changed configuration and sends SIGHUP; the caller sees in the metrics what came of it. */
  reload(): void {
    writeFileSync(`${this.#folder.path}/switchyard.yaml`, config(this.#plan, ++this.#reloads))
    process.kill(this.pid, 'SIGHUP')
  }

  /** The domains with their counters, all of one moment. */
  async domains(): Promise<readonly DomainView[]> {
    return ((await (await this.ask('/v1/domains')).json()) as { items: DomainView[] }).items
  }

  /** Every sample of /metrics, by its name and labels as they are written. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const samples = new Map<string, number>()
    for (const line of (await (await this.ask('/metrics')).text()).split('\n')) {
      const found = /^([a-z_0-9]+(?:\{.*\})?) (\S+)$/.exec(line)
      if (found !== null) samples.set(found[1]!, Number(found[2]))
    }
    return samples
  }

  /** Asks for the drain of the instance that is connected from that port. */
  async drain(domain: string, remotePort: number): Promise<void> {
    const path = `/v1/domains/${domain}/instances`
    const { items } = (await (await this.ask(path)).json()) as { items: { name: string; remote: string }[] }
    const instance = items.find(({ remote }) => remote.endsWith(`:${remotePort}`))
    if (instance === undefined) throw new Error(`no instance from port ${remotePort}`)
    const answer = await this.ask(`${path}/${encodeURIComponent(instance.name)}/drain`, 'POST')
    if (!answer.ok) throw new Error(`drain: ${answer.status} ${await answer.text()}`)
  }

  /** Of the process, as the kernel counts it: bytes in memory, and open descriptors. */
  usage(): { readonly resident: number; readonly descriptors: number } {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]
    return { resident: Number(kilobytes) * 1024, descriptors: readdirSync(`/proc/${this.pid}/fd`).length }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#process.stop()
    this.#folder.remove()
  }

  /** Over a connection of its own: none stays open to be counted as the node's. */
  ask(path: string, method = 'GET'): Promise<Response> {
    const headers = { authorization: `Bearer ${TOKEN}`, connection: 'close' }
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    return fetch(`http://127.0.0.1:${this.#adminPort}${path}`, { method, headers, signal })
  }
}

/** `reloads`: how often it has been changed. */
function config({ name, upstreamPorts, redisUrl }: SoakNodePlan, reloads: number): string {
  const hold = { seconds: 60 + (reloads % 2), bytes: '64MiB' }
  const links = redisUrl === undefined ? 'one' : 'each'
  const served = domains.map((domain, index) => {
    const upstream = { service: `xmpp://127.0.0.1:${upstreamPorts[index]}`, secret: SECRET, links }
    return [domain, { secret: SECRET, upstream, hold }] as const
  })
  // JSON is YAML.
  return JSON.stringify({
    node: name,
    listen: [{ host: '127.0.0.1', port: 0 }],
    admin: { host: '127.0.0.1', port: 0, token: TOKEN },
    domains: { ...Object.fromEntries(served), [GUEST]: { secret: SECRET } },
    domain_balancing: {
      [domains[0]]: { type: 'bare_source', component_number: 3 },
      [domains[1]]: { type: 'bare_source' },
    },
    limits: { handshake_seconds: 5 },
    ...(redisUrl === undefined ? {} : { cluster: { redis: redisUrl } }),
  })
}
