import { dirname, isAbsolute, join } from 'node:path'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import type { Environment } from './environment.ts'
import { type Exposure, exposureOf, type FileAccess, inlineSecret } from './exposure.ts'
import { deepFreeze } from './frozen.ts'
import { type Complaint, formatPath, type Path, type Problem } from './problems.ts'
import { resolve } from './resolve.ts'
import { Source } from './source.ts'
import type { Fault } from './syntax.ts'
import { validate } from './validate.ts'

export interface LoadOptions {
  /** The file's path: it stands in problems, and other files are looked for in its folder. */
  readonly file: string
  readonly env: Environment
  /** Stands for `node` where the file names none. */
  readonly hostname: string
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string
  /** Who gets to a file; throws when it cannot be looked at. Absent: nothing is said of that. */
  readonly access?: (path: string) => FileAccess
}

/** `warnings`: what is in force, and should not stay so. */
export type Loaded =
  | { readonly config: Config; readonly warnings: readonly Problem[]; readonly problems?: never }
  | { readonly config?: never; readonly warnings?: never; readonly problems: readonly Problem[] }

/** Reads a configuration file. A file that cannot be read is a problem like any other. */
export function loadConfigFile(file: string, options: Omit<LoadOptions, 'file'>): Loaded {
  let text: string
  try {
    text = options.readFile(file)
  } catch (error) {
    return { problems: [{ file, line: 1, col: 1, path: formatPath([]), message: `cannot be read: ${reason(error)}` }] }
  }
  return loadConfig(text, { ...options, file })
}

/** A configuration from its YAML text: whole, or refused with everything that is wrong, in the order of the file. */
export function loadConfig(text: string, options: LoadOptions): Loaded {
  const source = new Source(text, options.env)
  const faults: Fault[] = [...source.faults]
  const add = (complaint: Complaint) =>
    faults.push({ ...complaint, offset: source.offset(complaint.path, complaint.at) })
  if (source.value === undefined && faults.length > 0) return { problems: inOrder(faults, source, options.file) }
  const { raw, complaints } = validate(source.value, (path) => source.unexpanded(path))
  for (const complaint of complaints) add(complaint)
  // A key that is written twice still has a value to be checked, the first; other faults have spoilt theirs.
  const spoilt = [...source.faults.filter((fault) => fault.at === 'value'), ...complaints]
  const warnings: Fault[] = []
  const expose = (path: Path, file: string, how: (told: string) => string) => {
    const exposure = exposed(file, options)
    if (exposure === undefined) return
    const complaint = { path, message: how(exposure.told), at: 'value' } as const
    if (exposure.what === 'write') add(complaint)
    else warnings.push({ ...complaint, offset: source.offset(path, 'value') })
  }
  const written = inlineSecret(source.value, (path) => source.unexpanded(path) !== undefined)
  if (written !== undefined) expose(written, options.file, (told) => `stands in a file ${told}`)
  const config = raw === undefined ? undefined : resolve(raw, contextOf(options, spoilt, add, expose))
  if (config === undefined || faults.length > 0) return { problems: inOrder(faults, source, options.file) }
  return { config: deepFreeze(config), warnings: inOrder(warnings, source, options.file) }
}

function exposed(file: string, { access }: LoadOptions): Exposure | undefined {
  try {
    return access === undefined ? undefined : exposureOf(file, access(file))
  } catch {
    // It could be read: what else there is to say of it is not known.
    return undefined
  }
}

/** The keys whose files hold secrets. */
const secretFiles: ReadonlySet<unknown> = new Set(['secret_file', 'token_file', 'key'])

function contextOf(
  options: LoadOptions,
  spoilt: readonly Complaint[],
  add: (complaint: Complaint) => void,
  expose: (path: Path, file: string, how: (told: string) => string) => void,
): Context {
  const locate = (file: string) => (isAbsolute(file) ? file : join(dirname(options.file), file))
  const report: Context['report'] = (path, message, at = 'value', because = [path]) => {
    if (!because.some((cause) => spoilt.some((problem) => isReplaced(cause, problem.path)))) add({ path, message, at })
  }
  const readFile: Context['readFile'] = (path, file) => {
    if (spoilt.some((problem) => isReplaced(path, problem.path))) return undefined
    try {
      const text = options.readFile(locate(file))
      if (secretFiles.has(path.at(-1))) expose(path, locate(file), (told) => `names a file ${told}`)
      return text
    } catch (error) {
      report(path, `names ${JSON.stringify(file)}, which cannot be read: ${reason(error)}`)
      return undefined
    }
  }
  return { hostname: options.hostname, report, locate, readFile }
}

/** Whether what is at `path` was replaced by a stand-in, itself or with something around it. */
function isReplaced(path: Path, problem: Path): boolean {
  return problem.every((step, index) => path[index] === step)
}

/** What the codes of system errors mean. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file (ENOENT)'],
  ['EACCES', 'no permission to read it (EACCES)'],
  ['EISDIR', 'it is a folder (EISDIR)'],
])

/** The code of a system error says enough; its text repeats the path. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  if (!('code' in error) || typeof error.code !== 'string') return error.message
  return reasons.get(error.code) ?? error.code
}

/** In the order of the file; what is said of one value in one place is said once. */
function inOrder(faults: readonly Fault[], source: Source, file: string): readonly Problem[] {
  const seen = new Set<string>()
  const sorted = [...faults].sort((a, b) => a.offset - b.offset)
  return sorted.flatMap(({ path, offset, message }) => {
    const key = `${offset} ${JSON.stringify(path)}`
    // A syntax error has no path, and two of them may meet in one place.
    if (seen.has(key) && path.length > 0) return []
    seen.add(key)
    return [{ file, ...source.position(offset), path: formatPath(path), message }]
  })
}
