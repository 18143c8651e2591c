import { type LoadOptions, loadConfigFile } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { SwitchyardError } from '../errors.ts'
import { Gateway } from '../gateway.ts'
import { createLog } from '../log.ts'

/** What the command needs from the process. */
export interface RunIo extends Omit<LoadOptions, 'file'> {
  readonly version: string
  /** `reload` with each SIGHUP; `stop` with the first SIGTERM or SIGINT. */
  onSignals(reload: () => void, stop: () => void): void
}

/** `switchyard run`: serves until it is told to stop. Throws a SwitchyardError when it cannot start. */
export async function run(path: string, io: RunIo): Promise<void> {
  const loaded = loadConfigFile(path, io)
  if (loaded.config === undefined) {
    throw new SwitchyardError('config-refused', loaded.problems.map(formatProblem).join('\n'))
  }
  const { config } = loaded
  const log = createLog({ level: config.log.level, node: config.node })
  const gateway = await Gateway.start(config, { version: io.version, log })
  await new Promise<void>((stopped, failed) => {
    const reload = (): void => {
      const next = loadConfigFile(path, io)
      if (next.config === undefined) gateway.refuseReload(next.problems.map(formatProblem))
      else gateway.reload(next.config).catch((error: Error) => gateway.refuseReload([error.message]))
    }
    io.onSignals(reload, () => gateway.stop().then(stopped, failed))
  })
}
