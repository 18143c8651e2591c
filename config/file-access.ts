import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FileAccess } from './exposure.ts'

const OTHERS_PASS = 0o001

/** Who gets to a file, where symbolic links lead. Throws when it cannot be looked at. */
export function fileAccess(path: string): FileAccess {
  const real = realpathSync(path)
  let isReachable = true
  for (let folder = dirname(real), last = real; folder !== last; last = folder, folder = dirname(folder)) {
    if ((statSync(folder).mode & OTHERS_PASS) === 0) isReachable = false
  }
  return { mode: statSync(real).mode, isReachable }
}
