import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

/** Node's arguments for a CPU profile of a process, written when it ends. */
export function profiling(folder: string, name: string): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const file = `${name.replaceAll(' ', '-')}.cpuprofile`
  return ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', resolve(folder), '--cpu-prof-name', file]
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const TOP = 30

/** The functions of each profile in a folder that the most time was spent in, without what they called. */
export function printProfiles(folder: string): string {
  const files = readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'))
  return files.map((file) => `\n${file}\n${topFunctions(join(folder, file))}`).join('\n')
}

function topFunctions(path: string): string {
  const profile: CpuProfile = JSON.parse(readFileSync(path, 'utf8'))
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? ''
    times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0))
  })
  times.delete('(idle)')
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0)
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, TOP)
  return sorted.map(([name, time]) => `${((time / busy) * 100).toFixed(1).padStart(5)} %  ${name}`).join('\n')
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const where = url === '' ? '' : ` ${basename(url)}:${lineNumber + 1}`
  return `${functionName === '' ? '(anonymous)' : functionName}${where}`
}
