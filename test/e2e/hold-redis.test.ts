import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { bucketOf } from '../../balancing/buckets.ts'
import { hashText } from '../../balancing/hash.ts'
import { type Redis as RedisPeer, startRedis } from '../peers/redis.ts'
import { type GatewayProcess, startGatewayProcess } from '../stub/gateway.ts'
import { RawInstance } from '../stub/raw-instance.ts'
import { type StubConnection, StubServer } from '../stub/server.ts'

const DOMAIN = 'bot.localhost'
const PASSWORD = 'never-to-be-logged'
/** Users whose bucket is the one that has no instance. */
const users = Array.from({ length: 100 }, (_, n) => `user${n}@localhost`)
  .filter((jid) => bucketOf(hashText(jid), 2) === 1)
  .slice(0, 20)

const yaml = (server: StubServer, redis: RedisPeer) => `
listen: [{port: 0}]
domains:
  ${DOMAIN}:
    instances: {blue: {secret: blue, bucket: 0}, green: {secret: green, bucket: 1}}
    upstream: {service: "xmpp://127.0.0.1:${server.port}", secret: s3cret}
    hold: {seconds: 3600, bytes: 64MiB, store: redis}
domain_balancing: {${DOMAIN}: {type: bare_source, component_number: 2}}
cluster: {redis: "redis://:${PASSWORD}@127.0.0.1:${redis.port}"}
admin: {port: 0}
drain: {seconds: 1}
`

interface Bench {
  readonly server: StubServer
  readonly redis: RedisPeer
  /** Starts the node, as after whatever ended the one before. */
  start(): Promise<GatewayProcess>
  /** How many entries all inboxes in Redis have. */
  entries(): Promise<number>
  /** The inboxes in Redis that have entries, and in how many seconds each goes by itself. */
  inboxes(): Promise<ReadonlyMap<string, number>>
  /** As if so long had passed that they have gone. */
  forget(inboxes: Iterable<string>): Promise<void>
}

async function bench(t: TestContext): Promise<Bench> {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const redis = await startRedis({ settings: ['--requirepass', PASSWORD] })
  t.after(() => redis.stop())
  const admin = new Redis(redis.port, { password: PASSWORD, lazyConnect: true })
  admin.on('error', () => {})
  t.after(() => admin.disconnect())
  return {
    ...{ server, redis },
    inboxes: async () => {
      const left = new Map<string, number>()
      for (const key of await admin.keys('switchyard:inbox:*')) {
        if ((await admin.xlen(key)) > 0) left.set(key, await admin.ttl(key))
      }
      return left
    },
    forget: async (inboxes) => {
      for (const inbox of inboxes) await admin.del(inbox)
    },
    start: async () => {
      const node = await startGatewayProcess(yaml(server, redis))
      t.after(node.kill)
      return node
    },
    entries: async () => {
      const client = new Redis(redis.port, { password: PASSWORD })
      const inboxes = await client.keys('switchyard:inbox:*')
      const lengths = await Promise.all(inboxes.map((inbox) => client.xlen(inbox)))
      client.disconnect()
      return lengths.reduce((sum, length) => sum + length, 0)
    },
  }
}

/** An instance that answers every ping at once, as a component library does. */
async function join(node: GatewayProcess, name: string): Promise<RawInstance> {
  const instance = await RawInstance.connect({ port: node.port, domain: DOMAIN, secret: name })
  void answerPings(instance)
  return instance
}

async function answerPings(instance: RawInstance): Promise<void> {
  for (let looked = 0; !instance.socket.destroyed; await instance.more()) {
    for (; looked < instance.stanzas.length; looked++) {
      const { name, type, id, from } = instance.stanzas[looked]!
      if (name === 'iq' && type === 'get') instance.send(`<iq type='result' from='${DOMAIN}' to='${from}' id='${id}'/>`)
    }
  }
}

/** Messages `from`, `from + 1`, … below `to`, from every user in turn. */
function send(up: StubConnection, from: number, to: number): void {
  let text = ''
  for (let n = from; n < to; n++) {
    text += `<message from='${users[n % users.length]}/x' to='${DOMAIN}' id='${n}'><body>number ${n}</body></message>`
  }
  up.send(text)
}

/** Resolves when so many stanzas are held, and Redis has them (or has not, for as long as it is away). */
async function held(node: GatewayProcess, count: number, unsaved = 0): Promise<void> {
  const value = (text: string, name: string) =>
    Number(new RegExp(`^${name}\\{domain="${DOMAIN}"\\} (\\d+)$`, 'm').exec(text)?.[1])
  for (;;) {
    const text = String(await node.admin('/metrics'))
    const now = [value(text, 'switchyard_stanzas_held'), value(text, 'switchyard_hold_unsaved')]
    if (now[0] === count && now[1] === unsaved) return
    await wait(20)
  }
}

