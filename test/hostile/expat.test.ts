import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Case, goesOn } from './case.ts'
import { catalogue } from './catalogue/catalogue.ts'
import { documentOf, refusals } from './expat.ts'
import { beginningOf, part, readAnswers } from './readme.ts'

const verdicts = refusals(catalogue.map(documentOf))
const both = catalogue.map((one, index) => [one, verdicts[index] ?? null] as const)
const xmlErrors: readonly Case['answer'][] = ['not-well-formed', 'restricted-xml', 'unsupported-encoding', 'bad-format']

test('expat says of every case what the catalogue says that it does', () => {
  const wrong = both.filter(([{ expat }, why]) => (why === null ? 'takes' : 'refuses') !== expat)
  assert.deepEqual(
    wrong.map(([{ at, name }, why]) => `${at[0]}: ${name}: ${why ?? 'takes it'}`),
    [],
  )
})

test('what expat refuses we refuse, as an error of XML', () => {
  for (const [one, why] of both) {
    if (why !== null) assert.ok(xmlErrors.includes(one.answer), `${one.name}: expat: ${why}, we: ${one.answer}`)
    if (goesOn(one)) assert.equal(why, null, one.name)
  }
})

test('the catalogue has more than 200 cases, each with a name of its own at its place', () => {
  assert.ok(catalogue.length > 200)
  const keys = catalogue.flatMap(({ at, name }) => at.map((place) => `${place}: ${name}`))
  assert.deepEqual(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    [],
  )
})

test('README.md has a row for each case and no other, and Switchyard has answered each as expected', () => {
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')
  const table = part(readme, 'answers').split('\n')
  const rows = catalogue.flatMap((one) => one.at.map((place) => beginningOf(place, one)))
  const missing = rows.filter((row) => !table.some((line) => line.startsWith(`${row} |`)))
  assert.deepEqual(missing, [], 'run node --import tsx test/hostile/compare.ts Switchyard')
  assert.equal(table.filter((line) => /^\| (link-)?(header|handshake|instance|link) /.test(line)).length, rows.length)
  const ours = readAnswers(readme).get('Switchyard')
  for (const one of catalogue) {
    for (const place of one.at) {
      if (!place.startsWith('link')) assert.equal(ours?.get(`${place}: ${one.name}`), one.answer, one.name)
    }
  }
})
