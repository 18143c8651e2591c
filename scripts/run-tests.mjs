// The test files of argv, in that order, two at a time: node's own command line would sort them by name. To be run
// with `--import tsx`, which each file's process inherits.
import { run } from 'node:test'
import { spec as Spec } from 'node:test/reporters'

/** One file, with whatever it starts. A file that takes longer hangs. */
const FILE_MS = 5 * 60_000

const events = run({ files: process.argv.slice(2), concurrency: 2, timeout: FILE_MS })
events.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1
})
events.compose(new Spec()).pipe(process.stdout)
