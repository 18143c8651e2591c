import type { Config } from '../../config/config.ts'
import { type LoadOptions, loadConfigFile } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { type ErrorCode, SwitchyardError } from '../errors.ts'

/** The configuration in a file. Throws `config-refused`, or another code, with every problem on a line of its own. */
export function configured(path: string, options: Omit<LoadOptions, 'file'>, code?: ErrorCode): Config {
  return configuredWith(path, options, code).config
}

/** The same, with its warnings, each a line. */
export function configuredWith(
  path: string,
  options: Omit<LoadOptions, 'file'>,
  code: ErrorCode = 'config-refused',
): { readonly config: Config; readonly warnings: readonly string[] } {
  const { config, problems, warnings } = loadConfigFile(path, options)
  if (config !== undefined) return { config, warnings: warnings.map(formatProblem) }
  const lines = problems.map(formatProblem)
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`
  throw new SwitchyardError(code, `the configuration has ${count}:\n${lines.join('\n')}`)
}
