import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { Gateway } from '../../src/gateway.ts'
import { createLog } from '../../src/log.ts'
import type { View } from '../../src/view.ts'
import { LogBook } from './log-book.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMMANDS = { sources: ['--import', 'tsx', 'src/main.ts'], dist: ['dist/src/main.js'] } as const

/** A gateway in the test's own process. */
export interface TestGateway {
  /** The ports of `listen`, in order, and the first of them. */
  readonly ports: readonly number[]
  readonly port: number
  readonly gateway: Gateway
  readonly view: View
  readonly log: LogBook
  stop(): Promise<void>
}

/** A gateway as `switchyard run` starts it, in a process of its own. */
export interface GatewayProcess {
  readonly ports: readonly number[]
  readonly port: number
  readonly log: LogBook
  /** Settles with the exit code when it is gone, and all that it said is in the log; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** Resident memory now, and the most that it ever was, in bytes. */
  rss(): number
  peakRss(): number
  /** The body of an admin route, which must answer 200. The config must open the admin port. */
  admin(path: string): Promise<unknown>
  /** SIGTERM; resolves with the exit code, once it has drained. */
  stop(): Promise<number | null>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGSTOP: its sockets stay open, and it does nothing. */
  pause(): void
  resume(): void
  /** Another config in its file, for who asks it to read that anew. */
  write(yaml: string): void
  /** SIGHUP, with another config in its file. */
  reload(yaml: string): void
}

/** The config in `yaml`; throws with all that is wrong with it. */
export function configOf(yaml: string): Config {
  const loaded = loadConfig(yaml, {
    file: 'test.yaml',
    env: {},
    hostname: 'yard',
    readFile: (path) => readFileSync(path, 'utf8'),
  })
  if (loaded.config === undefined) throw new Error(loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

/** Starts a gateway in this process. */
export async function startGateway(yaml: string): Promise<TestGateway> {
  const config = configOf(yaml)
  const log = new LogBook()
  const gateway = await Gateway.start(config, {
    version: 'test',
    log: createLog({ level: config.log.level, node: config.node }, log),
  })
  const { ports, view } = gateway
  return { ports, port: first(ports), gateway, view, log, stop: () => gateway.stop() }
}

/**
 * Starts `switchyard run`, ready once it has said so: from the sources or, for tests that weigh it, from `dist`, as users
 * have it. The kernel kills it when the test process dies, however that dies.
 */
export async function startGatewayProcess(
  yaml: string,
  what: keyof typeof COMMANDS = 'sources',
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  if (what === 'dist') build()
  const file = makeFile(yaml)
  const command = ['--pdeathsig', 'KILL', '--', process.execPath, ...COMMANDS[what], 'run', '--config', file.path]
  const options = { cwd: ROOT, env: { ...process.env, ...env } }
  const child = spawn('setpriv', command, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const log = new LogBook()
  createInterface({ input: child.stdout }).on('line', (line) => log.write(line))
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  const exited = once(child, 'close').then(([code]) => {
    file.remove()
    log.close(`the gateway has ended (${code}): ${said.join('')}`)
    return code as number | null
  })
  const ports = (await log.waitFor('ready')).ports as readonly number[]
  const memory = (field: string) => memoryOf(child.pid ?? 0, field)
  return {
    ...{ ports, port: first(ports), log, exited },
    rss: () => memory('VmRSS'),
    peakRss: () => memory('VmHWM'),
    admin: async (path) => ask((await log.waitFor('admin-listening')).port as number, path),
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    write: (next) => writeFileSync(file.path, next),
    reload: (next) => {
      writeFileSync(file.path, next)
      child.kill('SIGHUP')
    },
  }
}

/** Runs a command on a config; resolves with what it prints, rejects when it does not end with 0. */
export async function runCommand(yaml: string, command: string, ...args: readonly string[]): Promise<string> {
  const file = makeFile(yaml)
  try {
    const all = [...COMMANDS.sources, command, '--config', file.path, ...args]
    return (await promisify(execFile)(process.execPath, all, { cwd: ROOT })).stdout
  } finally {
    file.remove()
  }
}

function makeFile(yaml: string): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-config-'))
  const path = join(folder, 'switchyard.yaml')
  writeFileSync(path, yaml)
  return { path, remove: () => rmSync(folder, { recursive: true }) }
}

let isBuilt = false

/** Does nothing where `dist` is as the sources are, which `npm test` has seen to. */
function build(): void {
  if (isBuilt) return
  const { status, stderr } = spawnSync(process.execPath, ['scripts/prepare.mjs', 'run'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`dist cannot be built: ${stderr}`)
  isBuilt = true
}

function first(ports: readonly number[]): number {
  const [port] = ports
  if (port === undefined) throw new Error('a gateway listens on one port or more')
  return port
}

/** A field of /proc/PID/status that is in kB, as bytes. */
function memoryOf(pid: number, field: string): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(kilobytes?.[1]) * 1024
}

async function ask(port: number, path: string): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
  return answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
}
