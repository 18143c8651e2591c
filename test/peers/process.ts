import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

const READY_WITHIN_MS = 30_000
const STOP_WITHIN_MS = 5_000
const LOG_LINES = 2_000
const TAIL_LINES = 40

export interface Installed {
  /** How failures call it. */
  readonly name: string
  /** What to install when one of `needs` is missing. */
  readonly debianPackage: string
  readonly needs: readonly string[]
}

export interface ProcessPlan extends Installed {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The system user (and group) to run as when the tests run as root; otherwise the current user. */
  readonly user?: string
  /** Each must have matched a line of output before the peer counts as ready. */
  readonly readyWhen: readonly RegExp[]
  readonly onLine?: (line: string) => void
}

export interface RunningProcess {
  /** Settles when it is gone and its output is read to the end. */
  readonly exited: Promise<void>
  pid(): number
  logs(): string
  write(text: string): void
  /** SIGTERM, then SIGKILL for one that does not go. */
  stop(): Promise<void>
  kill(): Promise<void>
  /** SIGSTOP: its sockets stay open and it reads nothing. */
  pause(): void
  resume(): void
}

/** Starts a peer and waits until it says that it is ready. Throws with the tail of its log if it does not get there. */
export async function startProcess(plan: ProcessPlan): Promise<RunningProcess> {
  assertInstalled(plan)
  const child = spawn('setpriv', [...privileges(plan.user), '--', plan.command, ...plan.args], {
    cwd: plan.cwd ?? '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LANG: 'C.UTF-8', ...plan.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const log: string[] = []
  const running = control(child, log)
  try {
    await whenReady(plan, child, log)
  } catch (error) {
    await running.kill()
    throw error
  }
  return running
}

/** A missing peer is a failure, never a skip: a test that does not run proves nothing. */
export function assertInstalled({ name, debianPackage, needs }: Installed): void {
  for (const file of needs) {
    if (!existsSync(file)) throw new Error(`${name}: no ${file}; install the Debian package ${debianPackage}`)
  }
}

/** Also keeps the log and feeds `onLine`, for as long as the peer lives. */
function whenReady(plan: ProcessPlan, child: ChildProcessWithoutNullStreams, log: string[]): Promise<void> {
  const awaited = new Set(plan.readyWhen)
  return new Promise((resolve, reject) => {
    const fail = (what: string) => {
      clearTimeout(timer)
      reject(new Error(`${plan.name} ${what}; its log ends:\n${log.slice(-TAIL_LINES).join('\n')}`))
    }
    const timer = setTimeout(fail, READY_WITHIN_MS, `was not ready within ${READY_WITHIN_MS} ms`)
    const read = (line: string) => {
      log.push(line)
      if (log.length > LOG_LINES) log.shift()
      plan.onLine?.(line)
      for (const pattern of awaited) if (pattern.test(line)) awaited.delete(pattern)
      if (awaited.size > 0) return
      clearTimeout(timer)
      resolve()
    }
    createInterface({ input: child.stdout }).on('line', read)
    createInterface({ input: child.stderr }).on('line', read)
    child.once('error', (error) => fail(`could not be started: ${error.message}`))
    child.once('close', (code, signal) => fail(`ended (${code ?? signal}) before it was ready`))
  })
}

function control(child: ChildProcessWithoutNullStreams, log: readonly string[]): RunningProcess {
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  // A command that crosses the peer's death is lost like any other: the caller sees the death, not EPIPE.
  child.stdin.on('error', () => {})
  const signal = (name: NodeJS.Signals) => void child.kill(name)
  return {
    exited,
    // Where it could not be started there is none, and nobody gets to see this object.
    pid: () => child.pid ?? 0,
    logs: () => log.join('\n'),
    write: (text) => void child.stdin.write(text),
    stop: async () => {
      signal('SIGTERM')
      signal('SIGCONT')
      const timer = setTimeout(signal, STOP_WITHIN_MS, 'SIGKILL')
      await exited
      clearTimeout(timer)
    },
    kill: () => {
      signal('SIGKILL')
      return exited
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  }
}

/**
 * The kernel kills the peer when the test process dies, however that dies (a SIGKILL runs no exit handler).
 * setpriv sets the signal after it has changed the user, because that change clears it.
 */
function privileges(user: string | undefined): readonly string[] {
  const identity =
    user !== undefined && process.getuid?.() === 0 ? ['--reuid', user, '--regid', user, '--clear-groups'] : []
  return [...identity, '--pdeathsig', 'KILL']
}
