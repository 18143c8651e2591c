import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandHelp, overview, usageLine } from '../../src/commands/help.ts'
import { commandNames, specOf } from '../../src/commands/table.ts'

test('the overview names every command but the hidden ones, each with what it does', () => {
  for (const name of commandNames) {
    const { does, hidden } = specOf(name)
    assert.equal(overview().includes(does), hidden !== true, name)
  }
})

test('the help of a command explains each of its arguments and options', () => {
  for (const name of commandNames) {
    const help = commandHelp(name).replaceAll(/\s+/g, ' ')
    const spec = specOf(name)
    for (const { means } of [...spec.arguments, ...spec.options]) assert(help.includes(means), `${name}: ${means}`)
  }
})

test('no line is wider than a terminal of 80 columns', () => {
  const usage = new Set(commandNames.map(usageLine))
  for (const text of [overview(), ...commandNames.map(commandHelp)]) {
    for (const line of text.split('\n')) assert(line.length <= 80 || usage.has(line), line)
  }
})

test('a usage line has arguments before options', () => {
  assert.equal(usageLine('explain'), 'usage: switchyard explain FROM TO [--config FILE] [--local] [--json]')
})
