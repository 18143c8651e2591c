import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { AdminActions } from '../../src/admin/actions.ts'
import { createAdmin } from '../../src/admin/admin.ts'
import type { AdminView } from '../../src/admin/view.ts'
import { createLog } from '../../src/log.ts'

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
  const may: AdminActions = {
    token: () => token,
    drain: (domain, instance) => {
      asked.push(`drain ${domain} ${instance}`)
      return isHere(domain) ? { 'yard-1/1': true, 'yard-1/2': false }[instance] : undefined
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
  const app = await createAdmin(view, may, log)
  t.after(() => app.close())
  const ask = (method: 'GET' | 'POST' | 'DELETE', url: string, authorization?: string) =>
    app.inject({ method, url, headers: authorization === undefined ? {} : { authorization } })
  return { ask, asked, lines }
}

test('with the token an instance is drained, whatever its name holds, and that is logged without the token', async (t) => {
  const { ask, asked, lines } = await port(t, 'correct-horse')
  const answer = await ask('POST', drain, 'Bearer correct-horse')
  assert.deepEqual([answer.statusCode, answer.json()], [202, { status: 'draining' }])
  assert.deepEqual(asked, ['drain echo.localhost yard-1/1'])
  assert.match(lines.join(''), /"action":"drain".*"remote":"127\.0\.0\.1"/)
  assert.doesNotMatch(lines.join(''), /correct-horse/)
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
