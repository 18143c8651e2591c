import { type LoadOptions, loadConfigFile } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { Gateway } from '../gateway.ts'
import { createLog, logEvent } from '../log.ts'
import { configured } from './configured.ts'

/** What the command needs from the process. */
export interface RunIo extends Omit<LoadOptions, 'file'> {
  readonly version: string
  /** `reload` with each SIGHUP; `stop` with the first SIGTERM or SIGINT. */
  onSignals(reload: () => void, stop: () => void): void
  /** Says what to do with an error that nobody caught, before the process ends because of it. */
  onBug(report: (error: unknown) => void): void
}

/** `switchyard run`: serves until it is told to stop. Throws a SwitchyardError when it cannot start. */
export async function run(path: string, io: RunIo): Promise<void> {
  const config = configured(path, io)
  const log = createLog({ level: config.log.level, node: config.node })
  io.onBug((error) => logEvent(log, 'bug', { err: error }))
  // One after the other, from the first moment on: a signal that comes before the node is ready waits until it is.
  const starting = Gateway.start(config, { version: io.version, log })
  let last: Promise<void> = starting.then(() => {})
  await new Promise<void>((stopped, failed) => {
    io.onSignals(
      () => {
        last = last.then(async () => reload(await starting, path, io)).catch(failed)
      },
      () => void starting.then((gateway) => gateway.stop()).then(stopped, failed),
    )
    starting.catch(failed)
  })
}

async function reload(gateway: Gateway, path: string, io: RunIo): Promise<void> {
  if (gateway.state !== 'ready') return
  const { config, problems } = loadConfigFile(path, io)
  if (config === undefined) return gateway.refuseReload(problems.map(formatProblem))
  try {
    await gateway.reload(config)
  } catch (error) {
    gateway.refuseReload([error instanceof Error ? error.message : String(error)])
  }
}
