import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBalanced } from '../stub/counters.ts'
import { eventually } from '../stub/eventually.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'
import { RawInstance, type Stanza, until } from '../stub/raw-instance.ts'

const SENDERS = 10_000
const EACH = 10
const BUCKETS = 4
const secret = 'swordfish'
const names = ['amber', 'blue', 'coral', 'denim']

const yaml = (whenUnassigned: string) => `
listen: [{port: 0}]
domains:
  users.localhost: {secret: ${secret}}
  bot.localhost:
    instances: {${[...names, 'extra'].map((name) => `${name}: {secret: ${name}}`).join(', ')}}
    when_unassigned: ${whenUnassigned}
    hold: {seconds: 300, bytes: 64MiB}
domain_balancing:
  bot.localhost: {type: bare_source, component_number: ${BUCKETS}}
drain: {seconds: 0}
log: {level: info}
`

/** A gateway, a component that sends for all users, and instances by name, in the order of their buckets. */
interface Yard {
  readonly gateway: TestGateway
  readonly users: RawInstance
  readonly instances: Map<string, RawInstance>
}

async function open(whenUnassigned: string): Promise<Yard> {
  const gateway = await startGateway(yaml(whenUnassigned))
  const users = await RawInstance.connect({ port: gateway.port, domain: 'users.localhost', secret })
  const instances = new Map<string, RawInstance>()
  for (const name of names) instances.set(name, await connect(gateway, name))
  return { gateway, users, instances }
}

function connect({ port }: TestGateway, name: string): Promise<RawInstance> {
  return RawInstance.connect({ port, domain: 'bot.localhost', secret: name })
}

async function close({ gateway, users, instances }: Yard): Promise<void> {
  for (const instance of [users, ...instances.values()]) await instance.kill()
  await gateway.stop()
}

/** Message `turn` of every sender, for all turns from `first` on. A sender's own messages carry rising ids. */
function* messages(first: number, turns: number, senders = SENDERS): Generator<string> {
  for (let turn = first; turn < first + turns; turn++) {
    for (let sender = 0; sender < senders; sender++) {
      // Clients of one user come and go: a bare criterion sees one key.
      const from = `user${sender}@users.localhost/client${turn % 3}`
      yield `<message from='${from}' to='bot@bot.localhost' id='${turn}'><body>${turn}</body></message>`
    }
  }
}

/** All that the instances have been written is confirmed, and no more than so much is held. */
function settledBut({ gateway }: Yard, held: number): Promise<void> {
  return eventually(() => gateway.view.domain('bot.localhost')!.held.stanzas === held)
}

const bare = (jid: string) => jid.slice(0, jid.indexOf('/'))
const total = (instances: Iterable<RawInstance>) => [...instances].reduce((sum, { stanzas }) => sum + stanzas.length, 0)

/** Each sender's ids as they came, after a check that no other instance has seen the sender. */
function bySender(
  instances: Iterable<readonly [string, readonly Stanza[]]>,
): Map<string, { at: string; ids: number[] }> {
  const senders = new Map<string, { at: string; ids: number[] }>()
  for (const [at, stanzas] of instances) {
    for (const { from, id } of stanzas) {
      const sender = senders.get(bare(from)) ?? { at, ids: [] }
      assert.equal(sender.at, at, `${from} is at one instance only`)
      sender.ids.push(Number(id))
      senders.set(bare(from), sender)
    }
  }
  return senders
}

const stanzasOf = ({ instances }: Yard) => [...instances].map(([name, { stanzas }]) => [name, stanzas] as const)
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

describe('100 000 messages of 10 000 senders over four instances by bare_source', { timeout: 120_000 }, () => {
  let yard: Yard
  before(async () => {
    yard = await open('hold')
    await yard.users.sendAll(messages(0, EACH))
    const { instances } = yard
    await until([...instances.values()], () => total(instances.values()) === SENDERS * EACH)
  })
  after(() => close(yard))

  test('every message of a sender reaches one instance, in the order in which it was sent', () => {
    const senders = bySender(stanzasOf(yard))
    assert.equal(senders.size, SENDERS)
    for (const { ids } of senders.values()) assert.deepEqual(ids, upTo(EACH))
  })

  test('each of the four has between 23 and 27 % of the messages', () => {
    for (const [name, { stanzas }] of yard.instances) {
      const share = stanzas.length / (SENDERS * EACH)
      assert.ok(share > 0.23 && share < 0.27, `${name} has ${share}`)
    }
  })

  test('the instance that explain names is the one that has them', () => {
    for (const [sender, { at }] of bySender(stanzasOf(yard))) {
      const explained = yard.gateway.view.explain('bot.localhost', `${sender}/other`, 'bot@bot.localhost')
      assert.equal(explained && 'instance' in explained && explained.instance, at, sender)
    }
  })

  test('nothing was bounced, dropped or held, all is confirmed, and the counters add up', async () => {
    await settledBut(yard, 0)
    const { counters, held } = yard.gateway.view.domain('bot.localhost')!
    assert.deepEqual([counters.bounced, counters.dropped, held.stanzas], [[], [], 0])
    assert.equal(counters.received.instance, SENDERS * EACH)
    assertBalanced(yard.gateway.view.domain('bot.localhost')!)
  })
})

