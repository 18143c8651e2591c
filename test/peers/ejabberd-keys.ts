import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./ejabberd_keys.escript', import.meta.url))

/** A text, or for `hash` the three of them. */
export type Request =
  | readonly ['node' | 'name' | 'resource' | 'jid', string]
  | readonly ['hash', string, string, string]

/**
 * What ejabberd's own libraries, in a real Erlang, answer to each request (see the script); undefined where they refuse.
 * Prepared texts come back as texts, hashes as numbers with a blank between them.
 */
export function askEjabberd(requests: readonly Request[]): readonly (string | undefined)[] {
  const lines = requests.map(([name, ...texts]) => [name, ...texts.map(hex)].join(' '))
  const ran = spawnSync('/usr/bin/escript', [script], {
    input: `${lines.join('\n')}\n`,
    encoding: 'latin1',
    maxBuffer: 1 << 27,
    timeout: 60_000,
    // No home, so that no .erlang of whoever runs the tests is read.
    env: { PATH: '/usr/bin:/bin', HOME: '/', ERL_CRASH_DUMP_SECONDS: '0' },
  })
  if (ran.status !== 0) throw new Error(`escript ended with ${ran.status}: ${ran.error ?? ran.stderr}`)
  const answers = ran.stdout.split('\n').slice(0, -1)
  if (answers.length !== requests.length) throw new Error(`${answers.length} answers to ${requests.length} requests`)
  return answers.map((answer, index) => read(answer, requests[index]?.[0] ?? 'jid'))
}

const hex = (text: string): string => Buffer.from(text).toString('hex') || '-'

function read(answer: string, request: Request[0]): string | undefined {
  if (answer === 'error') return undefined
  if (request === 'jid' || request === 'hash') return answer
  return answer === '-' ? '' : Buffer.from(answer, 'hex').toString('utf8')
}
