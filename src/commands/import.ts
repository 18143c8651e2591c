import { dirname, isAbsolute, join } from 'node:path'
import { readComponents } from '../../config/ejabberd-components.ts'
import { importEjabberd } from '../../config/ejabberd-import.ts'
import { readEjabberd } from '../../config/ejabberd-source.ts'
import { loadConfig } from '../../config/load.ts'
import { formatProblem, type Problem } from '../../config/problems.ts'
import { type ExitCode, exitCodes } from '../errors.ts'
import { escapeForLog } from '../log.ts'

/** What the command needs from the process. */
export interface ImportIo {
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string
  stdout(text: string): void
  stderr(text: string): void
}

/**
 * `switchyard import`: our configuration for the components of an ejabberd, on standard output. What cannot be carried
 * over is on standard error, as is everything that is wrong with ejabberd's files; then the exit code is 1.
 */
export function importFile(file: string, io: ImportIo): ExitCode {
  const locate = (path: string, from: string) => (isAbsolute(path) ? path : join(dirname(from), path))
  const isReadable = (path: string) => isAbsolute(path) && canRead(path, io)
  const source = readEjabberd(file, io.readFile, locate)
  const { text, problems, warnings } = importEjabberd(file, readComponents(source), isReadable)
  for (const problem of problems) io.stderr(`${line(problem)}\n`)
  for (const warning of warnings) io.stderr(`${line(warning)} (warning)\n`)
  if (text === undefined) return exitCodes.badInput
  // Somebody who runs it next should not be the first to try.
  const refused = loadConfig(text, { file: 'imported.yaml', env: {}, hostname: 'yard', readFile: io.readFile }).problems
  if (refused !== undefined) {
    for (const problem of refused) io.stderr(`${line(problem)}\n`)
    return exitCodes.badInput
  }
  io.stdout(text)
  return exitCodes.done
}

const line = (problem: Problem): string => escapeForLog(formatProblem(problem))

function canRead(path: string, io: ImportIo): boolean {
  try {
    io.readFile(path)
    return true
  } catch {
    return false
  }
}
