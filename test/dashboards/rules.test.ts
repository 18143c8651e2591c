import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { anchorOf, blocksOf, marked, sectionOf, textOf } from '../docs/markdown.ts'
import { makeFolder } from '../peers/folder.ts'
import { assertInstalled } from '../peers/process.ts'
import { alertNames, rules } from './files.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const PROMTOOL = '/usr/bin/promtool'

/** Rejects with what it says, unless it finds nothing wrong. */
function promtool(...args: readonly string[]): string {
  assertInstalled({ name: 'promtool', debianPackage: 'prometheus', needs: [PROMTOOL] })
  return execFileSync(PROMTOOL, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

test('promtool finds nothing wrong with the rules', () => {
  assert.match(promtool('check', 'rules', '--lint=all', '--lint-fatal', 'dashboards/rules.yml'), /SUCCESS/)
})

test('promtool sees each alert on series of its fault, and on no others', () => {
  assert.match(promtool('test', 'rules', 'test/dashboards/rules.test.yml'), /SUCCESS/)
  const { tests } = parse(textOf('test/dashboards/rules.test.yml'))
  const tested = new Map<string, { fires: boolean; rests: boolean }>()
  for (const { alert_rule_test } of tests) {
    for (const { alertname, exp_alerts } of alert_rule_test) {
      const seen = tested.get(alertname) ?? { fires: false, rests: false }
      tested.set(alertname, exp_alerts === undefined ? { ...seen, rests: true } : { ...seen, fires: true })
    }
  }
  assert.deepEqual([...tested.keys()].sort(), alertNames)
  for (const [name, seen] of tested) assert.deepEqual(seen, { fires: true, rests: true }, name)
})

test('promtool takes the scrape configurations of the README and of the page on Kubernetes', () => {
  const [scrape] = blocksOf(sectionOf(textOf('dashboards/README.md'), '## Scraping'))
  assert.ok(scrape)
  for (const text of [scrape.text, marked(textOf('docs/kubernetes.md'), 'prometheus')]) {
    const folder = makeFolder('switchyard-promtool', 'root', () => ({ 'prometheus.yml': text }))
    try {
      assert.match(promtool('check', 'config', `${folder.path}/prometheus.yml`), /SUCCESS/)
    } finally {
      folder.remove()
    }
  }
})

test('every alert says what it is, and leads to a section of the runbook that is its own', () => {
  const sections = [...textOf('docs/runbook.md').matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading)
  for (const { alert, annotations } of rules) {
    if (alert === undefined) continue
    assert.match(annotations?.summary ?? '', /\S/, alert)
    assert.match(annotations?.description ?? '', /\S/, alert)
    assert.equal(annotations?.runbook, `docs/runbook.md#${anchorOf(alert)}`)
  }
  assert.deepEqual(sections.toSorted(), alertNames)
})
