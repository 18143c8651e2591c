import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { DomainView } from '../../src/admin/view.ts'
import { assertBalanced } from '../stub/counters.ts'
import { type GatewayProcess, startGatewayProcess } from '../stub/gateway.ts'
import { RawInstance, until } from '../stub/raw-instance.ts'

const MOST_RESIDENT = 200e6
/** What the readers must still get once the frozen instance is there, has stalled, and has been closed. */
const PROGRESS = 20_000
const secret = 'swordfish'
const readers = ['amber', 'blue', 'coral']
const frozenName = 'denim'

const yaml = `
listen: [{port: 0}]
domains:
  users.localhost: {secret: ${secret}}
  bot.localhost:
    instances: {${[...readers, frozenName].map((name) => `${name}: {secret: ${name}}`).join(', ')}}
    hold: {seconds: 5, bytes: 16MiB}
domain_balancing:
  bot.localhost: {type: bare_source, component_number: 4}
limits: {stalled_after_seconds: 0.5, close_stalled_after_seconds: 2}
admin: {port: 0}
drain: {seconds: 0}
`

const body = 'x'.repeat(2_000)

/** Messages of a thousand senders, so of all four buckets, without end until it is told. */
class Flood {
  #isOver = false
  sent = 0
  readonly #done: Promise<void>

  constructor(from: RawInstance) {
    this.#done = from.sendAll(this.#messages())
  }

  /** Resolves when the last one has been given to the kernel. */
  stop(): Promise<void> {
    this.#isOver = true
    return this.#done
  }

  *#messages(): Generator<string> {
    for (; !this.#isOver; this.sent++) {
      const from = `user${this.sent % 1_000}@users.localhost/a`
      yield `<message from='${from}' to='bot@bot.localhost' id='${this.sent}'><body>${body}</body></message>`
    }
  }
}

describe('a sender that never stops, and an instance that reads nothing', { timeout: 120_000 }, () => {
  let gateway: GatewayProcess
  let users: RawInstance
  let frozen: RawInstance
  const live: RawInstance[] = []
  let flood: Flood
  before(async () => {
    gateway = await startGatewayProcess(yaml, 'dist')
    users = await RawInstance.connect({ port: gateway.port, domain: 'users.localhost', secret })
    const join = (name: string) => RawInstance.connect({ port: gateway.port, domain: 'bot.localhost', secret: name })
    for (const name of readers) live.push(await join(name))
    frozen = await join(frozenName)
    frozen.pause()
    flood = new Flood(users)
  })
  after(async () => {
    for (const instance of [users, frozen, ...live]) await instance.kill()
    await gateway.kill()
  })

  /** Each reader gets so many more. */
  async function progress(): Promise<void> {
    for (const reader of live) {
      const wanted = reader.stanzas.length + PROGRESS / readers.length
      await until([reader], () => reader.stanzas.length >= wanted)
    }
  }

  test('is stalled, and the others have their traffic', async () => {
    const line = await gateway.log.waitFor('instance-stalled', { instance: frozenName })
    assert.equal(line.domain, 'bot.localhost')
    await progress()
  })

  test('is closed with connection-timeout, and the others have their traffic', async () => {
    await gateway.log.waitFor('instance-left', { instance: frozenName, condition: 'connection-timeout' })
    await progress()
    assert.match(`${await gateway.admin('/metrics')}`, /stream_errors_total\{condition="connection-timeout"\} 1/)
  })

  test('what was for it is bounced once its hold is full, and what was held once that expires', async () => {
    await users.waitFor(({ type, text }) => type === 'error' && text.includes('resource-constraint'))
    await users.waitFor(({ type, text }) => type === 'error' && text.includes('recipient-unavailable'))
  })

  test('the memory of the gateway never exceeded 200 MB', async (t) => {
    await progress()
    const peak = gateway.peakRss()
    t.diagnostic(`at most ${Math.round(peak / 1e6)} MB`)
    assert.ok(peak < MOST_RESIDENT)
  })

  test('no other instance was stalled, lost a message or got one twice or out of order', async () => {
    await flood.stop()
    await users.settled()
    assert.deepEqual(
      gateway.log.all('instance-stalled').map(({ instance }) => instance),
      [frozenName],
    )
    for (const reader of live) {
      const senders = new Set(reader.stanzas.map(({ from }) => from))
      const sent = Array.from({ length: flood.sent }, (_, id) => id)
      const own = sent.filter((id) => senders.has(`user${id % 1_000}@users.localhost/a`))
      await until([reader], () => reader.stanzas.length >= own.length)
      assert.deepEqual(
        reader.stanzas.map(({ id }) => Number(id)),
        own,
      )
    }
  })

  test('whatever it had not confirmed was bounced, each once, nothing is lost, and the counters add up', async () => {
    const { counters } = await domain('bot.localhost')
    assert.deepEqual([counters.dropped, counters.delivered.gone], [[], 0])
    const read = live.reduce((sum, { stanzas }) => sum + stanzas.length, 0)
    const bounced = () => users.stanzas.filter(({ type }) => type === 'error')
    await until([users], () => bounced().length >= flood.sent - read)
    const ids = bounced().map(({ id }) => id)
    assert.deepEqual([ids.length, new Set(ids).size], [flood.sent - read, flood.sent - read])
    const after = await domain('bot.localhost')
    assert.deepEqual([after.counters.received.instance, after.counters.delivered.instances], [flood.sent, read])
    assert.equal(after.held.stanzas, 0)
    for (const view of [after, await domain('users.localhost')]) assertBalanced(view)
  })

  async function domain(name: string): Promise<DomainView> {
    return (await gateway.admin(`/v1/domains/${name}`)) as DomainView
  }
})
