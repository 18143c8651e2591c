import { atLeast, type Case, type Outcome, quotient, type Verdict } from '../case.ts'
import { type Contender, ECHO, LOAD, starters } from '../contenders/contenders.ts'
import { onCore, SERVER_CORE } from '../cores.ts'
import { flood, floodMeasures, floodNote } from '../flooding.ts'
import type { Options } from '../options.ts'
import { printProfiles, profiling } from '../profile.ts'
import { quiet } from '../quiet.ts'
import { medianOf, type Series, type Table } from '../table.ts'

const SIZES = [317, 2117]
/** Enough for each of four receivers to get its share. */
const FEW_SENDERS = 100
const MANY_SENDERS = 10_000

export const throughput: Case = {
  title: 'one sender, four receivers',
  run: (options, say) => compare(options, say, FEW_SENDERS, Object.keys(starters)),
}

export const manySenders: Case = {
  title: `one sender with ${MANY_SENDERS} JIDs, four receivers`,
  run: (options, say) =>
    compare(
      options,
      say,
      MANY_SENDERS,
      Object.keys(starters).filter((name) => /^(switchyard|ejabberd|jabberd2)/.test(name)),
    ),
}

async function compare(
  options: Options,
  say: (line: string) => void,
  senders: number,
  names: readonly string[],
): Promise<Outcome> {
  const chosen = names.filter((name) => options.only.length === 0 || options.only.some((only) => name.startsWith(only)))
  const running = await startAll(chosen, options, say)
  try {
    const tables: Table[] = []
    for (const size of options.profile === undefined ? SIZES : SIZES.slice(0, 1)) {
      tables.push(await sizeTable(running, size, senders, options, say))
    }
    return { tables, verdicts: senders === FEW_SENDERS ? verdictsOf(tables) : [] }
  } finally {
    for (const { stop } of running.values()) await stop()
    if (options.profile !== undefined) say(printProfiles(options.profile))
  }
}

/** A contender that cannot be started is said to be missing, with the package to install; the others run. */
async function startAll(
  names: readonly string[],
  { profile }: Options,
  say: (line: string) => void,
): Promise<ReadonlyMap<string, Contender>> {
  const running = new Map<string, Contender>()
  for (const name of names) {
    try {
      const nodeArgs = profile === undefined ? [] : profiling(profile, name)
      const start = starters[name]
      if (start !== undefined) running.set(name, await onCore(SERVER_CORE, () => start(nodeArgs)))
    } catch (error) {
      say(`left out: ${error instanceof Error ? error.message : error}`)
    }
  }
  return running
}

async function sizeTable(
  running: ReadonlyMap<string, Contender>,
  size: number,
  senders: number,
  { rounds, seconds, patience }: Options,
  say: (line: string) => void,
): Promise<Table> {
  const found = new Map([...running.keys()].map((name) => [name, [] as Readonly<Record<string, number>>[]]))
  for (let round = 1; round <= rounds; round++) {
    for (const [name, contender] of running) {
      await quiet(patience)
      const figures = await flood(contender, { from: LOAD, to: ECHO, senders, size, seconds })
      found.get(name)?.push(figures)
      say(`${size} bytes, round ${round}: ${name} ${Math.round(figures.rate ?? 0)} stanzas/s`)
    }
  }
  const series: Series[] = [...found].map(([subject, rounds]) => ({ subject, rounds }))
  const peers = ['ejabberd', 'jabberd2', 'relay'].filter((name) => running.has(name))
  return {
    title: `Messages of ${size} bytes, ${senders} sender JIDs, one sender, four receivers`,
    measures: floodMeasures,
    series,
    ratios: { key: 'rate', to: peers },
    notes: [floodNote],
  }
}

function verdictsOf(tables: readonly Table[]): readonly Verdict[] {
  return tables.flatMap((table, index) => {
    const isLarge = index === 1
    const bar = (delivery: string, peer: string, least: number) => {
      const by = (key: string) => quotient(medianOf(table, `switchyard ${delivery}`, key), medianOf(table, peer, key))
      const claim = `${delivery}, ${SIZES[index]} bytes: stanzas/s per core, × ${peer}`
      return [
        ...atLeast(claim, by('rate'), least),
        ...atLeast(claim.replace('stanzas/s per core', 'stanzas per CPU second'), by('perCpu'), least),
      ]
    }
    return [
      ...bar('at_most_once', 'ejabberd', 10),
      ...bar('at_most_once', 'jabberd2', 10),
      ...bar('at_least_once', 'ejabberd', isLarge ? 10 : 7),
      ...bar('at_least_once', 'jabberd2', isLarge ? 10 : 7),
      ...(isLarge ? [] : bar('at_most_once', 'relay', 1 / 6)),
    ]
  })
}
