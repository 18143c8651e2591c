import { type LoadOptions, loadConfigFile } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { summary } from '../../config/summary.ts'

/** What the command needs from the process. */
export interface CheckIo extends Omit<LoadOptions, 'file'> {
  stdout(text: string): void
  stderr(text: string): void
}

/**
 * `switchyard check`: every problem of a configuration file, one to a line, on standard error; or, when there is none,
 * a summary on standard output, and on standard error what is a warning only. Returns the exit code, 1 or 0.
 */
export function check(path: string, io: CheckIo): 0 | 1 {
  const { config, problems, warnings } = loadConfigFile(path, io)
  if (config === undefined) {
    io.stderr(problems.map((problem) => `${formatProblem(problem)}\n`).join(''))
    return 1
  }
  io.stderr(warnings.map((warning) => `warning: ${formatProblem(warning)}\n`).join(''))
  io.stdout(summary(config))
  return 0
}
