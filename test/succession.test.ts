import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hashText } from '../balancing/hash.ts'
import { Rendezvous } from '../balancing/rendezvous.ts'
import { eventually } from './stub/eventually.ts'
import { startGateway, type TestGateway } from './stub/gateway.ts'
import { RawInstance } from './stub/raw-instance.ts'

const yaml = `
listen: [{port: 0}]
domains:
  users.localhost: {secret: users}
  bot.localhost:
    instances: {blue: {secret: blue}, green: {secret: green}}
    hold: {seconds: 300, bytes: 1MiB}
domain_balancing: {bot.localhost: {type: bare_source}}
drain: {seconds: 0}
`
/** Blue's, as long as there is one. */
const USER = Array.from({ length: 100 }, (_, number) => `user${number}@users.localhost`).find((user) => {
  const ranking = Rendezvous.of(['blue', 'green'])
  return ranking.names[ranking.pick(hashText(user))] === 'blue'
})

interface Scene {
  readonly green: RawInstance
  /** It confirms nothing, and has been given 0 to 4. */
  readonly old: RawInstance
  join(name: string): Promise<RawInstance>
  /** The next so many, with numbers for ids; resolves when they have been read. */
  say(count: number): Promise<void>
  /** One of blue's ends its stream in order; resolves when that is known. */
  leave(instance: RawInstance): Promise<void>
}

async function scene(t: TestContext): Promise<Scene> {
  const gateway: TestGateway = await startGateway(yaml)
  const { port } = gateway
  const all: RawInstance[] = []
  const join = async (secret: string, domain = 'bot.localhost') => {
    const instance = await RawInstance.connect({ port, domain, secret })
    all.push(instance)
    return instance
  }
  t.after(async () => {
    for (const instance of all) await instance.kill()
    await gateway.stop()
  })
  const users = await join('users', 'users.localhost')
  const green = await join('green')
  const old = await join('blue')
  // The first ping is answered, so it is one that confirms.
  const blues = () => (gateway.view.instances('bot.localhost') ?? []).filter(({ name }) => name === 'blue')
  await eventually(() => blues()[0]?.confirmSeconds !== null)
  old.answersPings = false
  let said = 0
  const say = async (count: number) => {
    const ids = Array.from({ length: count }, () => said++)
    await users.sendAll(ids.map((id) => `<message from='${USER}' to='bot.localhost' id='${id}'/>`))
    await users.settled()
  }
  await say(5)
  await old.waitForCount(5)
  const leave = async (instance: RawInstance) => {
    const leaving = () => blues().filter(({ state }) => state === 'draining').length
    const before = leaving()
    instance.send('</stream:stream>')
    await eventually(() => leaving() > before)
  }
  return { green, old, join, say, leave }
}

/** As the kernel ends it with bytes unread, which says that they have not been read. */
const reset = async ({ socket, closed }: RawInstance) => {
  socket.resetAndDestroy()
  await closed
}
const idsOf = ({ stanzas }: RawInstance) => stanzas.map(({ id }) => Number(id))
const upTo = (end: number, start = 0) => Array.from({ length: end - start }, (_, index) => start + index)

test('who comes back under its name while its old stream ends in order gets nothing twice', async (t) => {
  const { old, join, say, leave } = await scene(t)
  await leave(old)
  const next = await join('blue')
  await say(5)
  await next.waitForCount(5)
  assert.deepEqual(idsOf(next), upTo(10, 5))
  assert.deepEqual(idsOf(old), upTo(5))
  assert.equal(old.streamError, undefined)
})

test('what the old stream has not read comes to the new one, before anything newer', async (t) => {
  const { old, join, say, leave } = await scene(t)
  old.pause()
  await say(5)
  await leave(old)
  const next = await join('blue')
  await say(5)
  assert.deepEqual(idsOf(next), [])
  await reset(old)
  await next.waitForCount(15)
  assert.deepEqual(idsOf(next), upTo(15))
})

test('when the new one goes before the old one has ended, another gets it all, in order', async (t) => {
  const { green, old, join, say, leave } = await scene(t)
  old.pause()
  await say(5)
  await leave(old)
  const next = await join('blue')
  await say(5)
  await next.kill()
  await green.waitForCount(15)
  assert.deepEqual(idsOf(green), upTo(15))
  assert.deepEqual(idsOf(next), [])
})

test('a third one under the name waits for the first, too', async (t) => {
  const { old, join, say, leave } = await scene(t)
  old.pause()
  await say(5)
  await leave(old)
  const next = await join('blue')
  await leave(next)
  const third = await join('blue')
  await say(5)
  assert.deepEqual(idsOf(third), [])
  await reset(old)
  await third.waitForCount(15)
  assert.deepEqual(idsOf(third), upTo(15))
})

test('one that takes the name of the second, which has not said goodbye, waits for the first, too', async (t) => {
  const { old, join, say, leave } = await scene(t)
  old.pause()
  await say(5)
  await leave(old)
  const next = await join('blue')
  await say(3)
  const third = await join('blue')
  await next.closed
  assert.equal(next.streamError, 'conflict')
  await say(2)
  assert.deepEqual([idsOf(next), idsOf(third)], [[], []])
  await reset(old)
  await third.waitForCount(15)
  assert.deepEqual(idsOf(third), upTo(15))
})
