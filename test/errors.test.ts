import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asSwitchyardError, SwitchyardError } from '../src/errors.ts'

test('an error exits with the code of its kind: 1 bad config or input, 2 usage, 70 a bug', () => {
  assert.equal(new SwitchyardError('config-refused', 'two problems').exitCode, 1)
  assert.equal(new SwitchyardError('input-refused', 'line 3').exitCode, 1)
  assert.equal(new SwitchyardError('usage', 'no such command').exitCode, 2)
  assert.equal(new SwitchyardError('bug', 'no such bucket').exitCode, 70)
})

test('what was not foreseen is a bug and keeps its cause; what is ours stays as it is', () => {
  const thrown = new TypeError('x is undefined')
  const error = asSwitchyardError(thrown)
  assert.deepEqual([error.code, error.exitCode, error.message, error.cause], ['bug', 70, 'x is undefined', thrown])
  assert.equal(asSwitchyardError('a string').message, 'a string')
  assert.equal(asSwitchyardError(error), error)
})
