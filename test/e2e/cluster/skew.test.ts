import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../../stub/eventually.ts'
import { BOT, leftAndRight, rightUsers, settings, Traffic, twoBuckets, USERS } from './traffic.ts'
import { until, Yard } from './yard.ts'

const HOUR = 3_600_000

/** Where Debian's multiarch puts it. */
function libfaketime(): string {
  const found = readdirSync('/usr/lib')
    .map((folder) => `/usr/lib/${folder}/faketime/libfaketime.so.1`)
    .find((file) => existsSync(file))
  assert.ok(found, 'no libfaketime.so.1; install the Debian package libfaketime')
  return found
}

/** Node a by the machine's clock; node b's is an hour ahead and 5 % fast, both the wall's and the monotonic one. */
async function bench(t: TestContext, seconds = 30): Promise<Yard> {
  const bot = { ...leftAndRight, hold: { seconds } }
  const yard = await Yard.start(t, { nodes: ['a'], settings: settings(bot, twoBuckets) })
  await yard.startNode('b', {}, { LD_PRELOAD: libfaketime(), FAKETIME: '+3600 x1.05' })
  await yard.together()
  return yard
}

/** By its delay (XEP-0203), how long ago the stanza came, in milliseconds; undefined without one. */
function age(text: string): number | undefined {
  const stamp = / stamp='([^']*)'/.exec(text)?.[1]
  return stamp === undefined ? undefined : Date.now() - Date.parse(stamp)
}

describe("a node's clock is an hour ahead, and fast", { concurrency: 2, timeout: 240_000 }, () => {
  test('leases hold: both stay members for longer than they last, and a dead one is buried by the other', async (t) => {
    const yard = await bench(t)
    const before = await Promise.all(yard.members.map((member) => member.incarnation()))
    await wait(7000)
    assert.deepEqual(await Promise.all(yard.members.map((member) => member.incarnation())), before)
    for (const { process } of yard.members) {
      assert.deepEqual(process.log.all('cluster-lost'), [])
      // A busy machine may have held it up for a moment; by a wrong clock it would be fenced for good.
      await eventually(() => process.log.all('cluster-fenced').length === process.log.all('cluster-unfenced').length)
    }
    await yard.kill('a')
    await yard.together(['b'])
  })

  test('what is held for an instance of either waits as long as it may, and no less, on its way between them', async (t) => {
    const yard = await bench(t)
    await yard.node('a').join(BOT, 'left')
    let right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const lives = [right]
    const senders = { a: await yard.node('a').join(USERS, USERS), b: await yard.node('b').join(USERS, USERS) }
    // Its instance goes, and comes again, on this node and on that: what was sent from either waits meanwhile.
    const traffics = (['a', 'b', 'a'] as const).map((name, round) => ({ name, round }))
    for (const { name, round } of traffics) {
      await right.leave()
      await yard.joined(BOT, 1)
      const all = (['a', 'b'] as const).map((from) => ({ from, traffic: new Traffic(rightUsers, `${round}${from}.`) }))
      for (const { from, traffic } of all) {
        traffic.send(senders[from], 50)
        await senders[from].settled()
      }
      right = await yard.node(name).join(BOT, 'right')
      lives.push(right)
      for (const { from, traffic } of all) {
        await traffic.deliveredOnce([right])
        for (const { text } of traffic.came([right])) {
          const found = age(text)
          if (found === undefined) continue
          // Whichever node has stamped it, by its clock: how long it waited is the same by both.
          const isRight = [0, HOUR].some((ahead) => Math.abs(found + ahead) < 60_000)
          assert.ok(isRight, `read by ${from}, delivered by ${name}: ${text}`)
        }
      }
    }
    assert.equal(lives.length, 4)
    for (const sender of Object.values(senders)) {
      assert.deepEqual(
        sender.stanzas.filter(({ type }) => type === 'error'),
        [],
      )
    }
  })

  for (const [from, to] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    test(`what came from node ${from} and is held by node ${to} is bounced when its time is over, not before`, async (t) => {
      const yard = await bench(t, 3)
      const node = yard.node(to)
      await node.join(BOT, 'left')
      const sender = await yard.node(from).join(USERS, USERS)
      /** An instance that dies with what the other node has sent it, and confirms nothing of that. */
      const dies = async (traffic: Traffic): Promise<void> => {
        const right = await node.join(BOT, 'right')
        await yard.joined(BOT, 2)
        const known = new Traffic(rightUsers, 'known.')
        known.send(sender, 5)
        await known.delivered([right])
        await until('it has confirmed those', async () => {
          const view = (await node.instances(BOT)).find(({ name }) => name === 'right')
          return view?.delivered === 5
        })
        right.answersPings = false
        traffic.send(sender, 20)
        await traffic.delivered([right])
        await right.kill()
        await yard.joined(BOT, 1)
      }
      const first = new Traffic(rightUsers, 'first.')
      await dies(first)
      // Long enough for what is thought to be old to be given up.
      await wait(1500)
      const heir = await node.join(BOT, 'right')
      await first.delivered([heir])
      await heir.leave()
      await yard.joined(BOT, 1)
      const second = new Traffic(rightUsers, 'second.')
      await dies(second)
      for (const id of second.sent) await sender.waitFor((stanza) => stanza.id === id && stanza.type === 'error')
      assert.deepEqual(
        sender.stanzas.filter(({ id }) => first.sent.includes(id)),
        [],
      )
    })
  }

  test('what is on its way to one that dies is delivered by the other, in order', async (t) => {
    const yard = await bench(t)
    await yard.node('a').join(BOT, 'left')
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 2)
    const sender = await yard.node('a').join(USERS, USERS)
    const traffic = new Traffic(rightUsers)
    traffic.send(sender, 50)
    await traffic.delivered([right])
    yard.node('b').process.pause()
    traffic.send(sender, 100)
    await sender.settled()
    await yard.kill('b')
    const heir = await yard.node('a').join(BOT, 'right')
    await traffic.delivered([right, heir])
    traffic.assertOrder([right, heir])
  })
})
