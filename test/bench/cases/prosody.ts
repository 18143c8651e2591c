import { startProsody } from '../../peers/prosody.ts'
import { atLeast, type Case, quotient } from '../case.ts'
import { BUCKETS, ECHO, LOAD } from '../contenders/contenders.ts'
import { startSwitchyard } from '../contenders/switchyard.ts'
import { LOAD_CORE, onCore, SERVER_CORE } from '../cores.ts'
import { flood, floodMeasures } from '../flooding.ts'
import type { Options } from '../options.ts'
import { quiet } from '../quiet.ts'
import { medianOf, type Table } from '../table.ts'

const secret = 'swordfish'
const SIZE = 317
const SENDERS = 100
const DIRECT = 'Prosody, 1 component'
const THROUGH = `Prosody, Switchyard, ${BUCKETS} instances`

/** Prosody has core 0 for itself; Switchyard shares core 1 with the load, as on a machine with two cores it would. */
export const prosody: Case = {
  title: 'Switchyard behind Prosody',
  run: async (options, say) => {
    const table = await compare(options, say)
    const kept = quotient(medianOf(table, THROUGH, 'rate'), medianOf(table, DIRECT, 'rate'))
    return { tables: [table], verdicts: atLeast("Prosody's throughput with Switchyard behind it", kept, 0.95) }
  },
}

async function compare({ rounds, seconds, patience }: Options, say: (line: string) => void): Promise<Table> {
  const components = [LOAD, ECHO, 'plain.localhost'].map((domain) => ({ domain, secret }))
  const server = await onCore(SERVER_CORE, () => startProsody({ components }))
  const upstream = { service: `xmpp://127.0.0.1:${server.componentPort}`, secret }
  const config = {
    domains: { [ECHO]: { secret, upstream } },
    domain_balancing: { [ECHO]: { type: 'bare_source', component_number: BUCKETS } },
  }
  const yard = await onCore(LOAD_CORE, () => startSwitchyard({ config }))
  const direct: Readonly<Record<string, number>>[] = []
  const through: Readonly<Record<string, number>>[] = []
  const behind = { wiring: 'xmpp', port: server.componentPort, pids: () => [server.pid()] } as const
  const apart = { ...behind, sinks: BUCKETS, sinkPort: yard.port }
  try {
    for (let round = 1; round <= rounds; round++) {
      const load = { from: LOAD, senders: SENDERS, size: SIZE, seconds }
      const turns = [
        async () =>
          void direct.push(await flood({ ...server, ...behind, sinks: 1 }, { ...load, to: 'plain.localhost' })),
        async () => void through.push(await flood({ ...server, ...apart }, { ...load, to: ECHO, beside: yard.pid() })),
      ]
      // Each goes first in every other round: what one leaves behind in Prosody is not always the same one's burden.
      for (const turn of round % 2 === 1 ? turns : turns.reverse()) {
        await quiet(patience)
        await turn()
      }
      say(`round ${round}: ${[direct, through].map((list) => Math.round(list.at(-1)?.rate ?? 0)).join(', ')} stanzas/s`)
    }
  } finally {
    await yard.stop()
    await server.stop()
  }
  return {
    title: `Messages of ${SIZE} bytes from a component of Prosody; server is Prosody`,
    measures: [...floodMeasures, { key: 'beside', unit: 'switchyard %' }],
    series: [
      { subject: DIRECT, rounds: direct },
      { subject: THROUGH, rounds: through },
    ],
    ratios: { key: 'rate', to: [DIRECT] },
  }
}
