import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startAdmin } from '../../src/admin/admin.ts'
import type { AdminView } from '../../src/admin/view.ts'
import { createLog } from '../../src/log.ts'
import type { AdminActions } from '../../src/operations.ts'

const drain = '/v1/domains/echo.localhost/instances/yard-1%2F1/drain'
const quarantine = '/v1/domains/echo.localhost/quarantine'
const poison = {
  ...{ since: '2026-01-02T03:04:05.000Z', kind: 'message', type: null, bytes: 24 },
  ...{ from: null, to: null, id: 'poison', stanza: "<message id='poison'/>" },
}

/** An admin port whose token is `token`, the actions that it was asked for, and what it logged. */
async function port(t: TestContext, token: string | undefined) {
  const asked: string[] = []
  const lines: string[] = []
  const isHere = (domain: string): boolean => domain === 'echo.localhost'
  const refused: string[] = []
  const may: AdminActions = {
    token: () => token,
    refused: (why) => void refused.push(why),
    instance: (action, domain, instance) => {
      asked.push(`${action} ${domain} ${instance}`)
      if (!isHere(domain)) return { refused: 'absent', detail: 'no such instance is connected' }
      if (instance === 'yard-1/1') return { done: { drain: 'draining', kick: 'closed', enable: 'active' }[action] }
      return instance === 'yard-1/2'
        ? { refused: 'conflict', detail: 'it is being drained already' }
        : { refused: 'absent', detail: 'no such instance is connected' }
    },
    clearQuarantine: (domain) => {
      asked.push(`clear ${domain}`)
      return isHere(domain) ? true : undefined
    },
  }
  const view = {
    quarantine: (domain: string) => (isHere(domain) ? [poison] : undefined),
  } as Partial<AdminView> as AdminView
  const log = createLog({ level: 'info', node: 'yard-1' }, { write: (line: string) => void lines.push(line) })
  const admin = await startAdmin({ host: '127.0.0.1', port: 0 }, view, may, log)
  t.after(() => admin.close())
  const ask = async (method: 'GET' | 'POST' | 'DELETE', url: string, authorization?: string) => {
    const headers = { connection: 'close', ...(authorization === undefined ? {} : { authorization }) }
    const answer = await fetch(`http://127.0.0.1:${admin.port}${url}`, { method, headers })
    const text = await answer.text()
    return {
      statusCode: answer.status,
      headers: Object.fromEntries(answer.headers),
      json: () => JSON.parse(text),
    }
  }
  return { ask, asked, lines, port: admin.port, refused }
}

test('with the token an instance is drained, closed and enabled, whatever its name holds; who, what and the outcome are logged', async (t) => {
  const { ask, asked, lines } = await port(t, 'correct-horse')
  const told = { drain: 'draining', kick: 'closed', enable: 'active' }
  for (const [action, status] of Object.entries(told)) {
    const answer = await ask('POST', drain.replace(/drain$/, action), 'Bearer correct-horse')
    assert.deepEqual([answer.statusCode, answer.json()], [202, { status }])
    assert.equal(asked.at(-1), `${action} echo.localhost yard-1/1`)
    const line = JSON.parse(lines.at(-1) ?? '')
    const { code, via, by, domain, instance, outcome } = line
    assert.deepEqual([code, line.action, via, by], ['admin-action', action, 'http', '127.0.0.1'])
    assert.deepEqual([domain, instance, outcome], ['echo.localhost', 'yard-1/1', 'done'])
  }
  assert.doesNotMatch(lines.join(''), /correct-horse/)
})

test('what was not done is logged as such', async (t) => {
  const { ask, lines } = await port(t, 'correct-horse')
  await ask('POST', '/v1/domains/echo.localhost/instances/nobody/drain', 'Bearer correct-horse')
  await ask('DELETE', '/v1/domains/other.localhost/quarantine', 'Bearer correct-horse')
  const told = lines.map((line) => JSON.parse(line)).filter(({ code }) => code === 'admin-action')
  assert.deepEqual(
    told.map(({ action, outcome, detail }) => [action, outcome, detail]),
    [
      ['drain', 'absent', 'no such instance is connected'],
      ['clear-quarantine', 'absent', 'no such domain is served here'],
    ],
  )
})

test('[RFC 6750 §3] without the token, or with another, nothing is done and the answer says what is missing', async (t) => {
  const { ask, asked } = await port(t, 'correct-horse')
  for (const authorization of [undefined, 'Bearer wrong', 'Bearer ', 'Basic Y29ycmVjdC1ob3JzZQ==', 'correct-horse']) {
    for (const [method, url] of [
      ['POST', drain],
      ['GET', quarantine],
      ['DELETE', quarantine],
    ] as const) {
      const answer = await ask(method, url, authorization)
      assert.equal(answer.statusCode, 401, `${method} ${url} ${authorization}`)
      assert.equal(answer.headers['www-authenticate'], 'Bearer')
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
    }
  }
  assert.deepEqual(asked, [])
})

test('where no token is configured nobody may change anything', async (t) => {
  const { ask, asked } = await port(t, undefined)
  const answer = await ask('POST', drain, 'Bearer undefined')
  assert.equal(answer.statusCode, 403)
  assert.match(answer.json().detail, /no admin\.token is configured/)
  assert.deepEqual(asked, [])
})

test('to drain what is drained already is a conflict, and what is not there is not found', async (t) => {
  const { ask } = await port(t, 'correct-horse')
  const status = async (url: string): Promise<number> => (await ask('POST', url, 'Bearer correct-horse')).statusCode
  assert.equal(await status('/v1/domains/echo.localhost/instances/yard-1%2F2/drain'), 409)
  assert.equal(await status('/v1/domains/echo.localhost/instances/nobody/drain'), 404)
  assert.equal(await status('/v1/domains/other.localhost/instances/yard-1%2F1/drain'), 404)
})

test('quarantined stanzas are shown and forgotten with the token only', async (t) => {
  const { ask, asked } = await port(t, 'correct-horse')
  const shown = await ask('GET', quarantine, 'Bearer correct-horse')
  assert.deepEqual([shown.statusCode, shown.json()], [200, { items: [poison] }])
  assert.equal((await ask('DELETE', quarantine, 'Bearer correct-horse')).statusCode, 204)
  assert.equal((await ask('GET', '/v1/domains/other.localhost/quarantine', 'Bearer correct-horse')).statusCode, 404)
  assert.deepEqual(asked, ['clear echo.localhost'])
})

test('a body that is too large is refused before anything is done', async (t) => {
  const { port: at, asked } = await port(t, 'correct-horse')
  const headers = { authorization: 'Bearer correct-horse', 'content-type': 'application/json' }
  const large = { method: 'POST', headers, body: JSON.stringify({ text: 'x'.repeat(2000) }) }
  assert.equal((await fetch(`http://127.0.0.1:${at}${drain}`, large)).status, 413)
  assert.deepEqual(asked, [])
})

test('of too many connections at once the last is closed and counted', async (t) => {
  const { port: at, refused } = await port(t, undefined)
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let count = 0; count < 257; count++) {
    const socket = connect(at, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
  }
  await new Promise((resolve) => sockets.at(-1)!.resume().once('close', resolve))
  assert.deepEqual(refused, ['connections'])
})
