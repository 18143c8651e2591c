import { keepAwake } from '../awake.ts'
import { atMost, type Case, type Verdict } from '../case.ts'
import { clusterStarters, singleStarters } from '../contenders/clusters.ts'
import { ECHO, LOAD } from '../contenders/contenders.ts'
import { onCore, SERVER_CORE } from '../cores.ts'
import type { OnewayOutcome } from '../load/oneway.ts'
import type { Options } from '../options.ts'
import { quiet } from '../quiet.ts'
import { medianOf, type Table } from '../table.ts'
import { runWorker } from '../worker.ts'

const RATE = 10_000
const SIZE = 317
const SENDERS = 100
const RECEIVERS = 4
const BAR_MS = 5
const DIRECT = 'direct'

type Round = Readonly<Record<string, number>>

export const delay: Case = {
  title: `latency at ${RATE} stanzas/s, every stanza crosses from one node to the other`,
  run: async (options, say) => {
    const starters = { ...singleStarters, ...clusterStarters }
    const { only } = options
    const chosen = Object.keys(starters).filter(
      (name) => only.length === 0 || only.some((part) => name.startsWith(part)),
    )
    const found = new Map<string, Round[]>([DIRECT, ...chosen].map((name) => [name, []]))
    const awake = keepAwake(SERVER_CORE)
    try {
      for (let round = 1; round <= options.rounds; round++) {
        for (const [name, list] of found) {
          list.push(await measureOne(name, options, awake.pid))
          say(`round ${round}: ${name} p99 ${list.at(-1)?.p99?.toFixed(3)} ms`)
        }
      }
    } finally {
      awake.stop()
    }
    const table = tableOf(found)
    return { tables: [table], verdicts: verdictsOf(table) }
  },
}

async function measureOne(name: string, { seconds, patience }: Options, awake: number): Promise<Round> {
  await quiet(patience, awake)
  const flow = { from: LOAD, to: ECHO, receivers: RECEIVERS, senders: SENDERS, rate: RATE, size: SIZE }
  const task = { ...flow, seconds: Math.max(seconds, 3), awake }
  const start = { ...singleStarters, ...clusterStarters }[name]
  if (start === undefined) return figures(await runWorker<OnewayOutcome>('oneway.ts', { ...task, pids: [] }))
  // Anew each time: nobody else's heartbeats are on that core.
  const contender = await onCore(SERVER_CORE, () => start(() => []))
  try {
    const ports = { sender: contender.port, receivers: contender.sinkPort ?? contender.port }
    return figures(await runWorker<OnewayOutcome>('oneway.ts', { ...task, ports, pids: contender.pids() }))
  } finally {
    await contender.stop()
  }
}

function figures({ window, latencies }: OnewayOutcome): Round {
  const { p50, p99, p999, max, sent, received } = latencies
  const percent = (cpu: number) => (cpu / window.seconds) * 100
  const each = Object.fromEntries(window.each.map((cpu, index) => [`process${index}`, percent(cpu)]))
  const shares = { server: percent(window.server), foreign: percent(window.foreign) }
  return { p50, p99, p999, worst: max, lost: sent - received, ...shares, ...each }
}

function tableOf(found: ReadonlyMap<string, readonly Round[]>): Table {
  return {
    title: `Messages of ${SIZE} bytes from a sender at one node to ${RECEIVERS} receivers at the other, ${RATE} per second, open loop`,
    measures: [
      { key: 'p50', unit: 'p50 ms', digits: 3, spread: true },
      { key: 'p99', unit: 'p99 ms', digits: 3, spread: true },
      { key: 'p999', unit: 'p99.9 ms', digits: 3, spread: true },
      { key: 'worst', unit: 'max ms', digits: 2 },
      { key: 'lost', unit: 'missing' },
      { key: 'server', unit: 'server %' },
      { key: 'process0', unit: "sender's node %" },
      { key: 'process1', unit: "receivers' node %" },
      { key: 'process2', unit: 'redis %' },
      { key: 'foreign', unit: 'foreign %' },
    ],
    series: [...found].map(([subject, rounds]) => ({ subject, rounds })),
    notes: [
      "One way. Who sends and who receives share one process on the other core; both nodes and Redis share the server's.",
    ],
  }
}

function verdictsOf(table: Table): readonly Verdict[] {
  const added = (subject: string, key: string) => {
    const [through, direct] = [medianOf(table, subject, key), medianOf(table, DIRECT, key)]
    return through === undefined || direct === undefined ? undefined : through - direct
  }
  return Object.keys(clusterStarters)
    .filter((name) => name.startsWith('switchyard'))
    .flatMap((name) =>
      atMost(`${name}: latency added across nodes at ${RATE}/s, p99`, added(name, 'p99'), BAR_MS, ' ms'),
    )
}
