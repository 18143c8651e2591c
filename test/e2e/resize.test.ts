import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { eventually } from '../stub/eventually.ts'
import { configOf, startGateway, type TestGateway } from '../stub/gateway.ts'
import { RawInstance, type Stanza, until } from '../stub/raw-instance.ts'

const secret = 'swordfish'
const names = ['amber', 'blue', 'coral', 'denim', 'ebony', 'fawn']
const keys = Array.from({ length: 60 }, (_, n) => `user${n}@users.localhost`)

const yaml = (balancing: string, whenUnassigned = 'hold') => `
listen: [{port: 0}]
domains:
  users.localhost: {secret: ${secret}}
  bot.localhost:
    instances: {${names.map((name) => `${name}: {secret: ${name}}`).join(', ')}}
    when_unassigned: ${whenUnassigned}
domain_balancing:
  bot.localhost: {${balancing}}
drain: {seconds: 0}
log: {level: info}
`
const buckets = (count: number, whenUnassigned?: string) =>
  yaml(`type: bare_source, component_number: ${count}`, whenUnassigned)

/** Who has got what, in the order in which it came, over all instances. */
interface Arrival {
  readonly at: string
  readonly key: string
  readonly id: number
}

interface Yard {
  readonly gateway: TestGateway
  readonly users: RawInstance
  readonly instances: ReadonlyMap<string, RawInstance>
  readonly arrivals: Arrival[]
  /** How many messages of each key have been sent. */
  readonly sent: Map<string, number>
  /** Sends the next message of each of these. */
  send(of?: readonly string[]): void
  reload(text: string): Promise<void>
  /** Whom each key's stanzas are for. */
  holders(): ReadonlyMap<string, string | null>
}

async function open(t: TestContext, text: string, connected = names): Promise<Yard> {
  const gateway = await startGateway(text)
  const users = await RawInstance.connect({ port: gateway.port, domain: 'users.localhost', secret })
  const instances = new Map<string, RawInstance>()
  const arrivals: Arrival[] = []
  for (const name of connected) {
    const instance = await RawInstance.connect({ port: gateway.port, domain: 'bot.localhost', secret: name })
    instance.onStanza = ({ from, id }: Stanza) => arrivals.push({ at: name, key: from, id: Number(id) })
    instances.set(name, instance)
  }
  t.after(async () => {
    for (const instance of [users, ...instances.values()]) await instance.kill()
    await gateway.stop()
    assert.deepEqual(gateway.log.all('bug'), [])
  })
  const sent = new Map<string, number>()
  const next = (key: string): string => {
    const id = sent.get(key) ?? 0
    sent.set(key, id + 1)
    return `<message from='${key}' to='bot@bot.localhost' id='${id}'><body>${id}</body></message>`
  }
  return {
    ...{ gateway, users, instances, arrivals, sent },
    send: (of = keys) => users.send(of.map(next).join('')),
    reload: (next) => gateway.gateway.reload(configOf(next)),
    holders: () =>
      new Map(
        keys.map((key) => {
          const found = gateway.view.explain('bot.localhost', key, 'bot@bot.localhost')
          return [key, found && 'instance' in found ? found.instance : null]
        }),
      ),
  }
}

/** Sends for all keys, turn after turn and as fast as the gateway reads, until it is called. */
function sending(yard: Yard): () => Promise<void> {
  let isOver = false
  const done = (async () => {
    while (!isOver) {
      for (let turn = 0; turn < 20; turn++) yard.send()
      await yard.users.settled()
    }
  })()
  return () => {
    isOver = true
    return done
  }
}

const count = ({ arrivals }: Yard, more: number) => arrivals.length + more
const total = ({ sent }: Yard) => [...sent.values()].reduce((sum, of) => sum + of, 0)
const came = (yard: Yard, stanzas: number) => until([...yard.instances.values()], () => yard.arrivals.length >= stanzas)

/** Each has come once, and in the order of its key. */
function assertOnceInOrder({ arrivals, sent }: Yard): void {
  const ids = new Map<string, number[]>()
  for (const { key, id } of arrivals) ids.set(key, [...(ids.get(key) ?? []), id])
  for (const [key, of] of sent) {
    assert.deepEqual(
      ids.get(key),
      Array.from({ length: of }, (_, n) => n),
      key,
    )
  }
}

