// npm run audit [-- --required]: asks npm's registry for known vulnerabilities of what is bundled, and of what builds and tests it.
// Exit code 1 for one that scripts/audit-allowed.json does not name, with a reason and a day until when it holds. Where the registry
// cannot be asked the audit is not done, which is said; it fails for it only with --required.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { root } from './steps.mjs'

/**
 * What `npm audit --json` found: `advisories` that are not allowed today and `spent` entries of the list, each a line; undefined
 * when npm could not ask. `allowed`: by the address of the advisory, `{reason, until}`; `today`: YYYY-MM-DD.
 */
export function findings(report, allowed, today) {
  if (report?.auditReportVersion !== 2) return undefined
  const found = new Map()
  for (const { via } of Object.values(report.vulnerabilities)) {
    // Text names another package of the report, which has the advisory itself.
    for (const advisory of via.filter((cause) => typeof cause === 'object')) found.set(advisory.url, advisory)
  }
  const isAllowed = (url) => Object.hasOwn(allowed, url) && today <= allowed[url].until
  const advisories = [...found.values()]
    .filter(({ url }) => !isAllowed(url))
    .map(({ name, range, severity, title, url }) => `${severity}: ${name} ${range}: ${title} (${url})`)
  const spent = Object.keys(allowed).filter((url) => !found.has(url))
  return { advisories, spent: spent.map((url) => `${url} is allowed, and found no more`) }
}

function main(isRequired) {
  process.chdir(root)
  const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const allowed = JSON.parse(readFileSync('scripts/audit-allowed.json', 'utf8'))
  const result = findings(parsed(stdout), allowed, new Date().toISOString().slice(0, 10))
  if (result === undefined) {
    console.error('audit: not done: the registry could not be asked')
    return isRequired ? 1 : 0
  }
  for (const line of [...result.advisories, ...result.spent]) console.log(line)
  if (result.advisories.length === 0) console.log('audit: nothing known that is not allowed')
  return result.advisories.length === 0 ? 0 : 1
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = main(process.argv.slice(2).includes('--required'))
}
