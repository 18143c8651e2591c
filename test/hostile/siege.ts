/**
 * One compromised instance, and then a hostile server, send the whole catalogue in a loop while honest instances work:
 * `node --import tsx test/hostile/siege.ts [--seconds 60] [--server Prosody|ejabberd]`. What came of it goes into README.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { lay, type SiegeReport } from './campaign.ts'
import { part, withPart } from './readme.ts'

const options = { seconds: { type: 'string', default: '60' }, server: { type: 'string', default: 'Prosody' } } as const
const { values } = parseArgs({ options })
const seconds = Number(values.seconds)
const server = values.server
if (server !== 'Prosody' && server !== 'ejabberd')
  throw new Error(`siege: --server is Prosody or ejabberd, not ${server}`)
if (!(seconds > 0)) throw new Error(`siege: --seconds is a number above 0, not ${values.seconds}`)

const heading =
  '| server | attacker | seconds | cases | wrong answers | stream errors, counted | link ups, losses | messages | lost | twice | out of order | bounced | p99, ms | memory, MB |'
const file = new URL('README.md', import.meta.url)
for (const attacker of ['instance', 'server'] as const) {
  const report = await lay({ server, attacker, seconds, rounds: 1 }, 'dist')
  console.log(report)
  const readme = readFileSync(file, 'utf8')
  const others = part(readme, 'siege')
    .split('\n')
    .slice(2)
    .filter((row) => !row.startsWith(`| ${server} | ${attacker} |`))
  const rows = [...others, rowOf(report)].toSorted()
  writeFileSync(file, withPart(readme, 'siege', [heading, `|${' --- |'.repeat(14)}`, ...rows].join('\n')))
}

function rowOf({ plan, seconds, played, wrong, users, up, down, counted, told, memory }: SiegeReport): string {
  const { sent, lost, twice, outOfOrder, bounced, p99 } = users
  const megabytes = memory.map((bytes) => (bytes / 1024 ** 2).toFixed(0)).join(' to ')
  const errors = `${told}, ${counted}`
  return `| ${[plan.server, plan.attacker, seconds.toFixed(0), played, wrong.length, errors, `${up}, ${down}`, sent, lost, twice, outOfOrder, bounced, p99.toFixed(0), megabytes].join(' | ')} |`
}
