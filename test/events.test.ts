import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Event, Events, eventFields } from '../src/events.ts'
import { createLog, logEvent } from '../src/log.ts'
import { logCodes } from '../src/log-codes.ts'

function listening(level: 'info' | 'silent' = 'info') {
  const lines: string[] = []
  const log = createLog({ level, node: 'yard-1' }, { write: (line: string) => void lines.push(line) })
  const events = new Events(log, () => Date.UTC(2026, 0, 2, 3, 4, 5))
  const heard: Event[] = []
  const stop = events.listen((event) => heard.push(event))
  return { log, lines, events, heard, stop }
}

test('what is logged is told as an event, with the fields that are listed and no other', () => {
  const { log, heard } = listening()
  logEvent(log, 'instance-joined', {
    domain: 'a.example',
    instance: 'red',
    bucket: 0,
    secret: 'hunter2',
    state: 'active',
  })
  assert.deepEqual(heard, [
    {
      id: 1,
      name: 'instance_joined',
      time: '2026-01-02T03:04:05.000Z',
      fields: { domain: 'a.example', instance: 'red', bucket: 0 },
    },
  ])
})

test('events do not depend on the level of the log, and are of its children too', () => {
  const { log, lines, heard } = listening('silent')
  logEvent(log, 'node-joined', { name: 'yard-2', incarnation: 'x' })
  logEvent(log.child({ part: 'cluster' }), 'node-left', { name: 'yard-2', isDead: true })
  assert.deepEqual(
    heard.map(({ id, name, fields }) => [id, name, fields]),
    [
      [1, 'node_joined', { name: 'yard-2', incarnation: 'x' }],
      [2, 'node_left', { name: 'yard-2', isDead: true }],
    ],
  )
  assert.deepEqual(lines, [])
})

test('what is no event is not told, and numbers count events only', () => {
  const { log, heard } = listening()
  for (const code of ['listening', 'bug', 'admin-action', 'stopping'] as const) logEvent(log, code)
  assert.deepEqual(
    heard.map(({ id, name }) => [id, name]),
    [[1, 'stopping']],
  )
})

test('an event is small and one line, whatever was logged', () => {
  const { log, heard } = listening()
  logEvent(log, 'link-down', { domain: 'a.example', reason: `x\ny${'z'.repeat(1000)}` })
  const { reason } = heard[0]?.fields ?? {}
  assert.match(String(reason), /^x\\u\{a\}yz+…$/)
  assert.ok(String(reason).length <= 201)
})

test('who has stopped listening hears nothing more, nor anybody once it is closed', () => {
  const { log, events, heard, stop } = listening()
  const others: string[] = []
  events.listen(({ name }) => others.push(name))
  stop()
  logEvent(log, 'senior')
  events.close()
  logEvent(log, 'senior')
  assert.deepEqual([heard, others], [[], ['senior']])
})

test('no field that is told can hold what users wrote or authenticate with', () => {
  const forbidden = /secret|token|stanza$|body|password|redis/i
  for (const [code, fields] of Object.entries(eventFields)) {
    assert.ok(code in logCodes, code)
    for (const field of fields) assert.doesNotMatch(field, forbidden, `${code}: ${field}`)
  }
})
