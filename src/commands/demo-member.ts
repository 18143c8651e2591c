import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SwitchyardError } from '../errors.ts'
import type { LogLine } from './demo-node.ts'

/** Time for a node to be ready, in milliseconds; it may have to wait for its name, which its last life had. */
const READY_WITHIN = 30_000
/** For its drain; then it is killed. */
const GONE_WITHIN = 5_000
const ANSWER_WITHIN = 2_000
const TAIL = 5

/** What a node of the cluster demo is started with, again in each of its lives. */
export interface MemberPlan {
  /** The file that this process runs. */
  readonly program: string
  readonly name: string
  /** Where its configuration goes. */
  readonly folder: string
  /** The configuration, with these ports; 0: a free one. */
  readonly config: (ports: MemberPorts) => unknown
  readonly token: string
  readonly onLog: (line: LogLine) => void
  /** It has ended, and nobody had asked it to. */
  readonly onDeath: (how: string) => void
}

export interface MemberPorts {
  readonly component: number
  readonly admin: number
}

/** A node of the cluster demo: what `switchyard run` is, as a process of its own that does not outlive the demo. */
export class Member {
  readonly #plan: MemberPlan
  #child: ChildProcess | undefined
  /** Kept from one life to the next: the instances know them. */
  #ports: MemberPorts = { component: 0, admin: 0 }

  constructor(plan: MemberPlan) {
    this.#plan = plan
  }

  get name(): string {
    return this.#plan.name
  }
  /** Of the present life; undefined between two. */
  get pid(): number | undefined {
    return this.#child?.pid
  }
  get ports(): MemberPorts {
    return this.#ports
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const { program, name, folder, config, onDeath } = this.#plan
    const file = join(folder, `${name}.yaml`)
    mkdirSync(folder, { recursive: true })
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(config(this.#ports), undefined, 2), { mode: 0o600 })
    // Of a group of its own: Ctrl-C reaches every process of the terminal; the demo ends its nodes itself.
    const child = fork(program, ['demo-node', '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    })
    this.#child = child
    child.on('error', () => {})
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return
      this.#child = undefined
      onDeath(String(signal ?? code))
    })
    await this.#ready(child)
  }

  /** As a crash. Resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#release()
    if (child === undefined) return
    const gone = goneOf(child)
    child.kill('SIGKILL')
    await gone
  }

  /** As an operator would: it drains and leaves the cluster. */
  async stop(): Promise<void> {
    const child = this.#release()
    if (child === undefined) return
    const gone = goneOf(child)
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), GONE_WITHIN)
    await gone
    clearTimeout(timer)
  }

  /** Without waiting, for when this process ends at once. */
  end(): void {
    this.#release()?.kill('SIGKILL')
  }

  /** What its admin port answers; undefined where it does not. */
  async ask(path: string, method = 'GET'): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#plan.token}` }
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#ports.admin}${path}`, {
        ...{ method, headers, signal: AbortSignal.timeout(ANSWER_WITHIN) },
      })
      return answer.ok ? await answer.json() : undefined
    } catch {
      return undefined
    }
  }

  /** From now on its end is no surprise. */
  #release(): ChildProcess | undefined {
    const child = this.#child
    this.#child = undefined
    return child
  }

  #ready(child: ChildProcess): Promise<void> {
    const { name } = this.#plan
    const tail: string[] = []
    const keep = (text: string): void => {
      tail.push(text)
      if (tail.length > TAIL) tail.shift()
    }
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer)
        reject(new SwitchyardError('bug', `${name} did not get ready: ${why}\n${tail.join('\n')}`))
      }
      const timer = setTimeout(() => fail('it took too long'), READY_WITHIN)
      linesOf(child.stderr, keep)
      linesOf(child.stdout, (text) => {
        keep(text)
        const line = JSON.parse(text) as LogLine
        if (line.code === 'listening') this.#ports = { ...this.#ports, component: Number(line.port) }
        if (line.code === 'admin-listening') this.#ports = { ...this.#ports, admin: Number(line.port) }
        this.#plan.onLog(line)
        if (line.code !== 'ready') return
        clearTimeout(timer)
        resolve()
      })
      child.once('exit', (code, signal) => fail(`its process ended (${code ?? signal})`))
    })
  }
}

function linesOf(stream: NodeJS.ReadableStream | null, read: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', read)
}

async function goneOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
