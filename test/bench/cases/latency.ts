import { freePort } from '../../peers/ports.ts'
import { keepAwake } from '../awake.ts'
import { atMost, type Case, type Outcome, quotient } from '../case.ts'
import { BUCKETS, ECHO, LOAD } from '../contenders/contenders.ts'
import { startProxy } from '../contenders/proxy.ts'
import { startSwitchyard } from '../contenders/switchyard.ts'
import { onCore, SERVER_CORE } from '../cores.ts'
import type { Conduct, Neighboured } from '../load/neighbours.ts'
import type { Latencies } from '../load/pace.ts'
import type { Roundtripped } from '../load/roundtrip.ts'
import type { Window } from '../meter.ts'
import type { Options } from '../options.ts'
import { quiet } from '../quiet.ts'
import { type Measure, medianOf, type Table } from '../table.ts'
import { runWorker } from '../worker.ts'

const RATE = 10_000
const INSTANCES = 4
const SIZE = 317
const CONDUCTS: readonly Conduct[] = ['well', 'frozen', 'slow', 'large']
/** How long the neighbours are watched at least: one that freezes is noticed some four seconds later. */
const LEAST_SECONDS = 5
const WAYS = ['direct', 'through a relay', 'through switchyard'] as const
type Way = (typeof WAYS)[number]
const secret = 'swordfish'

type Round = Readonly<Record<string, number>>

const latencyMeasures: readonly Measure[] = [
  { key: 'p50', unit: 'p50 ms', digits: 3, spread: true },
  { key: 'p99', unit: 'p99 ms', digits: 3, spread: true },
  { key: 'p999', unit: 'p99.9 ms', digits: 3, spread: true },
  { key: 'worst', unit: 'max ms', digits: 2 },
  { key: 'lost', unit: 'missing' },
  { key: 'server', unit: 'server %' },
  { key: 'waited', unit: 'waited %' },
  { key: 'foreign', unit: 'foreign %' },
]

export const latency: Case = {
  title: `iq round trips, and latency at ${RATE} stanzas/s`,
  run: async (options, say) => {
    const awake = keepAwake(SERVER_CORE)
    try {
      const [paced, most] = await roundtrips(options, awake.pid, say)
      const beside = await neighbours(options, awake.pid, say)
      return { tables: [paced, most, beside], verdicts: verdictsOf(paced, beside) }
    } finally {
      awake.stop()
    }
  },
}

async function roundtrips(
  { rounds, seconds, patience }: Options,
  awake: number,
  say: (line: string) => void,
): Promise<readonly [Table, Table]> {
  const paced = new Map(WAYS.map((way) => [way, [] as Round[]]))
  const most = new Map(WAYS.map((way) => [way, [] as Round[]]))
  for (let round = 1; round <= rounds; round++) {
    for (const way of WAYS) {
      paced.get(way)?.push(latencyOf(await roundtrip(way, RATE, seconds, patience, awake)))
      most.get(way)?.push(rateOf(await roundtrip(way, 0, seconds, patience, awake)))
    }
    say(
      `round ${round}: p99 ${[...paced].map(([way, list]) => `${list.at(-1)?.p99?.toFixed(3)} ms ${way}`).join(', ')}`,
    )
  }
  const series = (found: ReadonlyMap<Way, readonly Round[]>) =>
    [...found].map(([subject, rounds]) => ({ subject, rounds }))
  return [
    {
      title: `Iq round trips from ${INSTANCES} instances to an echo, ${RATE} per second, open loop`,
      measures: latencyMeasures,
      series: series(paced),
      notes: [
        'A round trip passes Switchyard, or the relay, twice. Who asks and who answers share one process on the other core. ' +
          'The relay is a Node process that passes chunks on and knows no stanzas.',
      ],
    },
    {
      title: `Iq round trips from ${INSTANCES} instances to an echo, as many as pass`,
      measures: [
        { key: 'rate', unit: 'round trips/s', spread: true },
        { key: 'microseconds', unit: 'server CPU µs each', digits: 2 },
        { key: 'server', unit: 'server %' },
        { key: 'load', unit: 'load %' },
        { key: 'foreign', unit: 'foreign %' },
      ],
      series: series(most),
    },
  ]
}

