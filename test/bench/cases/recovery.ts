import { atMost, type Case } from '../case.ts'
import { onAnyCore } from '../cores.ts'
import type { Options } from '../options.ts'
import { quiet } from '../quiet.ts'
import { faults } from '../recovery/faults.ts'
import { setStage } from '../recovery/stage.ts'
import { spread } from '../statistics.ts'
import type { Table } from '../table.ts'

/** Three nodes, Redis and Prosody anew for each fault. Everything may use both cores. */
export const recovery: Case = {
  title: 'how long after a fault the work is done by somebody else',
  run: async (options, say) => {
    onAnyCore()
    const found = new Map<string, number[]>()
    const wanted = faults.filter(({ name }) => isWanted(name, options))
    for (let round = 1; round <= options.rounds; round++) {
      for (const { name, measures, run } of wanted) {
        await quiet(options.patience)
        const stage = await setStage()
        try {
          const times = await run(stage)
          measures.forEach(({ subject }, index) => {
            found.set(subject, [...(found.get(subject) ?? []), times[index] ?? Number.NaN])
          })
          say(`round ${round}: ${name} ${times.map((time) => `${Math.round(time)} ms`).join(', ')}`)
        } catch (error) {
          say(`round ${round}: ${name} FAILED: ${error instanceof Error ? error.message : error}`)
          for (const { subject } of measures)
            found.set(subject, [...(found.get(subject) ?? []), Number.POSITIVE_INFINITY])
        } finally {
          await stage.stop()
        }
      }
    }
    const worst = (subject: string) => spread(found.get(subject) ?? [Number.NaN]).max
    const verdicts = wanted.flatMap(({ measures }) =>
      measures.flatMap(({ subject, barMs }) => atMost(`${subject}, worst`, worst(subject), barMs, ' ms')),
    )
    return { tables: [tableOf(found)], verdicts }
  },
}

/** `--only` names faults here. */
function isWanted(name: string, { only }: Options): boolean {
  return only.length === 0 || only.some((start) => name.startsWith(start))
}

function tableOf(found: ReadonlyMap<string, readonly number[]>): Table {
  return {
    title: 'Milliseconds from the fault until it is made good',
    measures: [{ key: 'time', unit: 'ms', spread: true }],
    series: [...found].map(([subject, times]) => ({ subject, rounds: times.map((time) => ({ time })) })),
    notes: [
      'A message of the affected key is sent every 2 ms at node a; holders, link and XMPP link are at node b, a spare at node c. Max is the worst round.',
    ],
  }
}
