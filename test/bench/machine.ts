import { spawnSync } from 'node:child_process'
import { arch, cpus, loadavg, release, totalmem } from 'node:os'

/** What a figure is worth nothing without. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory: string
  readonly system: string
  readonly node: string
  /** By package, or why there is none. */
  readonly versions: Readonly<Record<string, string>>
  readonly commit: string
  readonly command: string
  readonly date: string
  /** One, five and fifteen minutes, as it was before the run. */
  readonly loadAverage: readonly number[]
}

const PACKAGES = ['ejabberd', 'jabberd2', 'prosody', 'haproxy', 'redis-server']

export function describeMachine(argv: readonly string[]): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `Linux ${release()} ${arch()}`,
    node: process.version,
    versions: Object.fromEntries(PACKAGES.map((name) => [name, version(name)])),
    commit: commit(),
    command: ['npm run bench', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' '),
    date: new Date().toISOString(),
    loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
  }
}

function version(name: string): string {
  return output('dpkg-query', ['-W', '-f', `\${Version}`, name]) ?? 'not installed'
}

function commit(): string {
  const hash = output('git', ['rev-parse', '--short', 'HEAD'])
  if (hash === undefined) return 'unknown'
  return output('git', ['status', '--porcelain', '--untracked-files=no']) === '' ? hash : `${hash} with changes`
}

function output(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}
