import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Folder, makeFolder } from '../../peers/folder.ts'
import { freePort } from '../../peers/ports.ts'
import { type RunningProcess, startProcess } from '../../peers/process.ts'
import type { NodeLife, Trouble } from '../passage.ts'
import { microseconds, SECRET } from '../wire.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PROGRAM = 'dist/src/main.js'
const TOKEN = 'chaos-token'
/** Between two attempts to start a node again: one whose lease has not run out is refused. */
const RETRY_MS = 500
/** Longer than the drain of a node can take. */
const STOP_WITHIN_MS = 20_000
const ANSWER_WITHIN_MS = 5_000

export type Delivery = 'at_least_once' | 'at_most_once' | 'journal'

/** What is the same for all nodes. */
export interface ClusterPlan {
  readonly redisUrl: string
  readonly domain: string
  readonly buckets: number
  readonly delivery: Delivery
  readonly links: 'one' | 'each'
  /** The bound of a window. */
  readonly windowBytes: number
  readonly drainSeconds: number
}

/**
 * A node as users run it: a process of its own with a config file, on the same ports in each of its lives, and a
 * supervisor that starts it again until it stays.
 */
export class ClusterNode {
  readonly name: string
  /** For instances. */
  readonly port: number
  readonly #adminPort: number
  readonly #folder: Folder
  readonly lives: NodeLife[] = []
  /** What ended without being told to, and what it said last. */
  readonly unasked: string[] = []
  /** Attempts to start that ended before the node was ready. */
  refused = 0
  #process: RunningProcess | undefined
  #logs: string[] = []
  #isFrozen = false
  #isOver = false
  #mayEnd = false

  private constructor(name: string, ports: readonly [number, number], folder: Folder) {
    this.name = name
    this.port = ports[0]
    this.#adminPort = ports[1]
    this.#folder = folder
  }

  /** `upstreamPort`: of what it takes for the XMPP server, on 127.0.0.1. */
  static async make(name: string, plan: ClusterPlan, upstreamPort: number): Promise<ClusterNode> {
    if (!existsSync(`${ROOT}/${PROGRAM}`)) throw new Error(`no ${PROGRAM}: npm run build makes it`)
    const ports = [await freePort(), await freePort()] as const
    const text = config(name, plan, ports, upstreamPort)
    const folder = makeFolder('switchyard-chaos', 'root', () => ({ 'switchyard.yaml': text }))
    return new ClusterNode(name, ports, folder)
  }

  /** The present life, or the last one. */
  get life(): NodeLife {
    return this.lives.at(-1) ?? { node: this.name, number: 0, troubles: [] }
  }

  /** It runs, and is not stopped, nor told to end. */
  get isUp(): boolean {
    return this.#process !== undefined && !this.#isFrozen && !this.#mayEnd
  }

  /** Resolves when it is ready; begun anew for as long as it is refused. */
  async start(): Promise<void> {
    this.#mayEnd = false
    while (!this.#isOver) {
      const life: NodeLife = { node: this.name, number: this.lives.length + 1, troubles: [] }
      // Its link may be up before it says that it is ready.
      this.lives.push(life)
      try {
        this.#watch(await this.#run(), life)
        return
      } catch (error) {
        this.lives.pop()
        this.refused++
        this.#keep(`(refused) ${error instanceof Error ? error.message : error}`)
        await delay(RETRY_MS)
      }
    }
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#mayEnd = true
    this.life.troubles.push({ of: this.name, kind: 'kill', from: microseconds(), to: undefined })
    this.#isFrozen = false
    await this.#process?.kill()
  }

  /** SIGTERM. Resolves with the milliseconds that it took to go; those of a node that did not go in time are too many. */
  async stop(): Promise<number> {
    const running = this.#process
    if (running === undefined) return 0
    this.#mayEnd = true
    const started = performance.now()
    this.life.troubles.push({ of: this.name, kind: 'stop', from: microseconds(), to: undefined })
    this.resume()
    process.kill(running.pid(), 'SIGTERM')
    const timer = setTimeout(() => running.kill(), STOP_WITHIN_MS)
    await running.exited
    clearTimeout(timer)
    return performance.now() - started
  }

  /** SIGSTOP, for longer than its lease lasts or (`pause`) not. */
  freeze(kind: 'freeze' | 'pause'): Trouble {
    const trouble: Trouble = { of: this.name, kind, from: microseconds(), to: undefined }
    this.life.troubles.push(trouble)
    this.#isFrozen = true
    this.#process?.pause()
    return trouble
  }

  /** SIGCONT. */
  resume(): void {
    if (this.#isFrozen) {
      const trouble = this.life.troubles.at(-1)
      if (trouble !== undefined) trouble.to = microseconds()
    }
    this.#isFrozen = false
    this.#process?.resume()
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.stop()
    this.#folder.remove()
  }

  /** What the admin port says; undefined where it does not answer. */
  async ask(path: string, method = 'GET', within = ANSWER_WITHIN_MS): Promise<Response | undefined> {
    const headers = { authorization: `Bearer ${TOKEN}`, connection: 'close' }
    const signal = AbortSignal.timeout(within)
    try {
      return await fetch(`http://127.0.0.1:${this.#adminPort}${path}`, { method, headers, signal })
    } catch {
      return undefined
    }
  }

  /** Everything that it said in all its lives, as far as it is kept. */
  logs(): string {
    return [...this.#logs, this.#process?.logs() ?? ''].join('\n')
  }

  async #run(): Promise<RunningProcess> {
    return startProcess({
      name: this.name,
      debianPackage: 'nodejs',
      needs: [process.execPath],
      command: process.execPath,
      args: [PROGRAM, 'run', '--config', `${this.#folder.path}/switchyard.yaml`],
      cwd: ROOT,
      readyWhen: [/"code":"ready"/],
    })
  }

  #watch(running: RunningProcess, life: NodeLife): void {
    if (this.#isOver) return void running.kill()
    this.#process = running
    running.exited.then(() => {
      this.#process = undefined
      this.#keep(running.logs())
      if (this.#mayEnd || this.#isOver) return
      life.troubles.push({ of: life.node, kind: 'kill', from: microseconds(), to: undefined })
      this.unasked.push(`${this.name}: ${running.logs().split('\n').slice(-5).join(' | ')}`)
      this.start()
    })
  }

  #keep(text: string): void {
    this.#logs.push(`--- ${this.name}, life ${this.lives.length}\n${text}`)
    if (this.#logs.length > 50) this.#logs.shift()
  }
}

function config(name: string, plan: ClusterPlan, ports: readonly [number, number], upstreamPort: number): string {
  const { redisUrl, domain, buckets, delivery, links, windowBytes, drainSeconds } = plan
  const upstream = { service: `xmpp://127.0.0.1:${upstreamPort}`, secret: SECRET, links }
  // JSON is YAML.
  return JSON.stringify({
    node: name,
    listen: [{ host: '127.0.0.1', port: ports[0] }],
    admin: { host: '127.0.0.1', port: ports[1], token: TOKEN },
    domains: { [domain]: { secret: SECRET, upstream, delivery, hold: { seconds: 60, bytes: '64MiB' } } },
    domain_balancing: { [domain]: { type: 'bare_source', component_number: buckets } },
    cluster: { redis: redisUrl, startup_retries: 2, retry_seconds: 1 },
    limits: { outbox_bytes: windowBytes },
    drain: { seconds: drainSeconds },
  })
}
