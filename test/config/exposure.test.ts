import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { exposureOf, inlineSecret } from '../../config/exposure.ts'
import { fileAccess } from '../../config/file-access.ts'
import { formatPath, formatProblem } from '../../config/problems.ts'
import { filesOf, listening, load, problemsOf } from './loading.ts'

const readable = { mode: 0o100644, isReachable: true }
const writable = { mode: 0o100622, isReachable: true }
const files = filesOf({ 'etc/echo': 'plaice', 'etc/k.pem': 'KEY', 'etc/c.pem': 'CERT' })
const inFile = 'listen: [{port: 1}]\ndomains: {a.example: {secret_file: echo}}\n'

/** The warnings of a text, as `check` prints them. */
function warningsOf(text: string, access: (path: string) => { mode: number; isReachable: boolean }): readonly string[] {
  const { problems, warnings } = load(text, { readFile: files, access })
  assert.deepEqual(problems, undefined)
  return (warnings ?? []).map(formatProblem)
}

test('what others may do with a file: nothing behind a closed folder, and the group is no other', () => {
  const what = (mode: number, isReachable = true) => exposureOf('f', { mode, isReachable })?.what
  assert.deepEqual(
    [0o400, 0o440, 0o600, 0o660, 0o711].map((mode) => what(mode)),
    Array(5).fill(undefined),
  )
  assert.deepEqual(
    [0o444, 0o644, 0o604].map((mode) => what(mode)),
    Array(3).fill('read'),
  )
  assert.deepEqual(
    [0o666, 0o622, 0o777].map((mode) => what(mode)),
    Array(3).fill('write'),
  )
  assert.equal(what(0o777, false), undefined)
  assert.equal(exposureOf('f', readable)?.told, 'which every user of this machine can read (mode 0644): chmod o-rwx f')
})

test('a secret file that all can read is a warning with its place, its mode and what to do', () => {
  const access = (path: string) => (path === 'etc/echo' ? readable : { mode: 0o600, isReachable: true })
  assert.deepEqual(warningsOf(inFile, access), [
    'etc/yard.yaml:2:36 domains."a.example".secret_file: names a file which every user of this machine can read (mode 0644): chmod o-rwx etc/echo',
  ])
})

test('a secret file that all can write is refused, as is a token file and the key of a listener', () => {
  assert.deepEqual(problemsOf(inFile, { readFile: files, access: () => writable }), [
    '2:36 domains."a.example".secret_file: names a file which every user of this machine can write (mode 0622): chmod o-rwx etc/echo',
  ])
  const admin = `listen: [{port: 1}]\ndomains: {a.example: {secret: '\${S}'}}\nadmin: {token_file: echo}\n`
  const [refused = ''] = problemsOf(admin, { env: { S: 'x' }, readFile: files, access: () => writable })
  assert.match(refused, /^3:21 admin\.token_file: names a file which every user/)
  const tls = `listen: [{port: 1, tls: {cert: c.pem, key: k.pem}}]\ndomains: {a.example: {secret: '\${S}'}}\n`
  const problems = problemsOf(tls, { env: { S: 'x' }, readFile: files, access: () => writable })
  assert.ok(problems.some((line) => line.includes('listen[0].tls.key: names a file which every user')))
  assert.ok(
    !problems.some((line) => line.includes('every user') && line.includes('cert')),
    'a certificate is no secret',
  )
})

test('the configuration itself counts where a secret stands in it, and not where the environment has it', () => {
  const exposed = 'stands in a file which every user of this machine can read (mode 0644): chmod o-rwx etc/yard.yaml'
  assert.deepEqual(
    warningsOf(listening, () => readable),
    [`etc/yard.yaml:2:31 domains."a.example".secret: ${exposed}`],
  )
  assert.match(
    problemsOf(listening, { access: () => writable }).join(),
    /2:31 .*: stands in a file which every user .* write/,
  )
  const { warnings } = load(listening.replace('s3cret', `'\${SECRET}'`), {
    env: { SECRET: 'x' },
    access: () => readable,
  })
  assert.deepEqual(warnings, [])
})

test('where a secret stands in a file, by its key; the address of a Redis is one with a password only', () => {
  const at = (value: unknown) => {
    const path = inlineSecret(value, () => false)
    return path === undefined ? undefined : formatPath(path)
  }
  assert.equal(at({ domains: { a: { secrets: ['x'] } } }), 'domains.a.secrets[0]')
  assert.equal(at({ admin: { token: 'x' } }), 'admin.token')
  assert.equal(at({ cluster: { redis: 'redis://:hunter2@cache' } }), 'cluster.redis')
  assert.equal(at({ cluster: { redis: ['redis://a', 'redis://u:p@b'] } }), 'cluster.redis[1]')
  assert.equal(
    at({ cluster: { redis: 'redis://cache' }, domains: { a: { secret_file: 'x' } }, node: 'secret' }),
    undefined,
  )
})

test('a file that cannot be looked at has nothing said of it', () => {
  assert.deepEqual(
    warningsOf(listening, () => assert.fail('ENOENT')),
    [],
  )
})

test('who gets to a file is asked of the file that a link leads to, and of every folder above it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-access-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'inner'))
  const [file, link] = [join(folder, 'inner/secret'), join(folder, 'link')]
  writeFileSync(file, 'x')
  symlinkSync(file, link)
  chmodSync(file, 0o640)
  chmodSync(folder, 0o755)
  chmodSync(join(folder, 'inner'), 0o755)
  const { mode, isReachable } = fileAccess(link)
  assert.equal(mode & 0o777, 0o640)
  assert.equal(isReachable, true, `every folder above ${tmpdir()} is open to all`)
  for (const closed of [folder, join(folder, 'inner')]) {
    chmodSync(closed, 0o750)
    assert.equal(fileAccess(link).isReachable, false)
    chmodSync(closed, 0o755)
  }
  assert.throws(() => fileAccess(join(folder, 'nothing')))
})
