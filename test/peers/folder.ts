import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Folder {
  readonly path: string
  remove(): void
}

/**
 * A temporary folder that belongs to `user` (where the tests run as root) and goes with the test process at the latest.
 * @param content file contents by relative path, made with the folder's own path known
 */
export function makeFolder(
  name: string,
  user: string,
  content: (path: string) => Readonly<Record<string, string>>,
): Folder {
  const path = mkdtempSync(join(tmpdir(), `${name}-`))
  const remove = () => {
    process.off('exit', remove)
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
  process.on('exit', remove)
  for (const [file, text] of Object.entries(content(path))) {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), text)
  }
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${user}:`, path])
  return { path, remove }
}
