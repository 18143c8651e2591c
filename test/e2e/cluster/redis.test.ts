import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { RawInstance } from '../../stub/raw-instance.ts'
import { BOT, leftAndRight, leftUsers, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { type Settings, until, Yard } from './yard.ts'

interface Bench {
  readonly yard: Yard
  readonly left: RawInstance
  readonly right: RawInstance
  readonly sender: RawInstance
}

/** The sender and `left` at node a, `right` at node b. */
async function bench(t: TestContext, hold: Settings = {}): Promise<Bench> {
  const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: settings({ ...leftAndRight, hold }, twoBuckets) })
  const left = await yard.node('a').join(BOT, 'left')
  const right = await yard.node('b').join(BOT, 'right')
  await yard.joined(BOT, 2)
  return { yard, left, right, sender: await yard.node('a').join(USERS, USERS) }
}

/** Traffic that stays in node a, and traffic that has to cross. */
const traffics = () => ({ local: new Traffic(leftUsers, 'local.'), across: new Traffic(rightUsers, 'across.') })

// Not all at once: a node that gets no processor for seconds is fenced, as it should be.
describe('Redis fails', { concurrency: 4, timeout: 180_000 }, () => {
  test('killed, it keeps no node from stopping', async (t) => {
    const { yard } = await bench(t)
    await yard.redis.kill()
    for (const { process } of yard.members) await process.log.waitFor('cluster-down')
    const codes = await Promise.all(yard.members.map(({ process }) => process.stop()))
    assert.deepEqual(codes, [0, 0])
  })

  test('killed, it leaves local delivery alone; restarted empty, it is told all again, and what waited comes', async (t) => {
    const { yard, left, right, sender } = await bench(t, { seconds: 60 })
    const { local, across } = traffics()
    local.send(sender, 50)
    across.send(sender, 50)
    await across.deliveredOnce([right])
    const before = await Promise.all(yard.members.map((member) => member.incarnation()))
    await yard.redis.kill()
    for (const { process } of yard.members) await process.log.waitFor('cluster-down')
    // Beyond any lease: nobody can be served by it, so nobody can act for us.
    await wait(6000)
    local.send(sender, 200)
    across.send(sender, 200)
    await local.deliveredOnce([left])
    assert.equal(across.missing([right]).length, 200)
    const restarted = performance.now()
    await yard.redis.start()
    await across.deliveredOnce([right])
    t.diagnostic(`what waited had come ${Math.round(performance.now() - restarted)} ms after the start`)
    await yard.together()
    await yard.joined(BOT, 2)
    assert.deepEqual(await Promise.all(yard.members.map((member) => member.incarnation())), before)
    const seeded = yard.members.flatMap(({ process }) => process.log.all('cluster-seeded'))
    assert.equal(seeded.length, 1, 'one node has put the table back, and says so')
    assert.ok([left, right].every(({ socket }) => !socket.destroyed))

    // Shares are given and taken as ever.
    const spare = await yard.node('a').join(BOT, 'spare')
    await yard.joined(BOT, 3)
    await right.kill()
    const after = new Traffic(rightUsers, 'after.')
    after.send(sender, 50)
    await after.deliveredOnce([spare])
  })

  test('an instance that joins while it is away is let in, and served once Redis is back', async (t) => {
    const { yard, left, sender, right } = await bench(t, { seconds: 60 })
    await yard.redis.kill()
    for (const { process } of yard.members) await process.log.waitFor('cluster-down')
    const joining = yard.node('a').join(BOT, 'spare')
    await right.kill()
    const { local, across } = traffics()
    local.send(sender, 50)
    across.send(sender, 50)
    await local.deliveredOnce([left])
    await yard.redis.start()
    await across.delivered([await joining])
  })

  test('what needs another node is bounced when Redis stays away for longer than it may be held', async (t) => {
    const { yard, left, right, sender } = await bench(t, { seconds: 2 })
    await yard.redis.kill()
    for (const { process } of yard.members) await process.log.waitFor('cluster-down')
    const { local, across } = traffics()
    local.send(sender, 20)
    across.send(sender, 20)
    await local.deliveredOnce([left])
    const bounces = () => sender.stanzas.filter(({ type }) => type === 'error')
    await until('all are bounced', () => bounces().length === across.sent.length)
    assert.deepEqual(
      bounces().map(({ id }) => id),
      across.sent,
    )
    for (const { text } of bounces()) assert.match(text, /<error type='wait'/)
    await yard.redis.start()
    for (const { process } of yard.members) await process.log.waitFor('cluster-up')
    const after = new Traffic(rightUsers, 'after.')
    after.send(sender, 20)
    await after.deliveredOnce([right])
    assert.deepEqual(across.came([right]), [])
  })

  for (const [seconds, what] of [
    [3, 'for less than a lease'],
    [8, 'for longer than a lease'],
  ] as const) {
    test(`stopped ${what} and continued, it costs nothing but time`, async (t) => {
      const { yard, left, right, sender } = await bench(t, { seconds: 60 })
      const { local, across } = traffics()
      yard.redis.pause()
      local.send(sender, 100)
      across.send(sender, 100)
      await wait(seconds * 1000)
      local.send(sender, 100)
      across.send(sender, 100)
      yard.redis.resume()
      await local.deliveredOnce([left])
      await across.deliveredOnce([right])
      await yard.together()
      await yard.joined(BOT, 2)
      local.send(sender, 50)
      across.send(sender, 50)
      await local.deliveredOnce([left])
      await across.deliveredOnce([right])
      assert.ok([left, right].every(({ socket }) => !socket.destroyed))
    })
  }

  for (const milliseconds of [300, 1500]) {
    test(`with ${milliseconds} ms more per round trip nobody is fenced, and nothing is lost`, async (t) => {
      const { yard, left, right, sender } = await bench(t, { seconds: 60 })
      const before = await Promise.all(yard.members.map((member) => member.incarnation()))
      for (const { redis } of yard.members) redis.delay(milliseconds)
      const { local, across } = traffics()
      // For longer than a lease lasts.
      for (let round = 0; round < 14; round++) {
        local.send(sender, 50)
        across.send(sender, 50)
        await wait(500)
      }
      await local.deliveredOnce([left])
      await across.deliveredOnce([right])
      const spare = await yard.node('b').join(BOT, 'spare')
      await yard.joined(BOT, 3)
      await right.kill()
      const after = new Traffic(rightUsers, 'after.')
      after.send(sender, 50)
      await after.deliveredOnce([spare])
      assert.deepEqual(await Promise.all(yard.members.map((member) => member.incarnation())), before)
      for (const { process } of yard.members) {
        assert.deepEqual([process.log.all('cluster-fenced'), process.log.all('cluster-lost')], [[], []])
      }
    })
  }
})
