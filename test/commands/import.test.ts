import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importFile } from '../../src/commands/import.ts'
import { filesOf } from '../config/loading.ts'

function run(files: Readonly<Record<string, string>>) {
  const said = { out: '', err: '' }
  const code = importFile('e/ejabberd.yml', {
    readFile: filesOf(files),
    stdout: (text) => {
      said.out += text
    },
    stderr: (text) => {
      said.err += text
    },
  })
  return { code, ...said }
}

const component = 'module: ejabberd_service, hosts: {a.test: {password: x}}'

test('the configuration is on standard output, what cannot be carried over on standard error, and the exit code is 0', () => {
  const { code, out, err } = run({ 'e/ejabberd.yml': `listen: [{port: 5347, ${component}}]\n` })
  assert.equal(code, 0)
  assert.match(out, /^listen:\n/m)
  assert.equal(err, '')
  const warned = run({ 'e/ejabberd.yml': `listen: [{port: 5347, check_from: false, ${component}}]\n` })
  assert.deepEqual([warned.code, warned.out.includes('a.test')], [0, true])
  assert.match(warned.err, /^e\/ejabberd\.yml:1:35 listen\[0\]\.check_from: .* \(warning\)\n$/)
})

test('what is included stands beside the file that includes it', () => {
  const included = { 'e/b.yml': `listen: [{port: 5347, ${component}}]\n` }
  assert.equal(run({ 'e/ejabberd.yml': 'include_config_file: b.yml\n', ...included }).code, 0)
})

test('with a problem nothing is on standard output, and the exit code is 1', () => {
  assert.deepEqual(run({ 'e/ejabberd.yml': `listen: [{port: 0, ${component}}]\n` }), {
    code: 1,
    out: '',
    err: 'e/ejabberd.yml:1:17 listen[0].port: must be an integer from 1 to 65535, not "0"\n',
  })
  assert.deepEqual(run({}), {
    code: 1,
    out: '',
    err: 'e/ejabberd.yml:1:1 (file): cannot be read: no such file (ENOENT)\n',
  })
  const twice = `listen: [{port: 5347, ${component}}, {port: 5347, ${component}}]\n`
  assert.match(
    run({ 'e/ejabberd.yml': twice }).err,
    /listen\[1\]\.port: is 5347 at 0\.0\.0\.0, which listen\[0\] listens on/,
  )
})