describe('the balancing of a running domain is changed', { concurrency: true, timeout: 60_000 }, () => {
  for (const whenUnassigned of ['hold', 'spill']) {
    test(`4, 6 and then 3 buckets under traffic (${whenUnassigned}): each stanza comes once, in the order of its key`, async (t) => {
      const yard = await open(t, buckets(4, whenUnassigned))
      const stop = sending(yard)
      await came(yard, 1000)
      const four = yard.holders()
      await yard.reload(buckets(6, whenUnassigned))
      const six = yard.holders()
      await came(yard, count(yard, 3000))
      await yard.reload(buckets(3, whenUnassigned))
      const three = yard.holders()
      await came(yard, count(yard, 3000))
      await stop()
      await came(yard, total(yard))
      assertOnceInOrder(yard)
      const allowed = new Map(keys.map((key) => [key, [four.get(key), six.get(key), three.get(key)]]))
      for (const { at, key } of yard.arrivals) assert.ok(allowed.get(key)!.includes(at), `${key} came to ${at}`)
      // Every third key stays of four and six buckets; all have their own change.
      assert.ok(keys.some((key) => four.get(key) === six.get(key) && six.get(key) === three.get(key)))
      assert.ok(keys.some((key) => four.get(key) !== six.get(key) && six.get(key) !== three.get(key)))
      const { counters } = yard.gateway.view.domain('bot.localhost')!
      assert.deepEqual([counters.bounced, counters.dropped], [[], []])
      await eventually(() => yard.gateway.view.domain('bot.localhost')!.held.stanzas === 0)
    })
  }

  test('changed again before the last change is over, and to another criterion and back: the same', async (t) => {
    const yard = await open(t, buckets(4))
    const stop = sending(yard)
    await came(yard, 1000)
    const changes = [6, 3, 5, 2, 6, 4].map((n) => buckets(n))
    for (const change of [
      ...changes,
      yaml('type: bare_source'),
      yaml('type: source, component_number: 5'),
      buckets(4),
    ]) {
      await yard.reload(change)
    }
    await came(yard, count(yard, 2000))
    for (const change of changes) {
      await yard.reload(change)
      await came(yard, count(yard, 60))
    }
    await stop()
    await came(yard, total(yard))
    assertOnceInOrder(yard)
  })

  test('a key waits for nobody but the instance that it leaves; one that stays does not wait at all', async (t) => {
    const yard = await open(t, buckets(4))
    const before = yard.holders()
    yard.send()
    await came(yard, keys.length)
    const amber = yard.instances.get('amber')!
    await eventually(() =>
      yard.gateway.view.instances('bot.localhost')!.every(({ outboxBytes, delivered, bucket }) => {
        return outboxBytes === 0 && (bucket === null || delivered > 0)
      }),
    )
    // What it gets from now on it has not confirmed.
    amber.answersPings = false
    const amberKeys = keys.filter((key) => before.get(key) === 'amber')
    yard.send(amberKeys)
    await came(yard, keys.length + amberKeys.length)
    await yard.reload(buckets(6))
    const after = yard.holders()
    const leaving = amberKeys.filter((key) => after.get(key) !== 'amber')
    assert.ok(leaving.length > 0 && leaving.length < amberKeys.length)
    yard.send()
    const first = keys.length + amberKeys.length
    await came(yard, first + keys.length - leaving.length)
    await yard.users.settled()
    const waiting = keys.filter((key) => !yard.arrivals.slice(first).some((arrival) => arrival.key === key))
    assert.deepEqual(waiting, leaving)
    amber.answerOwed()
    await came(yard, total(yard))
    assertOnceInOrder(yard)
    for (const { at, key } of yard.arrivals.slice(first)) assert.equal(at, after.get(key), key)
  })

  test('the instance that keys are leaving dies before it has confirmed: what it had comes first where they are now', async (t) => {
    const yard = await open(t, buckets(4))
    const amber = yard.instances.get('amber')!
    amber.answersPings = false
    const amberKeys = keys.filter((key) => yard.holders().get(key) === 'amber')
    yard.send(amberKeys)
    await until([amber], () => amber.stanzas.length >= amberKeys.length)
    await yard.reload(buckets(6))
    yard.send(amberKeys)
    await yard.users.settled()
    const leaving = amberKeys.filter((key) => yard.holders().get(key) !== 'amber')
    // What amber had read is sent again; it is what the others have that counts.
    yard.arrivals.splice(0)
    await amber.kill()
    const others = [...yard.instances.values()].filter((instance) => instance !== amber)
    const byOthers = () => yard.arrivals.filter(({ key }) => leaving.includes(key)).length
    await until(others, () => byOthers() >= 2 * leaving.length)
    for (const key of leaving) {
      const ids = yard.arrivals.filter((arrival) => arrival.key === key).map(({ id }) => id)
      assert.deepEqual(ids, [0, 1], key)
    }
  })

  test('holders keep their buckets, and what was held for a bucket that is gone goes to its new holder', async (t) => {
    const yard = await open(t, buckets(6), ['amber', 'blue', 'coral', 'denim'])
    // Not in the order of their arrival any more.
    const amber = yard.instances.get('amber')!
    await amber.kill()
    await eventually(() => yard.gateway.view.instances('bot.localhost')!.length === 3)
    yard.send()
    await yard.users.settled()
    const held = yard.gateway.view.domain('bot.localhost')!.held.stanzas
    assert.ok(held > 0)
    const holdersNow = () => yard.gateway.view.domain('bot.localhost')!.buckets.map(({ holder }) => holder)
    assert.deepEqual(holdersNow(), [null, 'blue', 'coral', 'denim', null, null])
    await yard.reload(buckets(3))
    assert.deepEqual(holdersNow(), ['denim', 'blue', 'coral'])
    await came(yard, keys.length)
    assertOnceInOrder(yard)
  })
})
