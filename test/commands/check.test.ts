import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from '../../src/commands/check.ts'

/** Runs the command on a file's text; undefined: there is no file. */
function run(text: string | undefined, mode = 0o600) {
  const out: string[] = []
  const err: string[] = []
  const code = check('etc/yard.yaml', {
    env: {},
    hostname: 'box',
    readFile: () => text ?? assert.fail('no such file'),
    access: () => ({ mode, isReachable: true }),
    stdout: (part) => out.push(part),
    stderr: (part) => err.push(part),
  })
  return { code, out: out.join(''), err: err.join('') }
}

test('a valid file is summed up on standard output, and the exit code is 0', () => {
  assert.deepEqual(run('listen: [{port: 1}]\ndomains: {a.example: {secret: s3cret}}\n'), {
    code: 0,
    out: 'node\n  box  switchyard.localhost  log info\nlisten\n  127.0.0.1:1  tcp  every domain\ndomains\n  a.example  1 secret  random, local first  hold 10 s, 16MiB  no upstream\n',
    err: '',
  })
})

test('every problem is a line with its place on standard error, and the exit code is 1', () => {
  assert.deepEqual(run('listen: [{port: -1}]\ndomains: {a.example: {secret: s3cret}}\nnod: x\n'), {
    code: 1,
    out: '',
    err: 'etc/yard.yaml:1:17 listen[0].port: must be an integer from 0 to 65535, not -1\netc/yard.yaml:3:1 nod: is not a known key; did you mean node?\n',
  })
})

test('a warning is a line on standard error, and the exit code is 0', () => {
  const { code, out, err } = run('listen: [{port: 1}]\ndomains: {a.example: {secret: s3cret}}\n', 0o644)
  assert.deepEqual([code, out.startsWith('node\n')], [0, true])
  assert.match(err, /^warning: etc\/yard\.yaml:2:31 .*: stands in a file which every user of this machine can read/)
  assert.equal(run('listen: [{port: 1}]\ndomains: {a.example: {secret: s3cret}}\n', 0o646).code, 1)
})

test('a file that cannot be read is a problem of it', () => {
  assert.deepEqual(run(undefined), {
    code: 1,
    out: '',
    err: 'etc/yard.yaml:1:1 (file): cannot be read: ERR_ASSERTION\n',
  })
})
