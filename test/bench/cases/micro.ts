import { fileURLToPath } from 'node:url'
import type { Case } from '../case.ts'
import { SERVER_CORE } from '../cores.ts'
import type { Series, Table } from '../table.ts'
import { runScript } from '../worker.ts'

type Row = readonly [subject: string, values: Readonly<Record<string, number>>]

/** The scripts that measure one thing in a loop, each run on its own and alone on its core. */
const scripts: readonly {
  readonly file: string
  readonly title: string
  readonly row: (line: string) => Row | undefined
}[] = [
  { file: 'framer.ts', title: 'Framer, beside ltx, saxes and expat (in C)', row: framerRow },
  {
    file: 'parts.ts',
    title: 'Head, JID, hash, pick and outbox, each with its alternative indented below it',
    row: operationRow,
  },
  { file: 'balancing.ts', title: 'Balancing', row: operationRow },
]

export const micro: Case = {
  title: 'micro',
  run: async ({ rounds }, say) => {
    const tables: Table[] = []
    for (const { file, title, row } of scripts) {
      const found = new Map<string, Readonly<Record<string, number>>[]>()
      // Each is the best of several rounds already.
      for (let round = 1; round <= Math.min(rounds, 3); round++) {
        const output = await runScript(fileURLToPath(new URL(`../${file}`, import.meta.url)), [], SERVER_CORE)
        for (const line of output.split('\n')) {
          const [subject, values] = row(line) ?? []
          if (subject !== undefined && values !== undefined) found.set(subject, [...(found.get(subject) ?? []), values])
        }
        say(`${file}, round ${round}`)
      }
      tables.push(
        tableOf(
          title,
          [...found].map(([subject, rounds]) => ({ subject, rounds })),
        ),
      )
    }
    return { tables, verdicts: [] }
  },
}

/** `framer  chat, 300 bytes   441 ns/stanza  681 MB/s` */
function framerRow(line: string): Row | undefined {
  const [, subject, nanoseconds, megabytes] = /^(.+?)\s+(\d+) ns\/stanza\s+(\d+) MB\/s/.exec(line) ?? []
  if (subject === undefined) return undefined
  return [subject, { nanoseconds: Number(nanoseconds), megabytes: Number(megabytes) }]
}

/** `murmur3, 40 bytes     35.0 ns/op` */
function operationRow(line: string): Row | undefined {
  const [, subject, nanoseconds] = /^(.+?)\s+([\d.]+) ns\/op/.exec(line) ?? []
  return subject === undefined ? undefined : [subject, { nanoseconds: Number(nanoseconds) }]
}

function tableOf(title: string, series: readonly Series[]): Table {
  const hasSpeed = series.some(({ rounds }) => rounds.some(({ megabytes }) => megabytes !== undefined))
  return {
    title,
    measures: [
      { key: 'nanoseconds', unit: 'ns', digits: 1, spread: true },
      ...(hasSpeed ? [{ key: 'megabytes', unit: 'MB/s' }] : []),
    ],
    series,
  }
}
