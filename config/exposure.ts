import type { Path } from './problems.ts'

/** What the file system says of who gets to a file. */
export interface FileAccess {
  /** The permission bits. */
  readonly mode: number
  /** Whether a user who is neither its owner nor of its group may pass every folder above it. */
  readonly isReachable: boolean
}

/** What others may do with a file that holds a secret. Those of its group are its owner's affair. */
export interface Exposure {
  readonly what: 'read' | 'write'
  /** Completes "it is a file …", for people, with what to do. */
  readonly told: string
}

const OTHERS_READ = 0o004
const OTHERS_WRITE = 0o002

/**
 * Undefined where nobody else gets to it. Credentials of systemd stand in a folder that is the service's alone, so that
 * their own modes say nothing; a Secret that Kubernetes mounts is for all to read unless `defaultMode` says otherwise.
 */
export function exposureOf(file: string, { mode, isReachable }: FileAccess): Exposure | undefined {
  if (!isReachable) return undefined
  const shown = `mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`
  const what = (mode & OTHERS_WRITE) !== 0 ? 'write' : (mode & OTHERS_READ) !== 0 ? 'read' : undefined
  if (what === undefined) return undefined
  return { what, told: `which every user of this machine can ${what} (${shown}): chmod o-rwx ${file}` }
}

const secretKeys: ReadonlySet<unknown> = new Set(['secret', 'secrets', 'token'])

/**
 * Where a file's own text holds a secret: the first place. What comes from the environment does not stand in the file.
 * @param value the file's values, as they are read
 * @param isFromEnvironment whether something was put in at a path
 */
export function inlineSecret(
  value: unknown,
  isFromEnvironment: (path: Path) => boolean,
  path: Path = [],
): Path | undefined {
  if (typeof value === 'string') return isSecret(path, value) && !isFromEnvironment(path) ? path : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  for (const [step, item] of entries) {
    const found = inlineSecret(item, isFromEnvironment, [...path, step])
    if (found !== undefined) return found
  }
  return undefined
}

/** By its key, or by that of the list in which it is. */
function isSecret(path: Path, value: string): boolean {
  const key = typeof path.at(-1) === 'number' ? path.at(-2) : path.at(-1)
  // Only a password makes a secret of the address of a Redis.
  if (key === 'redis') return URL.canParse(value) && new URL(value).password !== ''
  return secretKeys.has(key)
}
