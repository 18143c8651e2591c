/**
 * Sends the catalogue to Switchyard and to the servers that are installed, as one component would, and writes what each has
 * answered into README.md: `node --import tsx test/hostile/compare.ts [NAME ...]`, the names being Switchyard, Prosody, ejabberd and jabberd2.
 * Without names it is all; a server that is not named keeps its column.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { answersOf } from './answering.ts'
import { catalogue } from './catalogue/catalogue.ts'
import { kinds } from './peers.ts'
import { readAnswers, writeAnswers } from './readme.ts'

const names = process.argv.slice(2)
const unknown = names.filter((name) => !kinds.some((kind) => kind.name === name))
if (unknown.length > 0) throw new Error(`compare: nobody is called ${unknown.join(', ')}`)

const file = new URL('README.md', import.meta.url)
const before = readFileSync(file, 'utf8')
const answers = new Map(readAnswers(before))
for (const kind of kinds.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const started = performance.now()
  answers.set(kind.name, await answersOf(kind, catalogue))
  console.log(`${kind.name}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
}
writeFileSync(file, writeAnswers(before, catalogue, answers))