/** The messages once all below `count` are there, repetitions left out: each once, in order per user, and delayed. */
async function assertAll(instance: RawInstance, count: number): Promise<void> {
  const seen = new Set<string>()
  let looked = 0
  const messages = () => instance.stanzas.filter(({ name }) => name === 'message')
  for (; seen.size < count; await instance.more()) {
    const all = messages()
    for (; looked < all.length; looked++) seen.add(all[looked]!.id)
    if (seen.size >= count) break
  }
  const last = new Map<string, number>()
  for (const { from, id, text } of messages().slice(0, count)) {
    assert.ok((last.get(from) ?? -1) < Number(id), `${from}: ${id} after ${last.get(from)}`)
    last.set(from, Number(id))
    assert.match(text, /<delay xmlns='urn:xmpp:delay' from='switchyard.localhost' stamp='[^']+Z'\/><\/message>$/)
    assert.equal(text.split('<delay').length, 2, text)
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await wait(20)
}

test('[XEP-0203 §2] 10 000 messages held when the node is killed reach the instance that comes, in order, delayed', async (t) => {
  const { server, start, entries } = await bench(t)
  const first = await start()
  await join(first, 'blue')
  const up = await server.connection()
  await up.admit()
  send(up, 0, 10_000)
  await held(first, 10_000)
  await first.kill()

  const second = await start()
  await second.log.waitFor('estate-claimed')
  const green = await join(second, 'green')
  await assertAll(green, 10_000)
  await until(async () => (await entries()) === 0)
  assert.equal(green.stanzas.filter(({ name }) => name === 'message').length, 10_000)
  assert.doesNotMatch(first.log.text + second.log.text, new RegExp(PASSWORD))
})

test('what an instance was given and had not confirmed when the node was killed is delivered again', async (t) => {
  const { server, start } = await bench(t)
  const first = await start()
  await join(first, 'blue')
  const up = await server.connection()
  await up.admit()
  send(up, 0, 200)
  await held(first, 200)
  const silent = await RawInstance.connect({ port: first.port, domain: DOMAIN, secret: 'green' })
  await silent.waitFor(({ id }) => id === '199')
  await first.kill()

  const second = await start()
  await assertAll(await join(second, 'green'), 200)
})

test('a node that is stopped bounces nothing of what Redis has', async (t) => {
  const { server, start } = await bench(t)
  const first = await start()
  await join(first, 'blue')
  const up = await server.connection()
  await up.admit()
  send(up, 0, 100)
  assert.equal(await Promise.all([held(first, 100)]).then(() => first.stop()), 0)
  assert.doesNotMatch(await up.until(/<\/stream:stream>/), /type='error'/)

  const second = await start()
  await assertAll(await join(second, 'green'), 100)
})

test('what is held outlives the longest hold without a node, however the last one ended; what has gone is told', async (t) => {
  const { server, start, inboxes, forget } = await bench(t)
  const week = 7 * 24 * 3600
  const first = await start()
  await join(first, 'blue')
  const up = await server.connection()
  await up.admit()
  send(up, 0, 100)
  await held(first, 100)
  await first.kill()
  const left = await inboxes()
  assert.equal(left.size, 1)
  for (const seconds of left.values()) assert.ok(seconds > week, `${seconds} s`)

  const second = await start()
  await second.log.waitFor('estate-claimed')
  assert.equal(await second.stop(), 0)
  assert.deepEqual([...(await inboxes()).keys()], [...left.keys()])
  for (const seconds of (await inboxes()).values()) assert.ok(seconds > week, `${seconds} s`)

  await forget(left.keys())
  const third = await start()
  assert.equal((await third.log.waitFor('estate-missing')).node, third.log.all('ready')[0]?.node)
  assert.deepEqual(third.log.all('estate-settled'), [])
})

test('a Redis that comes back empty is told all that is held, and what it missed', async (t) => {
  const { server, redis, start, entries } = await bench(t)
  const first = await start()
  await join(first, 'blue')
  const up = await server.connection()
  await up.admit()
  send(up, 0, 100)
  await held(first, 100)
  await redis.kill()
  await first.log.waitFor('cluster-down')
  send(up, 100, 300)
  await held(first, 300, 200)
  await redis.start()
  await first.log.waitFor('cluster-up')
  await held(first, 300)
  assert.ok((await entries()) > 0)
  await first.kill()

  const second = await start()
  await assertAll(await join(second, 'green'), 300)
})

test('a Redis that is not there when the node starts is waited for, and what it has goes first', async (t) => {
  const { server, redis, start } = await bench(t)
  const first = await start()
  await join(first, 'blue')
  const up = await server.connection()
  await up.admit()
  send(up, 0, 100)
  await held(first, 100)
  await first.kill()
  redis.pause()

  const starting = start()
  setTimeout(redis.resume, 2000)
  const second = await starting
  await join(second, 'blue')
  const again = await server.connection()
  await again.admit()
  send(again, 100, 200)
  await held(second, 200)
  await second.kill()

  const third = await start()
  await assertAll(await join(third, 'green'), 200)
})
