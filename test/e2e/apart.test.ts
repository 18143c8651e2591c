import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canaryOf, isCanarys } from '../../balancing/canary.ts'
import { hashText } from '../../balancing/hash.ts'
import { assertBalanced } from '../stub/counters.ts'
import { eventually } from '../stub/eventually.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'
import { RawInstance } from '../stub/raw-instance.ts'
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
    let rest = ''
    const read = (text: string): void => {
      rest += text
      const last = rest.lastIndexOf('>') + 1
      for (const [tag] of rest.slice(0, last).matchAll(/<message [^>]*>/g)) {
        const [from, id] = ['from', 'id'].map((name) => new RegExp(` ${name}=['"]([^'"]*)`).exec(tag)?.[1] ?? '')
        this.entries.push({ at, from: from ?? '', id: Number(id) })
      }
      rest = rest.slice(last)
    }
    for (const { from, id } of instance.stanzas) this.entries.push({ at, from, id: Number(id) })
    instance.socket.on('data', read)
    return instance
  }

  /** Who has had something of a user since an entry. */
  metSince(start: number): Map<string, Set<string>> {
    const met = new Map<string, Set<string>>()
    for (const { at, from } of this.entries.slice(start)) met.set(from, (met.get(from) ?? new Set()).add(at))
    return met
  }
}

test('while the canary grows, a hot key is named and instances come and go, each user is heard in order, once', async () => {
  const gateway = await startGateway(yaml(0))
  const ledger = new Ledger()
  const users = await RawInstance.connect({ port: gateway.port, domain: 'users.localhost', secret: 'users' })
  const open = new Map<string, RawInstance>()
  for (const name of ['blue', 'green', 'next']) open.set(name, await ledger.connect(gateway, name))
  let turn = 0
  const say = async (turns: number): Promise<void> => {
    for (const until = turn + turns; turn < until; turn++) {
      const id = turn
      await users.sendAll(
        Array.from({ length: USERS }, (_, n) => `<message from='${user(n)}' to='bot.localhost' id='${id}'/>`),
      )
    }
    await users.settled()
  }
  const all = () => eventually(() => ledger.entries.length >= turn * USERS)
  const reload = async (text: string) => {
    const { port } = gateway
    await gateway.gateway.reload(configOf(text.replace('port: 0', `port: ${port}`)))
  }
  const leave = (name: string): void => open.get(name)?.send('</stream:stream>')

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
  open.set('red', await ledger.connect(gateway, 'red'))
  await say(10)
  leave('green')
  await say(10)
  open.set('green', await ledger.connect(gateway, 'green'))
  await say(10)
  leave('next')
  await say(10)
  open.set('next', await ledger.connect(gateway, 'next'))
  await say(10)
  await all()

  const next = new Map<string, number>()
  for (const { at, from, id } of ledger.entries) {
    assert.equal(id, next.get(from) ?? 0, `${from} at ${at}`)
    next.set(from, id + 1)
  }
  assert.equal(next.size, USERS)

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
  await eventually(() => gateway.view.domain('bot.localhost')!.held.stanzas === 0)
  assertBalanced(gateway.view.domain('bot.localhost')!)
  for (const instance of [users, ...open.values()]) await instance.kill()
  await gateway.stop()
})
