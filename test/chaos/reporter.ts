import { writeSync } from 'node:fs'

/**
 * Writes a line to standard output at once, before anything else is read: a stanza that is confirmed has been reported.
 * The pipe may be one that does not block; then it is asked again until it takes all.
 */
export function report(line: string): void {
  const bytes = Buffer.from(`${line}\n`)
  let written = 0
  while (written < bytes.length) {
    try {
      written += writeSync(1, bytes, written)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    }
  }
}
