import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canaryOf, isCanarys } from '../../balancing/canary.ts'
import { hashText } from '../../balancing/hash.ts'
import { between, pick, seeded } from '../chaos/random.ts'
import { assertBalanced } from '../stub/counters.ts'
import { eventually } from '../stub/eventually.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'
import { RawInstance, type Stanza } from '../stub/raw-instance.ts'
import { configOf } from './node.ts'

const yaml = (percent: number, hot = '') => `
listen: [{port: 0}]
domains:
  users.localhost: {secret: users}
  bot.localhost:
    instances: {blue: {secret: blue, weight: 3}, green: {secret: green}, red: {secret: red, weight: 2}, next: {secret: next}}
    canary: {instance: next, percent: ${percent}}
    balance_factor: 125
    hot_keys: {${hot}}
    hold: {seconds: 300, bytes: 64MiB}
domain_balancing: {bot.localhost: {type: bare_source}}
drain: {seconds: 0}
`
const USERS = 300
const user = (number: number) => `user${number}@users.localhost`

/** What has come to whom, in the order in which it came. */
class Ledger {
  readonly entries: { readonly at: string; readonly from: string; readonly id: number }[] = []

  async connect({ port }: TestGateway, at: string): Promise<RawInstance> {
    const instance = await RawInstance.connect({ port, domain: 'bot.localhost', secret: at })
    const note = ({ from, id }: Stanza) => this.entries.push({ at, from, id: Number(id) })
    for (const stanza of instance.stanzas) note(stanza)
    instance.onStanza = note
    return instance
  }

  /** Who has had something of a user since an entry. */
  metSince(start: number): Map<string, Set<string>> {
    const met = new Map<string, Set<string>>()
    for (const { at, from } of this.entries.slice(start)) met.set(from, (met.get(from) ?? new Set()).add(at))
    return met
  }
}

interface Stage {
  readonly gateway: TestGateway
  readonly ledger: Ledger
  /** The instances that are there, by name. */
  readonly open: ReadonlyMap<string, RawInstance>
  join(name: string): Promise<void>
  /** It ends its stream, and is not waited for. */
  leave(name: string): void
  reload(text: string): Promise<void>
  /** So many stanzas of each user; resolves when they have been read. */
  say(turns: number): Promise<void>
  /** Resolves when all has come. */
  all(): Promise<void>
  /** Each user was heard in order, and nothing came twice. */
  assertInOrder(): void
  stop(): Promise<void>
}

async function startStage(): Promise<Stage> {
  const gateway = await startGateway(yaml(0))
  const { port } = gateway
  const ledger = new Ledger()
  const users = await RawInstance.connect({ port, domain: 'users.localhost', secret: 'users' })
  const open = new Map<string, RawInstance>()
  let turn = 0
  return {
    ...{ gateway, ledger, open },
    join: async (name) => void open.set(name, await ledger.connect(gateway, name)),
    leave: (name) => {
      open.get(name)?.send('</stream:stream>')
      open.delete(name)
    },
    reload: (text) => gateway.gateway.reload(configOf(text.replace('port: 0', `port: ${port}`))),
    say: async (turns) => {
      for (const until = turn + turns; turn < until; turn++) {
        const id = turn
        await users.sendAll(
          Array.from({ length: USERS }, (_, n) => `<message from='${user(n)}' to='bot.localhost' id='${id}'/>`),
        )
      }
      await users.settled()
    },
    all: () => eventually(() => ledger.entries.length >= turn * USERS),
    assertInOrder: () => {
      const next = new Map<string, number>()
      for (const { at, from, id } of ledger.entries) {
        assert.equal(id, next.get(from) ?? 0, `${from} at ${at}`)
        next.set(from, id + 1)
      }
      assert.equal(next.size, USERS)
    },
    stop: async () => {
      await eventually(() => gateway.view.domain('bot.localhost')!.held.stanzas === 0)
      assertBalanced(gateway.view.domain('bot.localhost')!)
      for (const instance of [users, ...open.values()]) await instance.kill()
      await gateway.stop()
    },
  }
}

test('while the canary grows, a hot key is named and instances come and go, each user is heard in order, once', async () => {
  const { gateway, ledger, join, leave, reload, say, all, assertInOrder, stop } = await startStage()
  for (const name of ['blue', 'green', 'next']) await join(name)
  await say(10)
  await all()
  const atNone = ledger.metSince(0)
  assert.ok([...atNone.values()].every((met) => met.size === 1 && !met.has('next')))

  // None of these waits for what was said before to have come.
  await say(10)
  await reload(yaml(20))
  await say(10)
  await reload(yaml(20, `'${user(7)}': 40`))
  await say(10)
  await join('red')
  await say(10)
  leave('green')
  await say(10)
  await join('green')
  await say(10)
  leave('next')
  await say(10)
  await join('next')
  await say(10)
  await all()

  assertInOrder()

  const start = ledger.entries.length
  await say(5)
  await all()
  const canary = canaryOf('next', 20)
  for (const [from, met] of ledger.metSince(start)) {
    assert.equal(met.size, 1)
    assert.equal(met.has('next'), isCanarys(canary, hashText(from)), from)
    const explained = gateway.view.explain('bot.localhost', from, 'bot.localhost')
    assert.equal(explained && 'instance' in explained && explained.instance, [...met][0])
  }
  const { canary: shown, balanceFactor, hotKeys } = gateway.view.domain('bot.localhost')!
  assert.deepEqual([shown?.percent, balanceFactor, hotKeys], [20, 125, 1])
  const weights = gateway.view.instances('bot.localhost')?.map(({ name, weight }) => [name, weight])
  assert.deepEqual(
    new Map(weights as [string, number | null][]),
    new Map([
      ['blue', 3],
      ['green', 1],
      ['red', 2],
      ['next', null],
    ]),
  )
  await stop()
})

for (const seed of [1, 2, 3]) {
  test(`in whatever order instances come and go and settings change, each user is heard in order, once (seed ${seed})`, async () => {
    const { open, join, leave, reload, say, all, assertInOrder, stop } = await startStage()
    const random = seeded(seed)
    const names = ['blue', 'green', 'red', 'next']
    for (const name of names) await join(name)
    for (let step = 0; step < 25; step++) {
      const name = pick(random, names)
      const hot = pick(random, ['', `'${user(between(random, 0, 20))}': ${between(random, 10, 50)}`])
      if (random() < 0.25) await reload(yaml(between(random, 0, 2) * 20, hot))
      else if (!open.has(name)) await join(name)
      else if (open.size > 1) leave(name)
      await say(between(random, 1, 3))
    }
    await all()
    assertInOrder()
    await stop()
  })
}
