import { type Loaded, type LoadOptions, loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { makeCertificate } from '../stub/server.ts'

/** Files by path, as an injected file system. */
export function filesOf(files: Readonly<Record<string, string>>): (path: string) => string {
  return (path) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return text
  }
}

const { cert, key } = makeCertificate()
/** What any file may be whose content is looked at: a certificate and its key. */
export const pem = `${cert}${key}`

/** Loads a text as `etc/yard.yaml` on the host `box`. */
export function load(text: string, options: Partial<LoadOptions> = {}): Loaded {
  return loadConfig(text, { file: 'etc/yard.yaml', env: {}, hostname: 'box', readFile: filesOf({}), ...options })
}

/** The problems of a text, as `check` prints them but without the file's name. */
export function problemsOf(text: string, options: Partial<LoadOptions> = {}): readonly string[] {
  const { problems } = load(text, options)
  return (problems ?? []).map((problem) => formatProblem(problem).replace('etc/yard.yaml:', ''))
}

/** A valid beginning of two lines, to which a test adds what it is about. */
export const listening = 'listen: [{port: 5347}]\ndomains: {a.example: {secret: s3cret}}\n'
