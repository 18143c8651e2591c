import type { Config } from '../../config/config.ts'
import { type LoadOptions, loadConfigFile } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { type ErrorCode, SwitchyardError } from '../errors.ts'

/** The configuration in a file. Throws `config-refused`, or another code, with every problem on a line of its own. */
export function configured(
  path: string,
  options: Omit<LoadOptions, 'file'>,
  code: ErrorCode = 'config-refused',
): Config {
  const { config, problems } = loadConfigFile(path, options)
  if (config !== undefined) return config
  const lines = problems.map(formatProblem)
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`
  throw new SwitchyardError(code, `the configuration has ${count}:\n${lines.join('\n')}`)
}
