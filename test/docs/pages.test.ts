import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { bounceReasons } from '../../src/counters.ts'
import { logCodes } from '../../src/log-codes.ts'
import { stanzaErrors } from '../../src/xmpp/stanza-error.ts'
import { alertNames } from '../dashboards/files.ts'
import { runCommand } from '../stub/gateway.ts'
import { blocksOf, firstCells, marked, sectionOf, textOf } from './markdown.ts'

const OURS = ['prosody', 'ejabberd', 'openfire', 'mongooseim', 'choosing-a-key']

for (const page of OURS) {
  test(`every configuration of Switchyard in docs/${page}.md is valid`, () => {
    const blocks = blocksOf(textOf(`docs/${page}.md`)).filter(({ mark }) => mark === 'switchyard')
    assert.ok(blocks.length > 0)
    for (const { text } of blocks) {
      const options = { file: `${page}.md`, env: {}, hostname: 'box', readFile: () => assert.fail('a file is read') }
      assert.deepEqual((loadConfig(text, options).problems ?? []).map(formatProblem), [])
    }
  })
}

for (const page of ['openfire', 'mongooseim']) {
  test(`switchyard check takes the configuration of docs/${page}.md, and page and server agree on port and secret`, async () => {
    const text = textOf(`docs/${page}.md`)
    const config = marked(text, 'switchyard')
    assert.match(await runCommand(config, 'check'), /echo\.example\.org/)
    const server = marked(text, page)
    const [, port = ''] = /service: 'xmpp:\/\/[^:]+:(\d+)'/.exec(config) ?? []
    assert.match(server, new RegExp(`port ?= ?${port}\\b`))
    const [, secret = ''] = /upstream: \{.*secret: ([\w-]+)\}/.exec(config) ?? []
    assert.match(server, new RegExp(`(?:[sS]ecret|password) ?= ?"?${secret}"?$`, 'm'))
  })
}

test('every log code says what it means and what to do, and is logged somewhere', () => {
  const source = readdirSync(new URL('../../src', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('log-codes.ts'))
    .map((name) => readFileSync(new URL(`../../src/${name}`, import.meta.url), 'utf8'))
    .join('\n')
  for (const [code, { means, todo }] of Object.entries(logCodes)) {
    assert.match(means, /\w.*\.$/, code)
    assert.match(todo, /\w.*\.$/, code)
    assert.match(source, new RegExp(`'${code}'`), `${code} is logged nowhere`)
  }
  assert.deepEqual(firstCells(textOf('docs/log-codes.md')).toSorted(), Object.keys(logCodes).sort())
})

test('docs/failures.md and docs/runbook.md name codes, alerts, reasons and conditions that exist', () => {
  for (const page of ['failures', 'runbook']) {
    const words = [...textOf(`docs/${page}.md`).matchAll(/`([\w/-]+)`/g)].map(([, word = '']) => word)
    for (const word of words) {
      if (word.startsWith('Switchyard')) assert.ok(alertNames.includes(word), `${page}: ${word}`)
      // A code is of two words; what else looks like one is a condition.
      else if (/^[a-z]+(?:-[a-z]+)+$/.test(word)) {
        assert.ok(word in logCodes || STREAM_CONDITIONS.has(word), `${page}: ${word}`)
      } else if (/^\w+\/[\w-]+$/.test(word)) {
        const [type, condition = ''] = word.split('/')
        assert.equal(Object.entries(stanzaErrors).find(([name]) => name === condition)?.[1], type, `${page}: ${word}`)
      }
    }
  }
})

test('the runbook explains every reason to bounce that its alert may show, or leads to the table', () => {
  const bounces = sectionOf(textOf('docs/runbook.md'), '## SwitchyardBounces')
  for (const [, word = ''] of bounces.matchAll(/`([a-z]+(?:_[a-z]+)*)`/g)) assert.ok(word in bounceReasons, word)
  assert.match(bounces, /\(\.\.\/dashboards\/README\.md#bounce-reasons\)/)
})

const STREAM_CONDITIONS = new Set(['connection-timeout', 'not-authorized', 'host-unknown', 'system-shutdown'])
