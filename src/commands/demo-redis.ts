import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SwitchyardError } from '../errors.ts'

const programs = ['redis-server', 'valkey-server'] as const
const OLDEST = 7
const READY_WITHIN = 10_000
const ATTEMPTS = 5
/** Lines of its output that are kept, to be told when it does not start. */
const TAIL = 5

/** Runs the server until it ends or this shell's input does: so it outlives nobody, however the demo ends. */
const GUARDED = `
exec 3<&0
"$0" "$@" </dev/null 3<&- &
server=$!
(read -r line <&3; kill "$server") 2>/dev/null &
guard=$!
wait "$server"
kill "$guard" 2>/dev/null
`

/** A Redis of the demo's own: on a free port of 127.0.0.1, in a temporary folder, and nothing is written to the disk. */
export class DemoRedis {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly port: number
  /** `redis-server 7.0.15`. */
  readonly what: string

  /** Throws a SwitchyardError that says what to install where there is none. */
  static async start(): Promise<DemoRedis> {
    const { program, version } = installed()
    for (let attempt = 1; ; attempt++) {
      const redis = new DemoRedis(program, version, await freePort())
      try {
        await redis.#ready()
        return redis
      } catch (error) {
        await redis.stop()
        // Somebody else may have taken the port since we looked.
        if (attempt === ATTEMPTS) throw error
      }
    }
  }

  private constructor(program: string, version: string, port: number) {
    this.what = `${program} ${version}`
    this.port = port
    this.#folder = mkdtempSync(join(tmpdir(), 'switchyard-demo-redis-'))
    const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', this.#folder]
    const nothingKept = ['--save', '', '--appendonly', 'no']
    // Of a group of its own: Ctrl-C reaches every process of the terminal, and the demo still needs this one.
    this.#child = spawn('/bin/sh', ['-c', GUARDED, program, ...settings, ...nothingKept], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    this.#child.on('error', () => {})
    this.#child.stdin?.on('error', () => {})
  }

  /** Without waiting, for when this process ends at once. */
  end(): void {
    this.#child.stdin?.destroy()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async stop(): Promise<void> {
    const gone = this.#isGone ? undefined : once(this.#child, 'exit')
    this.end()
    await gone
  }

  get #isGone(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async #ready(): Promise<void> {
    const { stdout } = this.#child
    if (stdout === null) throw new Error('its output is not read')
    const tail: string[] = []
    const timer = setTimeout(() => this.#child.stdin?.destroy(), READY_WITHIN)
    try {
      for await (const line of createInterface({ input: stdout })) {
        if (line.includes('Ready to accept connections')) return
        tail.push(line)
        if (tail.length > TAIL) tail.shift()
      }
    } finally {
      clearTimeout(timer)
      // What it says from now on is not kept, and must not fill the pipe.
      stdout.resume()
    }
    throw new SwitchyardError('cluster-refused', `${this.what} did not start; its output ends:\n${tail.join('\n')}`)
  }
}

/** What this machine has. */
function installed(): { readonly program: string; readonly version: string } {
  const found: string[] = []
  for (const program of programs) {
    const { error, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
    const version = error === undefined ? /v=(\d+[\d.]*)/.exec(stdout)?.[1] : undefined
    if (version === undefined) continue
    if (Number.parseInt(version, 10) >= OLDEST) return { program, version }
    found.push(`${program} ${version}`)
  }
  const has = found.length === 0 ? `no ${programs.join(' and no ')} in its PATH` : `only ${found.join(' and ')}`
  throw new SwitchyardError(
    'cluster-refused',
    [
      `several nodes need a Redis server, ${OLDEST} or newer, and this machine has ${has}. Install one:`,
      '  Debian, Ubuntu  sudo apt-get install redis-server',
      '  Fedora          sudo dnf install valkey',
      '  macOS           brew install redis',
      'In a checkout on Debian or Ubuntu `npm run demo -- --nodes 3` does it by itself.',
    ].join('\n'),
  )
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP port has no number')
  return address.port
}
