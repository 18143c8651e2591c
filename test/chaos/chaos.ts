import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.ts'
import { runClusterCampaign } from './cluster/campaign.ts'
import { journalKillsFaults, journalKillsTable, runJournalKills } from './cluster/journal-kills.ts'
import type { Delivery } from './cluster/node.ts'
import { clusterFaultsOf, clusterTable } from './cluster/report.ts'
import { rollingFaults, rollingTable, runRolling } from './cluster/rolling.ts'
import { clusterServers } from './cluster/stage.ts'
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
 * npm run chaos -- --nodes 3 [--delivery at_least_once|journal] [--server prosody|ejabberd|both] and as the first
 *   the same with so many nodes about a Redis; nodes and Redis are killed and stopped, too.
 * npm run chaos -- --journal-kills 100 [--nodes 3] [--delivery journal] [--rate 1000]
 *   the very node that reads is killed, again and again; what it had proven to have read must come.
 * npm run chaos -- --rolling [--nodes 3] [--rate 5000]
 *   a rolling restart under load.
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
    nodes: { type: 'string' },
    delivery: { type: 'string', default: 'journal' },
    'journal-kills': { type: 'string' },
    rolling: { type: 'boolean', default: false },
  },
})

const seed = Number(values.seed)
const nodes = Number(values.nodes ?? 3)
process.exitCode = await chosen()

function chosen(): Promise<number> {
  if (values.compare) return comparison()
  if (values.drains) return drains()
  if (values['journal-kills']) return journalKills(Number(values['journal-kills']))
  if (values.rolling) return rolling()
  return values.nodes ? clusterCampaigns() : campaigns()
}

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

async function clusterCampaigns(): Promise<number> {
  const [seconds, rate, every] = [Number(values.seconds), Number(values.rate ?? 400), Number(values.every)]
  const delivery = deliveryOf(values.delivery)
  let code = 0
  for (const server of clusterServers.filter((name) => serversOf(values.server ?? 'both').includes(name))) {
    console.error(`chaos: ${seconds} s, ${nodes} nodes behind ${server}, delivery ${delivery}, seed ${seed}`)
    const result = await runClusterCampaign({ server, nodes, delivery, seconds, seed, rate, every })
    if (values.logs !== undefined) writeFileSync(`${values.logs}.${server}`, result.logs)
    code |= show({ ...result, logs: undefined }, clusterTable(result), clusterFaultsOf(result))
  }
  return code
}

async function journalKills(kills: number): Promise<number> {
  const delivery = deliveryOf(values.delivery)
  const result = await runJournalKills({ nodes, kills, rate: Number(values.rate ?? 1000), seed, delivery })
  if (values.logs !== undefined) writeFileSync(values.logs, result.logs)
  return show({ ...result, logs: undefined }, journalKillsTable(result), journalKillsFaults(result))
}

async function rolling(): Promise<number> {
  const result = await runRolling({ nodes, instances: 2 * nodes, rate: Number(values.rate ?? 5000) })
  if (values.logs !== undefined) writeFileSync(values.logs, result.logs)
  return show({ ...result, logs: undefined }, rollingTable(result), rollingFaults(result))
}

function deliveryOf(name: string): Delivery {
  const known = (['at_least_once', 'at_most_once', 'journal'] as const).find((one) => one === name)
  if (known === undefined) throw new Error(`--delivery is at_least_once, at_most_once or journal, not ${name}`)
  return known
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
