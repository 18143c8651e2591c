import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { textOf } from '../docs/markdown.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { thirdParty } = await import(join(root, 'scripts/third-party.mjs'))
const { findings } = await import(join(root, 'scripts/audit.mjs'))
const lock = textOf('package-lock.json')
const { dependencies, devDependencies } = JSON.parse(textOf('package.json'))

test('every dependency is pinned to one version, and locked to one content', () => {
  for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(String(range), /^\d+\.\d+\.\d+(-[\w.]+)?$/, name)
  }
  const packages: Readonly<Record<string, { integrity?: string }>> = JSON.parse(lock).packages
  for (const [path, { integrity }] of Object.entries(packages)) {
    if (path !== '') assert.match(integrity ?? '', /^sha512-/, path)
  }
})

test('THIRD-PARTY.md lists what is bundled, by the lock (node scripts/third-party.mjs writes it)', () => {
  assert.equal(textOf('THIRD-PARTY.md'), thirdParty(lock))
})

test('the licence that the lock names is that of the package itself, and its text is bundled with it', () => {
  const packages: Readonly<Record<string, { license: string; dev?: boolean }>> = JSON.parse(lock).packages
  for (const [path, { license, dev }] of Object.entries(packages)) {
    if (path === '' || dev === true) continue
    const own = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')).license
    assert.equal(own, license, path)
  }
})

test('a licence that nobody has looked at is refused', () => {
  const packages = { 'node_modules/a': { version: '1.0.0', license: 'SSPL-1.0' } }
  assert.throws(() => thirdParty(JSON.stringify({ packages })), /^Error: a@1\.0\.0: the licence SSPL-1\.0$/)
  assert.throws(
    () => thirdParty(JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } })),
    /is missing/,
  )
})

const advisory = { name: 'a', range: '<2', severity: 'high', title: 'It breaks', url: 'https://example.org/1' }
const report = { auditReportVersion: 2, vulnerabilities: { a: { via: [advisory] }, b: { via: ['a'] } } }

test('an advisory is a finding unless it is allowed, with a day until when', () => {
  const told = ['high: a <2: It breaks (https://example.org/1)']
  assert.deepEqual(findings(report, {}, '2026-01-01'), { advisories: told, spent: [] })
  const allowed = { [advisory.url]: { reason: 'it is not called', until: '2026-02-01' } }
  assert.deepEqual(findings(report, allowed, '2026-02-01'), { advisories: [], spent: [] })
  assert.deepEqual(findings(report, allowed, '2026-02-02'), { advisories: told, spent: [] })
  const { spent } = findings({ auditReportVersion: 2, vulnerabilities: {} }, allowed, '2026-01-01')
  assert.equal(spent.length, 1)
})

test('an answer that is no report of npm is an audit that was not done', () => {
  for (const answer of [undefined, {}, { error: { summary: 'no route' } }])
    assert.equal(findings(answer, {}, ''), undefined)
})

test('what is allowed has a reason, and an end', () => {
  for (const [url, { reason, until }] of Object.entries<{ reason: string; until: string }>(
    JSON.parse(textOf('scripts/audit-allowed.json')),
  )) {
    assert.match(url, /^https:/)
    assert.ok(reason.length > 10)
    assert.match(until, /^\d{4}-\d\d-\d\d$/)
  }
  assert.ok(existsSync(join(root, 'THIRD-PARTY.md')))
})
