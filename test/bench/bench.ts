/** `npm run bench`: Switchyard beside its peers. See README.md in this folder. */
import { writeFileSync } from 'node:fs'
import type { Case, Outcome } from './case.ts'
import { across } from './cases/across.ts'
import { delay } from './cases/delay.ts'
import { growth } from './cases/growth.ts'
import { idle } from './cases/idle.ts'
import { latency } from './cases/latency.ts'
import { micro } from './cases/micro.ts'
import { prosody } from './cases/prosody.ts'
import { recovery } from './cases/recovery.ts'
import { manySenders, throughput } from './cases/throughput.ts'
import { assertTwoCores } from './cores.ts'
import { describeMachine, type Machine } from './machine.ts'
import { type CaseNumber, type Options, parseOptions, usage } from './options.ts'
import { spread } from './statistics.ts'
import { isDisturbed, render, type Table } from './table.ts'

const cases: Readonly<Record<CaseNumber, Case>> = {
  1: throughput,
  2: manySenders,
  3: latency,
  4: prosody,
  5: idle,
  6: growth,
  7: micro,
  8: across,
  9: delay,
  10: recovery,
}

async function main(options: Options, argv: readonly string[]): Promise<void> {
  assertTwoCores()
  const machine = describeMachine(argv)
  console.log(introduce(machine, options.markdown))
  // Progress is for whoever waits, not for what is kept.
  const say = (line: string) => console.error(`# ${line}`)
  const outcomes: Record<string, Outcome & { readonly title: string }> = {}
  const save = () => {
    if (options.json !== undefined) writeFileSync(options.json, json(machine, outcomes))
  }
  for (const number of options.cases) {
    const { title, run } = cases[number]
    console.log(options.markdown ? `\n## Case ${number}: ${title}\n` : `\n=== case ${number}: ${title}`)
    const outcome = await run(options, say)
    outcomes[number] = { title, ...outcome }
    for (const table of outcome.tables) console.log(`${render(table, options.markdown)}\n`)
    console.log(judge(outcome, options.markdown))
    save()
  }
}

function introduce(machine: Machine, markdown: boolean): string {
  const { versions, loadAverage, ...plain } = machine
  const entries = { ...plain, versions: pairs(versions), 'load average before': loadAverage.join(' ') }
  return Object.entries(entries)
    .map(([key, value]) => (markdown ? `- ${key}: ${value}` : `${key.padEnd(20)}${value}`))
    .join('\n')
}

function pairs(record: Readonly<Record<string, string>>): string {
  return Object.entries(record)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
}

function judge({ verdicts, tables }: Outcome, markdown: boolean): string {
  if (verdicts.length === 0) return ''
  const isDoubtful = tables.some((table) => table.series.some(({ subject }) => isDisturbed(table, subject)))
  const doubt = isDoubtful
    ? ['', 'The machine was busy with something else (~): repeat what is close, or a latency.']
    : []
  if (!markdown) {
    const lines = verdicts.map(({ claim, found, holds }) => `${holds ? 'holds ' : 'MISSED'} ${claim}: ${found}`)
    return [...lines, ...doubt].join('\n')
  }
  const rows = verdicts.map(({ claim, found, holds }) => `| ${claim} | ${found} | ${holds ? 'holds' : '**missed**'} |`)
  return ['| the bar | found | |', '|---|---:|---|', ...rows, ...doubt].join('\n')
}

/** Undefined when the arguments are none that we know; what is wrong with them has been said then. */
function understand(argv: readonly string[]): Options | undefined {
  try {
    return parseOptions(argv)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exitCode = 2
    return undefined
  }
}

/** With the median, minimum and maximum of each measure beside what each round showed. */
function json(machine: Machine, outcomes: Readonly<Record<string, Outcome & { readonly title: string }>>): string {
  const withSpreads = (table: Table) => ({
    ...table,
    series: table.series.map((series) => ({ ...series, ...spreads(table, series.rounds) })),
  })
  const cases = Object.fromEntries(
    Object.entries(outcomes).map(([number, outcome]) => [
      number,
      { ...outcome, tables: outcome.tables.map(withSpreads) },
    ]),
  )
  return `${JSON.stringify({ machine, cases }, null, 2)}\n`
}

function spreads(table: Table, rounds: readonly Readonly<Record<string, number>>[]): object {
  const entries = table.measures.map(({ key }) => {
    const values = rounds.map((round) => round[key]).filter((value) => value !== undefined)
    return [key, values.length === 0 ? undefined : spread(values)]
  })
  return { spreads: Object.fromEntries(entries) }
}

const argv = process.argv.slice(2)
const options = understand(argv)
if (options !== undefined) await main(options, argv)
// A peer that is left behind would keep us alive; it goes with us.
process.exit()
