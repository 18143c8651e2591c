import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startAdmin } from '../../src/admin/admin.ts'
import type { ClusterAccess } from '../../src/admin/cluster-routes.ts'
import type { AdminView } from '../../src/admin/view.ts'
import { Events } from '../../src/events.ts'
import { createLog, logEvent } from '../../src/log.ts'
import type { AdminActions } from '../../src/operations.ts'
import { LogBook } from '../stub/log-book.ts'

async function port(t: TestContext) {
  const book = new LogBook()
  const log = createLog({ level: 'info', node: 'yard-1' }, book)
  const events = new Events(log, () => 0)
  const allowed = { token: () => undefined } as Partial<AdminActions> as AdminActions
  const access = {} as ClusterAccess
  const admin = await startAdmin({ host: '127.0.0.1', port: 0 }, {} as AdminView, allowed, log, { access, events })
  t.after(() => admin.close())
  return { admin, log, events, book }
}

/** Asks for the events and resolves when the answer has begun; `text` is what has come, `until` waits for more. */
async function reader(t: TestContext, port: number, method = 'GET') {
  const socket: Socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.setEncoding('utf8')
  let text = ''
  socket.on('data', (part) => {
    text += part
  })
  const until = async (wanted: RegExp): Promise<string> => {
    while (!wanted.test(text)) await once(socket, 'data')
    return text
  }
  socket.write(`${method} /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  await until(/\r\n\r\n/)
  return { socket, until }
}

test('events come as they happen, in the form of server-sent events', async (t) => {
  const { admin, log } = await port(t)
  const { until } = await reader(t, admin.port)
  const head = await until(/retry: 3000\n\n/)
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(head, /\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/)
  assert.match(head, /\r\ncache-control: no-store\r\n/)
  logEvent(log, 'node-joined', { name: 'yard-2', incarnation: 'x', epoch: 3 })
  const told = await until(/node_joined.*\n\n/s)
  assert.ok(
    told.includes(
      'id: 1\nevent: node_joined\ndata: {"time":"1970-01-01T00:00:00.000Z","name":"yard-2","incarnation":"x","epoch":3}\n\n',
    ),
    told,
  )
})

test('when the port is closed the stream ends', async (t) => {
  const { admin } = await port(t)
  const { socket } = await reader(t, admin.port)
  await Promise.all([admin.close(), once(socket, 'close')])
})

test('a reader that has gone is forgotten, and one too many is refused', async (t) => {
  const { admin } = await port(t)
  const readers = []
  for (let at = 0; at < 16; at++) readers.push(await reader(t, admin.port))
  const refused = await reader(t, admin.port)
  assert.match(await refused.until(/\}/), /^HTTP\/1\.1 503 .*16 readers have the events already/s)
  readers[0]?.socket.destroy()
  // Whether it is noticed, and when, is the kernel's: until then the next one is refused.
  for (;;) {
    const next = await reader(t, admin.port)
    if (/^HTTP\/1\.1 200/.test(await next.until(/\n\n|\}/))) return
    next.socket.destroy()
  }
})

test('[RFC 9110 §15.5.6] the events can only be read, and have no end that HEAD could wait for', async (t) => {
  const { admin } = await port(t)
  for (const method of ['HEAD', 'POST', 'DELETE']) {
    const { until } = await reader(t, admin.port, method)
    assert.match(await until(/\r\n\r\n/), /^HTTP\/1\.1 405 /, method)
  }
})
