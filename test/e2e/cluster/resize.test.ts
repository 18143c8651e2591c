import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { RawInstance } from '../../stub/raw-instance.ts'
import { BOT, named, settings, USERS, usersOf } from './traffic.ts'
import { type Member, type Settings, until, Yard } from './yard.ts'

const nodes = ['a', 'b', 'c'] as const
const names = ['amber', 'blue', 'coral', 'denim', 'ebony', 'fawn']
const bot = { instances: named(...names), hold: { seconds: 60, bytes: '64MiB' } }
const buckets = (component_number: number): Settings => ({ type: 'bare_source', component_number })
const all = usersOf(12, undefined, 60)

interface Arrival {
  readonly at: string
  readonly user: string
  readonly number: number
}

/** Three nodes with two instances each, and a sender at each for a third of the users. */
class Bench {
  readonly yard: Yard
  readonly arrivals: Arrival[] = []
  readonly sent = new Map<string, number>()
  readonly instances = new Map<string, RawInstance>()
  readonly senders: RawInstance[] = []

  constructor(yard: Yard) {
    this.yard = yard
  }

  static async open(t: TestContext, balancing: Settings): Promise<Bench> {
    const bench = new Bench(await Yard.start(t, { nodes, settings: settings(bot, balancing) }))
    for (const [n, name] of names.entries()) {
      const instance = await bench.yard.node(nodes[n % 3]!).join(BOT, name)
      instance.onStanza = ({ from, id }) => bench.arrivals.push({ at: name, user: from, number: Number(id) })
      bench.instances.set(name, instance)
      // One after the other: so the first four have the buckets.
      await bench.yard.joined(BOT, n + 1)
    }
    for (const node of nodes) bench.senders.push(await bench.yard.node(node).join(USERS, USERS))
    return bench
  }

  /** Sends for all users, at all nodes, until it is called. */
  sending(): () => Promise<void> {
    let isOver = false
    const done = this.senders.map(async (sender, n) => {
      const users = all.filter((_, index) => index % this.senders.length === n)
      while (!isOver) {
        for (let turn = 0; turn < 5; turn++) sender.send(users.map((user) => this.#next(user)).join(''))
        await sender.settled()
      }
    })
    return async () => {
      isOver = true
      await Promise.all(done)
    }
  }

  #next(user: string): string {
    const number = this.sent.get(user) ?? 0
    this.sent.set(user, number + 1)
    return `<message from='${user}' to='${BOT}' id='${number}'><body>${number}</body></message>`
  }

  get total(): number {
    return [...this.sent.values()].reduce((sum, of) => sum + of, 0)
  }

  came(stanzas: number): Promise<void> {
    return until(`${stanzas} have come`, () => this.arrivals.length >= stanzas)
  }

  /** So many more come. */
  more(stanzas: number): Promise<void> {
    return this.came(this.arrivals.length + stanzas)
  }

  async reload(member: Member, balancing: Settings): Promise<void> {
    const before = member.process.log.all('config-reloaded').length
    const more = { domain_balancing: { [BOT]: balancing } }
    member.process.reload(await this.yard.config(member.name, member.redis, more))
    await member.process.log.waitFor('config-reloaded', {}, before + 1)
  }

  /** Resolves when every node has so many buckets. */
  async resized(count: number): Promise<void> {
    for (const { name, process } of this.yard.members) {
      await until(`${name} has ${count} buckets`, async () => (await this.holders(process)).length === count)
    }
  }

  async holders(process: Member['process']): Promise<readonly (string | null)[]> {
    const view = (await process.admin(`/v1/domains/${BOT}`)) as { buckets: { holder: string | null }[] }
    return view.buckets.map(({ holder }) => holder)
  }

  async assertOnceInOrder(): Promise<void> {
    await this.came(this.total)
    const numbers = new Map<string, number[]>()
    for (const { user, number } of this.arrivals) numbers.set(user, [...(numbers.get(user) ?? []), number])
    for (const [user, of] of this.sent) {
      assert.deepEqual(
        numbers.get(user),
        Array.from({ length: of }, (_, n) => n),
        user,
      )
    }
    for (const member of this.yard.members) {
      assert.equal(await member.metric('switchyard_bounced_total'), 0, member.name)
      assert.equal(await member.metric('switchyard_dropped_total'), 0, member.name)
    }
  }
}

describe('the balancing is changed while the nodes of a cluster run', { concurrency: true, timeout: 90_000 }, () => {
  test('4, 6 and then 3 buckets, each node told at another moment: each stanza comes once, in the order of its key', async (t) => {
    const bench = await Bench.open(t, buckets(4))
    const stop = bench.sending()
    await bench.more(500)
    for (const [count, order] of [
      [6, ['a', 'b', 'c']],
      [3, ['c', 'a', 'b']],
    ] as const) {
      for (const name of order) {
        await bench.reload(bench.yard.node(name), buckets(count))
        // The first to be told says it to all.
        await bench.resized(count)
        await bench.more(500)
      }
    }
    await stop()
    await bench.assertOnceInOrder()
    for (const { process } of bench.yard.members) {
      assert.deepEqual(await bench.holders(process), ['amber', 'blue', 'coral'])
    }
  })

  test('nodes that are started anew, one after the other, with another number of buckets: it holds once all have it', async (t) => {
    const bench = await Bench.open(t, buckets(4))
    for (const { name } of bench.yard.members) {
      await bench.yard.node(name).process.stop()
      await bench.yard.startNode(name, { domain_balancing: { [BOT]: buckets(6) } })
      await bench.yard.together()
    }
    await bench.yard.node('a').join(BOT, 'amber')
    await bench.resized(6)
  })
})
