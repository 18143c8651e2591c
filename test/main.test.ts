import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram, startProgram, temporaryFile } from './commands/program.ts'

test('help goes to standard output with exit code 0', async (t) => {
  const { code, out, err } = await runProgram(t, ['--help'])
  assert.deepEqual({ code, err }, { code: 0, err: '' })
  assert.match(out, /^usage: switchyard COMMAND \[options\]$/m)
})

test('the version is that of the package', async (t) => {
  assert.match((await runProgram(t, ['--version'])).out, /^\d+\.\d+\.\d+\n$/)
})

test('a usage error goes to standard error with exit code 2', async (t) => {
  const { code, out, err } = await runProgram(t, ['chek'])
  assert.deepEqual({ code, out }, { code: 2, out: '' })
  assert.match(err, /there is no command "chek"; did you mean check\?/)
})

test('a configuration that cannot be read is exit code 1, and nothing is started', async (t) => {
  const { code, out, err } = await runProgram(t, ['run', '--config', '/nowhere/yard.yaml'])
  assert.deepEqual({ code, out }, { code: 1, out: '' })
  assert.match(err, /\/nowhere\/yard\.yaml:1:1 \(file\): cannot be read: ENOENT/)
})

test('a reader of standard output that has seen enough is no error', async (t) => {
  const path = temporaryFile(t, 'yard.yaml', 'listen: [{port: 1}]\ndomains: {a.example: {secret: s3cret}}\n')
  const { child, ended } = startProgram(t, 'check', '--config', path)
  child.stdout.destroy()
  const { code, err } = await ended
  assert.deepEqual({ code, err }, { code: 0, err: '' })
})
