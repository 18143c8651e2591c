import type { Config } from '../../config/config.ts'
import { type LoadOptions, loadConfigFile } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { type Heap, Tidying } from '../collector.ts'
import { Gateway } from '../gateway.ts'
import { createLog, type Log, logEvent, logWritten, standardOutput } from '../log.ts'
import { configuredWith } from './configured.ts'
import { ServiceManager, type ServiceManagerIo } from './service-manager.ts'

/** What the command needs from the process. */
export interface RunIo extends Omit<LoadOptions, 'file'>, ServiceManagerIo {
  readonly version: string
  /** Resident memory, in bytes. */
  readonly memory: () => number
  readonly heap: Heap
  /** `reload` with each SIGHUP; `stop` with the first SIGTERM or SIGINT. */
  onSignals(reload: () => void, stop: () => void): void
  /** Says what to do with an error that nobody caught, before the process ends because of it. */
  onBug(report: (error: unknown) => void): void
}

/** `switchyard run`: serves until it is told to stop. Throws a SwitchyardError when it cannot start. */
export async function run(path: string, io: RunIo): Promise<void> {
  const { config, warnings } = configuredWith(path, io)
  const output = standardOutput()
  const log = createLog({ level: config.log.level, node: config.node }, output)
  io.onBug((error) => logEvent(log, 'bug', { err: error }))
  warn(log, warnings)
  const manager = new ServiceManager(io, (error) => logEvent(log, 'notify-failed', { error }))
  const tidying = new Tidying(io.heap)
  try {
    await serve(config, path, { log, manager }, io)
  } finally {
    tidying.end()
    manager.end()
    await logWritten(output)
  }
}

/** Who is told what the node does. */
interface Told {
  readonly log: Log
  readonly manager: ServiceManager
}

/** In a line, for `systemctl status`. */
function served({ ports }: Gateway): string {
  return `takes instances at ${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`
}

/** Resolves when the node has been told to stop, and has. */
async function serve(config: Config, path: string, { log, manager }: Told, io: RunIo): Promise<void> {
  // One after the other, from the first moment on: a signal that comes before the node is ready waits until it is.
  await new Promise<void>((stopped, failed) => {
    const asked = {
      reload: () => {
        const done = last.then(async () => {
          const gateway = await starting
          manager.reloading()
          const refused = await reload(gateway, path, log, io)
          manager.ready(refused.length === 0 ? served(gateway) : `${served(gateway)}; a new configuration was refused`)
          return refused
        })
        last = done.catch(failed)
        return done
      },
      stop: () => {
        const done = starting.then((gateway) => {
          manager.stopping()
          return gateway.stop()
        })
        done.then(stopped, failed)
      },
    }
    const starting = Gateway.start(config, { version: io.version, memory: io.memory, log, asked })
    let last: Promise<unknown> = starting
    io.onSignals(() => void asked.reload(), asked.stop)
    starting.then((gateway) => manager.ready(served(gateway)), failed)
  })
}

/** Resolves with the problems that kept the config from coming into force. */
async function reload(gateway: Gateway, path: string, log: Log, io: RunIo): Promise<readonly string[]> {
  if (gateway.state !== 'ready') return [`the node is ${gateway.state}`]
  const { config, problems, warnings } = loadConfigFile(path, io)
  let refused = (problems ?? []).map(formatProblem)
  try {
    if (config !== undefined) {
      warn(log, warnings.map(formatProblem))
      await gateway.reload(config)
    }
  } catch (error) {
    refused = [error instanceof Error ? error.message : String(error)]
  }
  if (refused.length > 0) gateway.refuseReload(refused)
  return refused
}

function warn(log: Log, warnings: readonly string[]): void {
  for (const problem of warnings) logEvent(log, 'secret-exposed', { problem })
}
