import { parseArgs } from 'node:util'
import type { SoakOptions } from './campaign.ts'
import { clusterFaultKinds, type FaultKind } from './faults.ts'

export const usage = `npm run soak -- [--hours H] [--minutes M] [options]

Switchyard under steady traffic and a fault each minute, for as long as you like; two hours where nothing is said. It
samples memory, descriptors, event-loop delay and counters, and says in the end whether anything was lost or grew.

  --hours H          how long, and
  --minutes M        so much more (fractions are fine)
  --nodes 1|3        one node, in memory, or three about a Redis of their own (default 1)
  --rate N           stanzas a second, all together (default 300)
  --seed N           the same faults in the same order (default: drawn, and printed)
  --warm-up M        minutes before memory counts (default: 10, or a sixth of the whole where that is less)
  --fault-every S    seconds between two faults (default 60)
  --sample-every S   seconds between two looks (default 10)
  --faults A,B       only these: ${clusterFaultKinds.join(', ')}
  --report FILE      everything that was seen, as JSON, in FILE; what is printed, in FILE.md
  --help

Memory is judged when at least half an hour is left after the warm-up. The exit code is 0 when all is well, 1 when
anything is wrong, 2 for options that are not understood. Ctrl-C ends the traffic early; what there is then is judged.
`

export interface SoakRequest {
  readonly options: SoakOptions
  /** Where the report goes, too. */
  readonly report: string | undefined
}

/** What the command line asks for; undefined for help. Throws an Error that says what is not understood. */
export function readOptions(argv: readonly string[], seed: () => number): SoakRequest | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      hours: { type: 'string' },
      minutes: { type: 'string' },
      nodes: { type: 'string' },
      rate: { type: 'string' },
      seed: { type: 'string' },
      'warm-up': { type: 'string' },
      'fault-every': { type: 'string' },
      'sample-every': { type: 'string' },
      faults: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return undefined
  const number = (name: keyof typeof values, otherwise: number, least: number, most: number): number => {
    const text = values[name]
    if (text === undefined) return otherwise
    const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new Error(`--${name} must be a number from ${least} to ${most}, not ${JSON.stringify(text)}`)
  }
  const isGiven = values.hours !== undefined || values.minutes !== undefined
  const seconds = number('hours', isGiven ? 0 : 2, 0, 1000) * 3600 + number('minutes', 0, 0, 100_000) * 60
  if (seconds <= 0) throw new Error('--hours and --minutes leave no time at all')
  const nodes = number('nodes', 1, 1, 9)
  const kinds = values.faults === undefined ? undefined : kindsOf(values.faults, nodes)
  const warmUp = number('warm-up', Math.min(10, seconds / 360), 0, 100_000)
  return {
    options: {
      ...{ seconds, nodes, warmUpSeconds: warmUp * 60 },
      seed: number('seed', seed(), 0, 2 ** 32),
      rate: number('rate', 300, 1, 100_000),
      faultEvery: number('fault-every', 60, 0.1, 86_400),
      sampleEvery: number('sample-every', 10, 0.1, 3600),
      ...(kinds === undefined ? {} : { kinds }),
    },
    report: values.report,
  }
}

function kindsOf(text: string, nodes: number): readonly FaultKind[] {
  return text.split(',').map((name) => {
    const kind = clusterFaultKinds.find((one) => one === name)
    if (kind === undefined)
      throw new Error(`--faults knows ${clusterFaultKinds.join(', ')}, not ${JSON.stringify(name)}`)
    if (kind === 'redis' && nodes === 1) throw new Error('--faults redis needs --nodes 3: one node has no Redis')
    return kind
  })
}