describe('when one of four instances goes', { timeout: 120_000 }, () => {
  const senders = 2_000
  let yard: Yard
  let initially: Map<string, { at: string; ids: number[] }>

  /** Four instances that have had message 0 of every sender, of which blue is then killed. */
  async function killed(whenUnassigned: string): Promise<void> {
    yard = await open(whenUnassigned)
    const { users, instances, gateway } = yard
    await users.sendAll(messages(0, 1, senders))
    await until([...instances.values()], () => total(instances.values()) === senders)
    initially = bySender(stanzasOf(yard))
    // What blue has not confirmed would come again: that is another test (confirmed.test.ts).
    await settledBut(yard, 0)
    await instances.get('blue')!.kill()
    await gateway.log.waitFor('instance-left', { instance: 'blue' })
  }
  const shareOf = (name: string) => [...initially].filter(([, { at }]) => at === name).map(([sender]) => sender)
  const survivors = () => [...yard.instances].filter(([name]) => name !== 'blue')
  const survivorsHave = (count: number) => {
    const live = survivors().map(([, instance]) => instance)
    return until(live, () => total(live) === count)
  }

  test('killed, under hold its share waits, and comes first and in order when it is back', async () => {
    await killed('hold')
    const share = shareOf('blue').length
    await yard.users.sendAll(messages(1, 5, senders))
    await survivorsHave((senders - share) * 6)
    await yard.users.settled()
    await settledBut(yard, share * 5)
    const blue = await connect(yard.gateway, 'blue')
    yard.instances.set('blue', blue)
    await yard.users.sendAll(messages(6, 1, senders))
    await blue.waitForCount(share * 6)
    await survivorsHave((senders - share) * 7)
    for (const [sender, { at, ids }] of bySender(stanzasOf(yard))) {
      assert.equal(at, initially.get(sender)!.at, sender)
      assert.deepEqual(ids, at === 'blue' ? [1, 2, 3, 4, 5, 6] : upTo(7), sender)
    }
    // Not only per sender: all that was held comes before all that was not.
    assert.ok(blue.stanzas.slice(0, share * 5).every(({ id }) => id !== '6'))
    assertBalanced(yard.gateway.view.domain('bot.localhost')!)
    await close(yard)
  })

  test('an instance that leaves in order amid the traffic loses nothing, nor does the one that follows it', async () => {
    yard = await open('hold')
    const { users, instances, gateway } = yard
    const [turns, first] = [50, instances.get('blue')!]
    const all = [...instances.values()]
    const sent = users.sendAll(messages(0, turns, senders))
    await first.waitForCount(1_000)
    await first.leave()
    const second = await connect(gateway, 'blue')
    all.push(second)
    await sent
    await until(all, () => total(all) === senders * turns)
    const halves = [...first.stanzas, ...second.stanzas]
    assert.ok(second.stanzas.length > 0)
    for (const [sender, { ids }] of bySender([
      ...stanzasOf(yard).filter(([name]) => name !== 'blue'),
      ['blue', halves],
    ])) {
      assert.deepEqual(ids, upTo(turns), sender)
    }
    assertBalanced(gateway.view.domain('bot.localhost')!)
    await second.kill()
    await close(yard)
  })

  test('killed, under spill its share goes to the others, and theirs stays where it was', async () => {
    await killed('spill')
    await yard.users.sendAll(messages(1, 5, senders))
    await survivorsHave(senders * 6 - shareOf('blue').length)
    const now = bySender(survivors().map(([name, { stanzas }]) => [name, stanzas] as const))
    for (const [sender, { at, ids }] of now) {
      const was = initially.get(sender)!.at
      if (was !== 'blue') assert.equal(at, was, sender)
      assert.deepEqual(ids, was === 'blue' ? [1, 2, 3, 4, 5] : upTo(6), sender)
    }
    const heirs = new Set(shareOf('blue').map((sender) => now.get(sender)!.at))
    assert.deepEqual([...heirs].sort(), ['amber', 'coral', 'denim'], 'each of the others takes some')
    await settledBut(yard, 0)
    assertBalanced(yard.gateway.view.domain('bot.localhost')!)
    await close(yard)
  })

  test('killed, a spare takes its share over at once: nothing is held, nothing moves between the others', async () => {
    yard = await open('hold')
    const { users, instances, gateway } = yard
    const extra = await connect(gateway, 'extra')
    instances.set('extra', extra)
    await users.sendAll(messages(0, 1, senders))
    await until([...instances.values()], () => total(instances.values()) === senders)
    initially = bySender(stanzasOf(yard))
    assert.equal(extra.stanzas.length, 0)
    await settledBut(yard, 0)
    await instances.get('blue')!.kill()
    await gateway.log.waitFor('bucket-moved', { from: 'blue', to: 'extra' })
    await users.sendAll(messages(1, 5, senders))
    await survivorsHave(senders * 6 - shareOf('blue').length)
    for (const [sender, { at, ids }] of bySender(survivors().map(([name, { stanzas }]) => [name, stanzas] as const))) {
      const was = initially.get(sender)!.at
      assert.equal(at, was === 'blue' ? 'extra' : was, sender)
      assert.deepEqual(ids, was === 'blue' ? [1, 2, 3, 4, 5] : upTo(6), sender)
    }
    assert.deepEqual(gateway.view.domain('bot.localhost')!.counters.bounced, [])
    assert.deepEqual(gateway.log.all('hold-released'), [])
    assertBalanced(yard.gateway.view.domain('bot.localhost')!)
    await close(yard)
  })
})
