import { atLeast, type Case, quotient, type Verdict } from '../case.ts'
import { clusterStarters, singleStarters } from '../contenders/clusters.ts'
import { type Contender, ECHO, LOAD } from '../contenders/contenders.ts'
import { onCore, SERVER_CORE } from '../cores.ts'
import { flood, floodMeasures, floodNote } from '../flooding.ts'
import type { Options } from '../options.ts'
import { printProfiles, profiling } from '../profile.ts'
import { quiet } from '../quiet.ts'
import { medianOf, type Table } from '../table.ts'

const SIZE = 317
const SENDERS = 100
const BAR = 5
/**
 * Three processes share a core with what V8 compiles for them, of what the traffic uses: in its first seconds under load a
 * cluster carries half to two thirds of what it does then. So none is measured before it has been flooded for so long.
 */
const WARM_UP_SECONDS = 8

type Round = Readonly<Record<string, number>>

/** The whole of a contender, both nodes and Redis, has core 0; the load has core 1, as in the other cases. */
export const across: Case = {
  title: 'two nodes, every stanza crosses from one to the other',
  run: async (options, say) => {
    const found = new Map<string, Round[]>()
    const { only, profile } = options
    const starters = Object.entries({ ...clusterStarters, ...singleStarters })
    const chosen = starters.filter(([name]) => only.length === 0 || only.some((start) => name.startsWith(start)))
    // What an idle member of a cluster does (heartbeats, polls) is too little to matter to those beside it.
    const running = new Map<string, Contender>()
    try {
      for (const [name, start] of chosen) {
        const profiled = (node: string) => (profile === undefined ? [] : profiling(profile, `${name} ${node}`))
        try {
          running.set(name, await onCore(SERVER_CORE, () => start(profiled)))
          found.set(name, [])
        } catch (error) {
          say(`left out: ${error instanceof Error ? error.message : error}`)
        }
      }
      await takeTurns(running, found, options, say)
    } finally {
      for (const { stop } of running.values()) await stop()
      if (profile !== undefined) say(printProfiles(profile))
    }
    const table = tableOf(found)
    return { tables: [table], verdicts: verdictsOf(table) }
  },
}

async function takeTurns(
  running: ReadonlyMap<string, Contender>,
  found: ReadonlyMap<string, Round[]>,
  { rounds, seconds, patience, quick }: Options,
  say: (line: string) => void,
): Promise<void> {
  const task = { from: LOAD, to: ECHO, senders: SENDERS, size: SIZE }
  for (const contender of running.values()) await flood(contender, { ...task, seconds: quick ? 1 : WARM_UP_SECONDS })
  for (let round = 1; round <= rounds; round++) {
    for (const [name, contender] of running) {
      await quiet(patience)
      const figures = await flood(contender, { ...task, seconds })
      found.get(name)?.push(figures)
      say(`round ${round}: ${name} ${Math.round(figures.rate ?? 0)} stanzas/s, ${figures.missing} missing`)
    }
  }
}

function tableOf(found: ReadonlyMap<string, readonly Round[]>): Table {
  return {
    title: `Messages of ${SIZE} bytes, ${SENDERS} sender JIDs, one sender at one node, four receivers at the other`,
    measures: [
      ...floodMeasures,
      { key: 'process0', unit: "sender's node %" },
      { key: 'process1', unit: "receivers' node %" },
      { key: 'process2', unit: 'redis %' },
      { key: 'missing', unit: 'missing' },
    ],
    series: [...found].map(([subject, rounds]) => ({ subject, rounds })),
    ratios: { key: 'rate', to: found.has('ejabberd') ? ['ejabberd'] : [] },
    notes: [
      floodNote,
      'All processes of a contender share one core: server is their sum. missing: sent in the whole turn, and not received when nothing came any more.',
    ],
  }
}

function verdictsOf(table: Table): readonly Verdict[] {
  const subject = 'switchyard at_least_once'
  const by = (key: string) => quotient(medianOf(table, subject, key), medianOf(table, 'ejabberd', key))
  return [
    ...atLeast(`${subject}, every stanza crosses: stanzas/s, × ejabberd's cluster`, by('rate'), BAR),
    ...atLeast(`${subject}, every stanza crosses: stanzas per CPU second, × ejabberd's cluster`, by('perCpu'), BAR),
  ]
}
