import type { Contender } from './contenders/contenders.ts'
import type { Flood, Flooded } from './load/flood.ts'
import { cpuSeconds } from './meter.ts'
import type { Measure } from './table.ts'
import { runWorker } from './worker.ts'

/** What a flood shows of a contender: how much passes, what it costs, and who was busy. */
export const floodMeasures: readonly Measure[] = [
  { key: 'rate', unit: 'stanzas/s', spread: true },
  { key: 'perCpu', unit: 'per CPU second' },
  { key: 'nanoseconds', unit: 'CPU ns each' },
  { key: 'megabytes', unit: 'MB/s' },
  { key: 'server', unit: 'server %' },
  { key: 'load', unit: 'load %' },
  { key: 'foreign', unit: 'foreign %' },
]

export const floodNote =
  'server, load, foreign: CPU of the server, of the load with its sinks, and of all else on the machine, in % of one core. ' +
  'Where load + its share of foreign comes near 100 the load is the limit, and what counts is the figure per CPU second; ' +
  'so it is where foreign is more than a few %.'

/** One flood of a contender that runs, and its figures. Comes back when the contender is at rest again. */
export async function flood(
  { wiring, port, sinkPort, sinks, pids }: Contender,
  task: Omit<Flood, 'wiring' | 'port' | 'sinkPort' | 'sinks' | 'pids'>,
): Promise<Readonly<Record<string, number>>> {
  const where = sinkPort === undefined ? { port } : { port, sinkPort }
  const outcome = await runWorker<Flooded>('flood.ts', { ...task, wiring, ...where, sinks, pids: pids() })
  await atRest(pids())
  return figures(outcome)
}

function figures({ window, stanzas, bytes, least, most, missing }: Flooded): Readonly<Record<string, number>> {
  const { seconds, server, each, beside, load, foreign } = window
  const cost = server === 0 ? {} : { perCpu: stanzas / server, nanoseconds: (server * 1e9) / stanzas }
  return {
    rate: stanzas / seconds,
    ...cost,
    megabytes: bytes / seconds / 1e6,
    server: (server / seconds) * 100,
    beside: (beside / seconds) * 100,
    load: (load / seconds) * 100,
    foreign: (foreign / seconds) * 100,
    ...Object.fromEntries(each.map((cpu, index) => [`process${index}`, (cpu / seconds) * 100])),
    ...{ least, most, missing },
  }
}

const LOOK_MS = 200
const REST_SHARE = 0.1
const PATIENCE_MS = 10_000

/** When the processes use next to no CPU: what one flood left to do must not be charged to the next. */
async function atRest(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  const used = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  let before = used()
  while (performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const now = used()
    if (now - before <= (LOOK_MS / 1000) * REST_SHARE) return
    before = now
  }
}
