import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.ts'
import { candidates, comparisonTable, dieUnread } from './compare.ts'
import { drainsFaults, drainsTable, runDrains } from './drains.ts'
import { campaignTable, faultsOf } from './report.ts'
import { type ServerName, serverNames } from './stage.ts'

/**
 * npm run chaos -- [--seconds 60] [--seed N] [--server prosody|ejabberd|both|none] [--rate 400] [--every 1500] [--json]
 *   faults at random times under continuous traffic, and what became of every stanza. The seed is printed, and gives the
 *   same faults again. `--logs FILE` keeps the node's log in FILE.SERVER.
 * npm run chaos -- --compare
 *   a component dies with 3000 messages unread: behind Prosody, behind ejabberd, and behind Switchyard behind either.
 * npm run chaos -- --drains 200 [--rate 2000] [--server none]
 *   drains one after the other, under load.
 * Exit code 1 when anything that is promised was not kept.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    server: { type: 'string' },
    rate: { type: 'string' },
    every: { type: 'string', default: '1500' },
    json: { type: 'boolean', default: false },
    logs: { type: 'string' },
    compare: { type: 'boolean', default: false },
    drains: { type: 'string' },
  },
})

const seed = Number(values.seed)
process.exitCode = values.compare ? await comparison() : values.drains ? await drains() : await campaigns()

async function campaigns(): Promise<number> {
  const [seconds, rate, every] = [Number(values.seconds), Number(values.rate ?? 400), Number(values.every)]
  let code = 0
  for (const server of serversOf(values.server ?? 'both')) {
    console.error(`chaos: ${seconds} s behind ${server}, seed ${seed}`)
    const result = await runCampaign({ server, seconds, seed, rate, every })
    if (values.logs !== undefined) writeFileSync(`${values.logs}.${server}`, result.logs)
    code |= show({ ...result, logs: undefined }, campaignTable(result), faultsOf(result))
  }
  return code
}

async function drains(): Promise<number> {
  let code = 0
  for (const server of serversOf(values.server ?? 'none')) {
    const result = await runDrains({ server, drains: Number(values.drains), rate: Number(values.rate ?? 2000), seed })
    code |= show(result, drainsTable(result), drainsFaults(result))
  }
  return code
}

async function comparison(): Promise<number> {
  const results = []
  for (const candidate of candidates) results.push(await dieUnread(candidate))
  const wrong = results.filter(({ switchyard, lost }) => switchyard && lost > 0)
  return show(
    results,
    comparisonTable(results),
    wrong.map(({ server, lost }) => `Switchyard behind ${server} lost ${lost}`),
  )
}

/** Prints a result, and returns the exit code that it deserves. */
function show(result: object, table: string, wrong: readonly string[]): number {
  if (values.json) console.log(JSON.stringify({ ...result, wrong }))
  else console.log(`${table}\n${wrong.length === 0 ? 'ok' : `WRONG\n${wrong.join('\n')}`}\n`)
  return wrong.length === 0 ? 0 : 1
}

function serversOf(name: string): readonly ServerName[] {
  const chosen = name === 'both' ? (['prosody', 'ejabberd'] as const) : serverNames.filter((server) => server === name)
  if (chosen.length === 0) throw new Error(`--server is one of ${serverNames.join(', ')}, both`)
  return chosen
}
