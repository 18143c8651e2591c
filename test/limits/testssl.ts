import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Authority } from '../stub/authority.ts'
import { startNode } from './node.ts'

// node --import tsx test/limits/testssl.ts [--checks -p,-s,…]
//
// What testssl.sh (Debian's package testssl.sh) finds about a listener: all that it checks, or the sections that are named. Takes
// minutes. Ends with 1 where it finds anything above LOW, but for what is of the test's certificate.

interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

const { values } = parseArgs({ options: { checks: { type: 'string', default: '' } } })
const WITHIN_MILLISECONDS = 600_000
const HARMLESS = ['OK', 'INFO', 'LOW', 'DEBUG']
/** Of the certificate of an authority that has no CRL and no OCSP. */
const OF_THE_TEST = ['cert_revocation']

const ends: (() => void)[] = []
const authority = new Authority({ after: (end) => void ends.push(end as () => void) })
const { cert, key } = authority.issue('server', ['localhost'])
const config = `
node: yard
listen: [{port: 0, tls: {cert: ${cert}, key: ${key}}}]
domains: {a.test: {secret: swordfish}}
limits: {unauthenticated_per_address: 1000}
admin: {port: 0}
log: {level: info}
`
const folder = mkdtempSync(join(tmpdir(), 'switchyard-testssl-'))
ends.push(() => rmSync(folder, { recursive: true }))
const node = await startNode(config)
try {
  const version = execFileSync('testssl', ['--version', '--color', '0'], { encoding: 'utf8' })
  const found = join(folder, 'found.json')
  const options = ['--warnings', 'batch', '--color', '0', '--quiet', '--jsonfile', found, '--add-ca', authority.ca]
  const checks = values.checks === '' ? [] : values.checks.split(',')
  const target = `localhost:${node.port}`
  spawnSync('testssl', [...options, ...checks, '--ip', '127.0.0.1', target], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: WITHIN_MILLISECONDS,
  })
  const findings: readonly Finding[] = JSON.parse(readFileSync(found, 'utf8'))
  const isOurs = ({ id, severity }: Finding): boolean =>
    !HARMLESS.includes(severity) && !OF_THE_TEST.some((name) => id.startsWith(name))
  const counts = new Map<string, number>()
  for (const { severity } of findings) counts.set(severity, (counts.get(severity) ?? 0) + 1)
  console.log(/testssl\S* +\S+/.exec(version)?.[0] ?? 'testssl', Object.fromEntries(counts))
  for (const { id, severity, finding } of findings) {
    if (severity !== 'OK' && severity !== 'INFO') console.log(`${severity} ${id}: ${finding}`)
  }
  process.exitCode = findings.some(isOurs) ? 1 : 0
} finally {
  await node.stop()
  for (const end of ends) end()
}