/** Switchyard dials the echo, which must be there first: the echo's process dials Switchyard until that is there, too. */
async function roundtrip(
  way: Way,
  rate: number,
  seconds: number,
  patience: number,
  awake: number,
): Promise<Roundtripped> {
  await quiet(patience, awake)
  const task = { domain: ECHO, instances: INSTANCES, rate, seconds, awake }
  const linkPort = await freePort()
  if (way === 'direct') return runWorker('roundtrip.ts', { ...task, port: linkPort, pid: 0 })
  const server = await onCore(SERVER_CORE, () => (way === 'through switchyard' ? yard(linkPort) : relay(linkPort)))
  try {
    return await runWorker('roundtrip.ts', { ...task, port: server.port, linkPort, pid: server.pid() })
  } finally {
    await server.kill()
    await server.stop()
  }
}

/** Switchyard dials the echo, which must be there first: the echo's process dials Switchyard until that is there, too. */
function yard(linkPort: number) {
  const upstream = { service: `xmpp://127.0.0.1:${linkPort}`, secret }
  const config = { domains: { [ECHO]: { secret, upstream } }, domain_balancing: { [ECHO]: { type: 'bare_source' } } }
  return startSwitchyard({ config })
}

async function relay(linkPort: number) {
  const port = await freePort()
  return { ...(await startProxy(port, linkPort)), port }
}

async function neighbours(
  { rounds, seconds, patience }: Options,
  awake: number,
  say: (line: string) => void,
): Promise<Table> {
  const found = new Map(CONDUCTS.map((conduct) => [conduct, [] as Round[]]))
  const domains = { [LOAD]: { secret }, [ECHO]: { secret } }
  const config = { domains, domain_balancing: { [ECHO]: { type: 'bare_source', component_number: BUCKETS } } }
  for (let round = 1; round <= rounds; round++) {
    for (const conduct of CONDUCTS) {
      await quiet(patience, awake)
      // Anew each time: what a frozen one left behind is nobody else's affair.
      const server = await onCore(SERVER_CORE, () => startSwitchyard({ config }))
      const ends = { port: server.port, pid: server.pid(), from: LOAD, to: ECHO, buckets: BUCKETS }
      try {
        const task = { ...ends, conduct, rate: RATE, size: SIZE, seconds: Math.max(seconds, LEAST_SECONDS), awake }
        found.get(conduct)?.push(latencyOf(await runWorker<Neighboured>('neighbours.ts', task)))
      } finally {
        await server.kill()
        await server.stop()
      }
    }
    say(`round ${round}: p99 ${[...found].map(([name, list]) => `${name} ${list.at(-1)?.p99?.toFixed(3)}`).join(', ')}`)
  }
  return {
    title: `Messages to three instances, ${RATE} per second, while a fourth reads well, nothing (frozen), slowly, or is sent 10 MB/s of 500 kB stanzas (large)`,
    measures: latencyMeasures,
    series: [...found].map(([subject, rounds]) => ({ subject, rounds })),
    ratios: { key: 'p99', to: ['well'] },
  }
}

function latencyOf({ latencies, window }: { readonly latencies?: Latencies; readonly window: Window }): Round {
  if (latencies === undefined) return {}
  const { p50, p99, p999, max, sent, received } = latencies
  return { p50, p99, p999, worst: max, lost: sent - received, ...shares(window) }
}

function rateOf({ answers, window }: Roundtripped): Round {
  return {
    rate: answers / window.seconds,
    ...(window.server > 0 ? { microseconds: (window.server * 1e6) / answers } : {}),
    ...shares(window),
  }
}

function shares({ seconds, server, waited, load, foreign }: Window): Round {
  const percent = (cpu: number) => (cpu / seconds) * 100
  return { server: percent(server), waited: percent(waited), load: percent(load), foreign: percent(foreign) }
}

function verdictsOf(paced: Table, beside: Table): Outcome['verdicts'] {
  const p99 = (subject: string) => medianOf(paced, subject, 'p99')
  const [through, direct] = [p99('through switchyard'), p99('direct')]
  const added = through === undefined || direct === undefined ? undefined : through - direct
  const compared = (conduct: Conduct) => quotient(medianOf(beside, conduct, 'p99'), medianOf(beside, 'well', 'p99'))
  return [
    ...atMost(`latency added to a round trip at ${RATE}/s, p99`, added, 1, ' ms'),
    ...atMost('p99 of the others beside a frozen instance, × beside a good one', compared('frozen'), 1.1),
    ...atMost('p99 of the others beside a slow instance, × beside a good one', compared('slow'), 1.1),
    ...atMost('p99.9 of the others beside 500 kB stanzas', medianOf(beside, 'large', 'p999'), 5, ' ms'),
  ]
}
