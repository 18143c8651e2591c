import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { createLog, escapeForLog, logEvent, tapLog } from '../src/log.ts'
import { type LogCode, logCodes, logCodesTable } from '../src/log-codes.ts'

function capture(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' = 'info') {
  const lines: string[] = []
  const log = createLog({ level, node: 'yard-1' }, { write: (line: string) => void lines.push(line) })
  return { log, lines }
}

test('a line is JSON with the level by name, the time in ISO 8601 and the node', () => {
  const { log, lines } = capture()
  logEvent(log, 'ready', { port: 5347 })
  assert.equal(lines.length, 1)
  const { time, ...line } = JSON.parse(lines[0]!)
  assert.deepEqual(line, { level: 'info', node: 'yard-1', port: 5347, code: 'ready', msg: 'ready' })
  assert.equal(new Date(time).toISOString(), time)
})

test('secrets never reach the log, at whatever depth of the configuration', () => {
  const { log, lines } = capture()
  const before = { domains: { 'a.localhost': { secrets: ['hunter2'], instances: { blue: { secret: 'hunter2' } } } } }
  logEvent(log, 'config-reloaded', {
    config: before,
    secret: 'hunter2',
    admin: { token: 'hunter2' },
    password: 'hunter2',
    handshake: 'hunter2',
    request: { headers: { authorization: 'Bearer hunter2' } },
  })
  assert.doesNotMatch(lines[0]!, /hunter2/)
  assert.equal(JSON.parse(lines[0]!).config.domains['a.localhost'].instances.blue.secret, '[redacted]')
  assert.equal(before.domains['a.localhost'].instances.blue.secret, 'hunter2')
})

test('secrets of an error, in a list and behind toJSON are none that reach the log either', () => {
  const { log, lines } = capture()
  const err = Object.assign(new Error('refused'), { code: 'EAUTH', password: 'hunter2', options: { token: 'hunter2' } })
  const lazy = { toJSON: () => ({ secret: 'hunter2', since: 1 }) }
  logEvent(log, 'bug', { err, list: [{ secret: 'hunter2' }, { port: 1 }], lazy, at: new Date(0), none: null })
  assert.doesNotMatch(lines[0]!, /hunter2/)
  const line = JSON.parse(lines[0]!)
  assert.deepEqual([line.err.type, line.err.code, line.err.options], ['Error', 'EAUTH', { token: '[redacted]' }])
  assert.deepEqual([line.list[1], line.lazy.since, line.at], [{ port: 1 }, 1, '1970-01-01T00:00:00.000Z'])
})

test('what a child of the log is bound to hides its secrets, too', () => {
  const { log, lines } = capture()
  log.child({ part: 'admin', token: 'hunter2' }).info({ admin: { token: 'hunter2', port: 1 } })
  assert.doesNotMatch(lines[0]!, /hunter2/)
  assert.equal(JSON.parse(lines[0]!).admin.port, 1)
})

test('an event has the level of its code, and cannot be given another code', () => {
  const { log, lines } = capture('warn')
  logEvent(log, 'link-up')
  logEvent(log, 'link-down', { code: 'forged', reason: 'reset' })
  assert.equal(lines.length, 1)
  assert.equal(JSON.parse(lines[0]!).level, 'warn')
  assert.equal(JSON.parse(lines[0]!).code, 'link-down')
})

test('an error is logged with its message and where it came from', () => {
  const { log, lines } = capture()
  logEvent(log, 'bug', { err: new Error('no such bucket') })
  const { err } = JSON.parse(lines[0]!)
  assert.equal(err.message, 'no such bucket')
  assert.match(err.stack, /log\.test\.ts/)
})

test('text of a peer cannot forge a line, move the cursor or turn the direction', () => {
  assert.equal(escapeForLog('a\r\nb\u001b[2J\u0085'), 'a\\u{d}\\u{a}b\\u{1b}[2J\\u{85}')
  assert.equal(escapeForLog('\u202egro.elpmaxe\u2028'), '\\u{202e}gro.elpmaxe\\u{2028}')
  assert.equal(escapeForLog('\ud800x'), '\\u{d800}x')
  assert.equal(escapeForLog('жук@пример 🐞'), 'жук@пример 🐞')
})

test('text of a peer is cut after 200 characters, between two characters', () => {
  assert.equal(escapeForLog('x'.repeat(200)), 'x'.repeat(200))
  assert.equal(escapeForLog('x'.repeat(201)), `${'x'.repeat(200)}…`)
  assert.equal(escapeForLog(`${'x'.repeat(199)}🐞`), `${'x'.repeat(199)}…`)
  assert.equal(escapeForLog('\0'.repeat(1000)), `${'\\u{0}'.repeat(40)}…`)
})

test('every code is in kebab case and is in the table with its level', () => {
  for (const code of Object.keys(logCodes) as LogCode[]) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/)
    assert.ok(logCodesTable().includes(`| \`${code}\` | ${logCodes[code].level} |`))
  }
})

test('a tap is told of every event, also of those below the level, until it is taken off', () => {
  const { log, lines } = capture('error')
  const heard: unknown[] = []
  const off = tapLog(log, (code, fields) => heard.push([code, fields]))
  logEvent(log, 'ready', { ports: [1] })
  logEvent(log.child({ part: 'x' }), 'stopped')
  off()
  logEvent(log, 'stopped')
  assert.deepEqual(heard, [
    ['ready', { ports: [1] }],
    ['stopped', {}],
  ])
  assert.deepEqual(lines, [])
})

test('two taps of one log are both told, and one taken off leaves the other', () => {
  const { log } = capture('error')
  const heard: string[] = []
  const off = tapLog(log, () => heard.push('one'))
  tapLog(log, () => heard.push('two'))
  logEvent(log, 'ready')
  off()
  logEvent(log, 'ready')
  assert.deepEqual(heard, ['one', 'two', 'two'])
})

test('the last lines are written in order before the process ends, however late the first of them comes to be written', () => {
  // Four computations keep every thread that could write, for as long as a line needs to be overtaken.
  const script = `
    import { pbkdf2 } from 'node:crypto'
    import { createLog, logEvent, logWritten, standardOutput } from '${new URL('../src/log.ts', import.meta.url)}'
    const output = standardOutput()
    const log = createLog({ level: 'info', node: 'yard' }, output)
    for (let i = 0; i < 4; i++) pbkdf2('', '', 100_000, 64, 'sha512', () => {})
    logEvent(log, 'stopping', { instances: 0 })
    logEvent(log, 'stopped')
    const written = logWritten(output)
    logEvent(log, 'ready')
    await written
    process.exit(0)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  const codes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).code)
  assert.deepEqual(codes, ['stopping', 'stopped'])
})
