import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { logCodes } from '../../src/log-codes.ts'
import { textOf } from './markdown.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = textOf('SECURITY.md')
const linked = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, path = '']) => path.replace(/#.*/, ''))

/** The cells of the rows of claims. */
const claims = [...text.matchAll(/^\| (?!claim|---)(.+?) \| (.+) \|$/gm)].map(([, claim = '', tests = '']) => ({
  claim,
  tests,
}))

test('every file that SECURITY.md names is there, and what it calls a test has tests in it', () => {
  assert.ok(linked.length > 20)
  for (const path of linked) assert.ok(existsSync(join(root, path)), path)
  for (const path of linked.filter((one) => one.startsWith('test/') && !one.endsWith('.md'))) {
    assert.match(path, /\.test\.ts$/)
    assert.match(readFileSync(join(root, path), 'utf8'), /\btest\(/, path)
  }
})

test('every claim names the tests that hold it, and every attacker has claims', () => {
  assert.ok(claims.length >= 20)
  for (const { claim, tests } of claims) assert.match(tests, /\]\(test\/[\w./-]+\.test\.ts\)/, claim)
  const attackers = text.split(/^### /m).slice(1)
  assert.deepEqual(
    attackers.map((section) => section.slice(0, section.indexOf('\n'))),
    [
      'A user behind the server',
      'A compromised instance',
      'A compromised server',
      'A neighbour in the network',
      'Who holds the admin token',
      'Who has Redis',
    ],
  )
  for (const section of attackers.slice(0, 5)) assert.match(section, /\| claim \| tested by \|/)
})

test('the log codes that it names exist', () => {
  for (const code of ['admin-action', 'secret-exposed']) {
    assert.ok(text.includes(`\`${code}\``) && Object.hasOwn(logCodes, code), code)
  }
})
