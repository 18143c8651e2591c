import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NodeView } from '../../../src/admin/view.ts'
import { BOT, leftAndRight, settings, twoBuckets } from './traffic.ts'
import { type Member, TOKEN, until, Yard } from './yard.ts'

async function post(member: Member, path: string): Promise<{ readonly status: number; readonly body: object }> {
  const { port } = await member.process.log.waitFor('admin-listening')
  const headers = { authorization: `Bearer ${TOKEN}`, connection: 'close' }
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers })
  return { status: answer.status, body: (await answer.json()) as object }
}

describe('an operator asks any node', { concurrency: true, timeout: 90_000 }, () => {
  test('to drain or to close an instance of another one, and it is done there', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: settings(leftAndRight, twoBuckets) })
    await yard.node('a').join(BOT, 'left')
    await yard.node('a').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const path = (name: string, action: string): string => `/v1/domains/${BOT}/instances/${name}/${action}`
    const drained = await post(yard.node('b'), path('left', 'drain'))
    assert.deepEqual(drained, { status: 202, body: { status: 'draining' } })
    const { process } = yard.node('a')
    await process.log.waitFor('drain-done', { instance: 'left' })
    assert.equal((await post(yard.node('b'), path('right', 'enable'))).status, 409)
    assert.deepEqual(await post(yard.node('b'), path('right', 'kick')), { status: 202, body: { status: 'closed' } })
    await process.log.waitFor('instance-left', { instance: 'right' })
    await yard.joined(BOT, 0)
    assert.equal((await post(yard.node('b'), path('right', 'kick'))).status, 404)
    // Logged where it was asked for.
    const { log } = yard.node('b').process
    await log.waitFor('admin-action', { outcome: 'absent' })
    const told = log.all('admin-action')
    assert.deepEqual(
      told.map(({ action, instance, outcome }) => [action, instance, outcome]),
      [
        ['drain', 'left', 'done'],
        ['enable', 'right', 'conflict'],
        ['kick', 'right', 'done'],
        ['kick', 'right', 'absent'],
      ],
    )
  })

  test('how busy all of them are', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: settings(leftAndRight, twoBuckets) })
    const other = async (): Promise<NodeView> =>
      (await yard.node('a').nodes()).find(({ name }) => name === 'b') as unknown as NodeView
    await until('b says how busy it is', async () => ((await other())?.memory ?? 0) > 10_000_000)
    const { load } = await other()
    assert.ok(load !== null && load >= 0 && load <= 1)
    const own = (await yard.node('a').nodes()).find(({ name }) => name === 'a') as unknown as NodeView
    assert.ok((own.memory ?? 0) > 10_000_000)
    assert.equal(own.self, true)
  })
})
