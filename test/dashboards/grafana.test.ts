import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsTable } from '../../src/metrics.ts'
import { textOf } from '../docs/markdown.ts'
import { dashboard, rules } from './files.ts'

const { panels, templating } = dashboard
const shown = panels.filter(({ type }) => type !== 'row')
const expressions = shown.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

test('the dashboard is of a schema that Grafana 10 and newer read', () => {
  assert.ok(dashboard.schemaVersion >= 38 && dashboard.schemaVersion <= 41, `${dashboard.schemaVersion}`)
})

test('every panel has an id, a title and a query of its own, and asks the data source that the reader chooses', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  assert.equal(new Set(shown.map(({ title }) => title)).size, shown.length)
  for (const { title, datasource, targets = [] } of shown) {
    assert.ok(targets.length > 0, title)
    for (const { uid } of [datasource!, ...targets.map((target) => target.datasource)]) {
      assert.equal(uid, '$' + '{datasource}', title)
    }
  }
})

test('no panel lies on another, or beside the page', () => {
  for (const [index, { gridPos: a, title }] of panels.entries()) {
    assert.ok(a.x >= 0 && a.x + a.w <= 24, title)
    for (const { gridPos: b, title: other } of panels.slice(index + 1)) {
      const overlap = a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
      assert.ok(!overlap, `${title} and ${other}`)
    }
  }
})

test('every variable that a query names is there, and every variable is used', () => {
  const known = new Set(templating.list.map(({ name }) => name))
  const named = textOf('dashboards/switchyard.json').matchAll(/\$\{?(\w+)\}?/g)
  const used = new Set([...named].map(([, name]) => name!))
  used.delete('__rate_interval')
  used.delete('__all')
  assert.deepEqual([...used].sort(), [...known].sort())
})

test('every recorded series that a query names is in the rules', () => {
  const recorded = new Set(rules.flatMap(({ record }) => record ?? []))
  for (const expression of [...expressions, ...rules.map(({ expr }) => expr)]) {
    for (const [name] of expression.matchAll(/\bswitchyard:[\w:]+/g)) assert.ok(recorded.has(name), name)
  }
})

test('every metric of the table is in a panel', () => {
  const metrics = [...metricsTable().matchAll(/^\| `(switchyard_\w+)/gm)].map(([, name = '']) => name)
  const all = [...expressions, ...rules.map(({ expr }) => expr)].join('\n')
  for (const name of metrics) assert.match(all, new RegExp(`\\b${name}(?:_bucket)?\\b`), name)
})
