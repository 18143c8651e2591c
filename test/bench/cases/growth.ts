import { atMost, type Case, quotient, type Verdict } from '../case.ts'
import { alone, BUCKETS, ECHO, LOAD } from '../contenders/contenders.ts'
import { startSwitchyard } from '../contenders/switchyard.ts'
import { onCore, SERVER_CORE } from '../cores.ts'
import { flood, floodMeasures, floodNote } from '../flooding.ts'
import type { Options } from '../options.ts'
import { quiet } from '../quiet.ts'
import { medianOf, type Table } from '../table.ts'

const SIZE = 317
/** Flat: the dearest point costs at most so many times the first. */
const FLAT = 1.1
const secret = 'swordfish'

/** One point of a curve. */
interface Point {
  readonly subject: string
  readonly config: object
  readonly instances: number
  readonly senders: number
  readonly size: number
}

interface Curve {
  readonly title: string
  readonly points: readonly Point[]
  /** How the bar calls it; none for what must grow. */
  readonly claim?: string
  readonly note?: string
}

export const growth: Case = {
  title: 'growth: what a stanza costs',
  run: async (options, say) => {
    const tables: Table[] = []
    const verdicts: Verdict[] = []
    for (const curve of curvesOf(options.quick)) {
      const table = await draw(curve, options, say)
      tables.push(table)
      if (curve.claim !== undefined) verdicts.push(...flatness(curve.claim, table))
    }
    return { tables, verdicts }
  },
}

function curvesOf(quick: boolean): readonly Curve[] {
  const thin = (numbers: readonly number[]) => (quick ? [numbers[0] ?? 1, numbers.at(-1) ?? 1] : numbers)
  const instances = thin([1, 10, 100, 1000])
  const buckets = thin([2, 10, 100, 1000])
  const one = { senders: 1, size: SIZE }
  const spread =
    'The more instances the stanzas of a turn are for, the more writes they take, whoever does it: some 8 us each. How ' +
    'many stanzas a turn has depends on how much the kernel lets the sender have on its way (tcp_rmem): 64 KiB to 2 MiB.'
  return [
    {
      title: 'Instances (rendezvous): all are connected, one is busy',
      claim: 'cost of a stanza, 1 to 1000 instances, dearest by first',
      points: instances.map((n) => ({ ...one, subject: `${n}`, instances: n, config: rendezvous(1) })),
    },
    {
      title: 'Instances (rendezvous): all are busy, 10 000 senders',
      note: spread,
      points: instances.map((n) => ({ ...one, senders: 10_000, subject: `${n}`, instances: n, config: rendezvous(1) })),
    },
    {
      title: 'Buckets, each with its holder: one is busy',
      claim: 'cost of a stanza, 2 to 1000 buckets, dearest by first',
      points: buckets.map((n) => ({ ...one, subject: `${n}`, instances: n, config: bucketed(n) })),
    },
    {
      title: 'Buckets, each with its holder: all are busy, 10 000 senders',
      note: spread,
      points: buckets.map((n) => ({ ...one, senders: 10_000, subject: `${n}`, instances: n, config: bucketed(n) })),
    },
    {
      title: 'Domains: one is busy, with four instances',
      claim: 'cost of a stanza, 1 to 10 000 domains, dearest by first',
      points: thin([1, 100, 10_000]).map((n) => ({
        ...{ senders: 100, size: SIZE, subject: `${n}`, instances: BUCKETS },
        config: rendezvous(n),
      })),
    },
    {
      title: 'Bytes of a stanza, four instances',
      points: thin([200, 1000, 10_000, 50_000, 200_000]).map((size) => ({
        ...{ senders: 100, size, subject: `${size}`, instances: BUCKETS },
        config: bucketed(BUCKETS),
      })),
    },
  ]
}

function rendezvous(domains: number): object {
  return { ...served(domains), domain_balancing: { [ECHO]: { type: 'bare_source' } } }
}

function bucketed(buckets: number): object {
  return { ...served(1), domain_balancing: { [ECHO]: { type: 'bare_source', component_number: buckets } } }
}

function served(domains: number): object {
  const others = Array.from({ length: domains - 1 }, (_, index) => [`domain${index}.localhost`, { secret }])
  return {
    domains: { ...Object.fromEntries(others), [LOAD]: { secret }, [ECHO]: { secret } },
    limits: { unauthenticated: 10_000, unauthenticated_per_address: 10_000 },
  }
}

async function draw(curve: Curve, options: Options, say: (line: string) => void): Promise<Table> {
  const found = new Map(curve.points.map(({ subject }) => [subject, [] as Readonly<Record<string, number>>[]]))
  for (let round = 1; round <= options.rounds; round++) {
    for (const point of curve.points) {
      await quiet(options.patience)
      found.get(point.subject)?.push(await costOf(point, options.seconds))
    }
    const costs = [...found].map(([subject, list]) => `${subject} ${Math.round(list.at(-1)?.nanoseconds ?? 0)} ns`)
    say(`${curve.title}, round ${round}: ${costs.join(', ')}`)
  }
  const first = curve.points[0]?.subject ?? ''
  return {
    title: curve.title,
    measures: floodMeasures,
    series: [...found].map(([subject, rounds]) => ({ subject, rounds })),
    ratios: { key: 'nanoseconds', to: [first] },
    notes: curve.note === undefined ? [floodNote] : [floodNote, curve.note],
  }
}

async function costOf({ config, instances, senders, size }: Point, seconds: number) {
  const server = await onCore(SERVER_CORE, () => startSwitchyard({ config }))
  try {
    const contender = { ...alone(server), port: server.port, wiring: 'xmpp', sinks: instances } as const
    return await flood(contender, { from: LOAD, to: ECHO, senders, size, seconds })
  } finally {
    await server.kill()
    await server.stop()
  }
}

function flatness(claim: string, table: Table): readonly Verdict[] {
  const costs = table.series.map(({ subject }) => medianOf(table, subject, 'nanoseconds'))
  const known = costs.filter((cost) => cost !== undefined)
  return atMost(claim, quotient(Math.max(...known), known[0]), FLAT)
}
