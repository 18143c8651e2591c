import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram, startProgram, startUnder, temporaryFile } from './commands/program.ts'

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
  assert.match(err, /\/nowhere\/yard\.yaml:1:1 \(file\): cannot be read: no such file \(ENOENT\)/)
})

test('a reader of standard output that has seen enough is no error', async (t) => {
  const path = temporaryFile(t, 'yard.yaml', 'listen: [{port: 1}]\ndomains: {a.example: {secret: s3cret}}\n')
  const { child, ended } = startProgram(t, 'check', '--config', path)
  child.stdout.destroy()
  const { code, err } = await ended
  assert.deepEqual({ code, err }, { code: 0, err: '' })
})

test('an error that nobody catches is logged as a bug, and the exit code is 70', async (t) => {
  const path = temporaryFile(t, 'yard.yaml', 'listen: [{port: 0}]\ndomains: {a.example: {secret: s3cret}}\n')
  const throws = "data:text/javascript,process.once('SIGUSR2', () => { throw new Error('boom') })"
  const { child, ended, line } = startUnder(t, ['--import', throws], ['run', '--config', path])
  await line((text) => text.includes('"msg":"ready"'))
  child.kill('SIGUSR2')
  const { code, out } = await ended
  assert.equal(code, 70)
  const { level, code: logged, err } = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')
  assert.deepEqual([level, logged, err.message], ['error', 'bug', 'boom'])
})

test('standard input comes through a pipe, as slowly as it likes', async (t) => {
  const path = temporaryFile(t, 'yard.yaml', 'listen: [{port: 0}]\ndomains: {a.example: {secret: s3cret}}\n')
  const { child, ended } = startProgram(t, 'simulate', '--config', path, '--to', path, '--json')
  child.stdin.write('juliet@capu')
  await new Promise((resolve) => child.stdin.write('let.test\nromeo@montague.test', resolve))
  child.stdin.end()
  const { code, out } = await ended
  const { result, move } = JSON.parse(out)
  assert.deepEqual([code, result.weight, move.weight], [0, 2, 2])
})
