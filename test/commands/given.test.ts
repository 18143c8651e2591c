import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments, wholeNumber } from '../../src/commands/given.ts'
import { SwitchyardError } from '../../src/errors.ts'

/** The first line of the usage error that the arguments meet. */
function refusal(...argv: readonly string[]): string {
  try {
    readArguments(argv)
  } catch (error) {
    assert(error instanceof SwitchyardError)
    assert.equal(error.code, 'usage')
    return error.message.split('\n')[0]!
  }
  return assert.fail('not refused')
}

test('options may stand before the command, with a short name, and with =', () => {
  for (const argv of [
    ['check', '--config', 'x.yaml'],
    ['-c', 'x.yaml', 'check'],
    ['check', '--config=x.yaml'],
    ['check', '-cx.yaml'],
  ]) {
    const options = new Map([['config', 'x.yaml']])
    assert.deepEqual(readArguments(argv), { kind: 'command', name: 'check', given: { args: [], options } })
  }
})

test('an unknown command or option is refused with the nearest one, a hidden command with none', () => {
  assert.equal(refusal('rnu'), 'there is no command "rnu"')
  assert.equal(refusal('simulat'), 'there is no command "simulat"; did you mean simulate?')
  assert.equal(refusal('demo-instanc'), 'there is no command "demo-instanc"')
  assert.equal(refusal('check', '--cofig', 'x'), 'there is no option "--cofig"; did you mean --config?')
  assert.equal(refusal('check', '-x'), 'there is no option "-x"')
})

test('an option of another command is refused', () => {
  assert.equal(refusal('check', '--json'), 'there is no option "--json"')
})

test('what is missing, given twice or too much is named', () => {
  assert.equal(refusal(), 'which command?')
  assert.equal(refusal('explain', 'a.example'), 'TO is missing')
  assert.equal(
    refusal('check', 'x.yaml'),
    '"x.yaml" is one argument too many; a configuration is given as --config FILE',
  )
  assert.equal(refusal('check', '--config'), '--config needs a value: --config FILE')
  assert.equal(refusal('explain', 'a', 'b', '--config', '--json'), '--config needs a value: --config FILE')
  assert.equal(refusal('check', '-c', 'a', '-c', 'b'), '--config is given twice')
  assert.equal(refusal('demo', '--keep=yes'), '--keep takes no value')
})

test('help is asked for in three ways', () => {
  assert.deepEqual(readArguments(['help', 'run']), { kind: 'help', name: 'run' })
  assert.deepEqual(readArguments(['run', '--help']), { kind: 'help', name: 'run' })
  assert.deepEqual(readArguments(['explain', '-h']), { kind: 'help', name: 'explain' })
  assert.deepEqual(readArguments(['help']), { kind: 'overview' })
  assert.deepEqual(readArguments(['-h']), { kind: 'overview' })
})

test('a number is refused unless it is whole and within its bounds', () => {
  const number = (text: string) => wholeNumber({ args: [], options: new Map([['seconds', text]]) }, 'seconds', 3, 60)
  assert.equal(number('3'), 3)
  assert.equal(number('60'), 60)
  for (const text of ['2', '61', '5.5', '-4', 'ten', '0x5', '1e1']) {
    assert.throws(() => number(text), /--seconds must be a whole number from 3 to 60, not /)
  }
})

test('help describes one command, and refuses more', () => {
  assert.throws(() => readArguments(['help', 'run', 'check']), /"check" is one argument too many/)
})
