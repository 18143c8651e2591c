import type { Path } from './problems.ts'

/** What resolving needs from whoever loads the file. */
export interface Context {
  /** The host's name, for `node`. */
  readonly hostname: string
  /**
   * Records a problem. It is left out when something that it follows from (`because`, by default the path itself) is
   * wrong already: one slip should give one message.
   */
  report(path: Path, message: string, at?: 'key' | 'value', because?: readonly Path[]): void
  /** A path in the file, as one that can be opened. */
  locate(file: string): string
  /** The text of a file that the path names; undefined, and reported, when it cannot be read. */
  readFile(path: Path, file: string): string | undefined
}
