import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fastify } from 'fastify'
import { MOST_FAILURES } from '../../src/admin/failures.ts'
import { guardedBy } from '../../src/admin/token.ts'
import { createLog } from '../../src/log.ts'
import type { AdminActions } from '../../src/operations.ts'

/** An app with one guarded path, what was counted, and what was logged. */
function guarded(t: TestContext) {
  const clock = { now: 0 }
  const counted = { token: 0, rate: 0 }
  const lines: string[] = []
  const log = createLog({ level: 'info', node: 'yard' }, { write: (line: string) => void lines.push(line) })
  const actions = { token: () => 'correct-horse', refused: (why: 'token' | 'rate') => counted[why]++ }
  const app = fastify()
  app.get(
    '/',
    { onRequest: guardedBy(actions as Partial<AdminActions> as AdminActions, log, () => clock.now) },
    () => 'in',
  )
  t.after(() => app.close())
  const ask = async (token?: string, remoteAddress = '192.0.2.1') => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const { statusCode, headers: told } = await app.inject({ method: 'GET', url: '/', headers, remoteAddress })
    return { status: statusCode, retryAfter: told['retry-after'] }
  }
  return { ask, clock, counted, logged: () => lines.map((line) => JSON.parse(line)), lines }
}

test('[RFC 6585 §4] after too many wrong tokens an address waits, even with the right one; others do not', async (t) => {
  const { ask, clock, counted } = guarded(t)
  for (let n = 0; n < MOST_FAILURES; n++) assert.equal((await ask(`wrong-${n}`)).status, 401)
  assert.deepEqual(await ask('correct-horse'), { status: 429, retryAfter: '60' })
  assert.equal((await ask('correct-horse', '192.0.2.2')).status, 200)
  clock.now = 60_000
  assert.equal((await ask('correct-horse')).status, 200)
  assert.deepEqual(counted, { token: MOST_FAILURES, rate: 1 })
})

test('wrong tokens are logged with the first and the last of them, and never themselves', async (t) => {
  const { ask, logged, lines } = guarded(t)
  for (let n = 0; n < MOST_FAILURES + 5; n++) await ask(`wrong-${n}`)
  assert.deepEqual(
    logged().map(({ code, by, attempts, mustWait }) => [code, by, attempts, mustWait]),
    [
      ['admin-refused', '192.0.2.1', 1, false],
      ['admin-refused', '192.0.2.1', MOST_FAILURES, true],
    ],
  )
  assert.doesNotMatch(lines.join(''), /wrong-\d/)
})

test('who sends no token at all guesses nothing: it is refused, and need not wait', async (t) => {
  const { ask, counted } = guarded(t)
  for (let n = 0; n < MOST_FAILURES * 2; n++) assert.equal((await ask()).status, 401)
  assert.equal((await ask('correct-horse')).status, 200)
  assert.equal(counted.rate, 0)
})
