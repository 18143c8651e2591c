import { makeFolder } from './folder.ts'
import { assertInstalled, type Installed, type ProcessPlan, type RunningProcess, startProcess } from './process.ts'

export interface ServerPlan extends Installed {
  readonly user: string
  /** Config and data by relative path; `folder` is where they end up. */
  readonly files: (folder: string) => Readonly<Record<string, string>>
  readonly process: (folder: string) => Omit<ProcessPlan, keyof Installed | 'user' | 'cwd'>
}

/** A peer with a folder: what it has stored survives `restart` and `kill` + `start`, and goes with `stop`. */
export interface Server {
  /** Of the present run. */
  pid(): number
  /** Of the present run. */
  logs(): string
  stop(): Promise<void>
  /** SIGKILL: no stream is closed politely. The folder and the ports stay, for `start`. */
  kill(): Promise<void>
  /** Again, after `kill`, on the same ports. */
  start(): Promise<void>
  restart(): Promise<void>
  /** SIGSTOP: the peer hangs with open sockets. */
  pause(): void
  resume(): void
}

export async function startServer(plan: ServerPlan): Promise<Server> {
  assertInstalled(plan)
  const { name, debianPackage, needs, user } = plan
  const folder = makeFolder(`switchyard-${plan.name}`, plan.user, plan.files)
  const run = () =>
    startProcess({ ...plan.process(folder.path), name, debianPackage, needs, user, cwd: folder.path }).catch(
      (error) => {
        folder.remove()
        throw error
      },
    )
  let running: RunningProcess = await run()
  const start = async () => {
    running = await run()
  }
  return {
    pid: () => running.pid(),
    logs: () => running.logs(),
    start,
    stop: async () => {
      await running.stop()
      folder.remove()
    },
    kill: () => running.kill(),
    restart: async () => {
      await running.stop()
      await start()
    },
    pause: () => running.pause(),
    resume: () => running.resume(),
  }
}
