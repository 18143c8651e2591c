// What the scripts share: where the tree is, how to say something, how to run a command, how to fail.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const TAIL_LINES = 30
const OUTPUT_BYTES = 64 * 1024 * 1024

/** What a person can act on; printed without a stack. */
export class Failure extends Error {}

export function say(text) {
  console.log(`prepare: ${text}`)
}

/** Runs a command without a word, unless it fails: then with the end of what it said. Returns its standard output. */
export function run(command, args, { name = [command, ...args].join(' ') } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    input: '',
    maxBuffer: OUTPUT_BYTES,
  })
  if (result.error) throw new Failure(`${command} could not be run: ${result.error.message}`)
  if (result.status === 0) return result.stdout
  const tail = `${result.stdout}${result.stderr}`.trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
  throw new Failure(`${name} failed (${result.status ?? result.signal}):\n${tail}`)
}
