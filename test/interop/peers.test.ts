import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startBiboumi } from '../peers/biboumi.ts'
import { type Ejabberd, startEjabberd } from '../peers/ejabberd.ts'
import { startProsody, type XmppServer } from '../peers/prosody.ts'
import { startRedis } from '../peers/redis.ts'
import { type Slixmpp, startSlixmppComponent, startSlixmppUser } from '../peers/slixmpp.ts'
import { startComponent } from '../peers/xmpp-component.ts'

/** The peers among themselves, without Switchyard: what these show is what the other interop tests build on. */

const secret = 'swördfish'
const password = 'pa"ss wörd'
const components = ['echo.localhost', 'irc.localhost', 'lib.localhost'].map((domain) => ({ domain, secret }))
const users = [
  { jid: 'juliet@localhost', password },
  { jid: 'ro.meo@localhost', password },
]
const PING = "<ping xmlns='urn:xmpp:ping'/>"

async function logIn(server: XmppServer, resource = 'balcony'): Promise<Slixmpp> {
  return startSlixmppUser({ port: server.c2sPort, jid: `juliet@localhost/${resource}`, password })
}

describe('Prosody', () => {
  let server: XmppServer
  let user: Slixmpp
  before(async () => {
    server = await startProsody({ components, users })
    user = await logIn(server)
  })
  after(async () => {
    await user?.stop()
    await server?.stop()
  })

  test('a user and a slixmpp component exchange messages and iqs', async (t) => {
    const instance = await startSlixmppComponent({
      ...{ port: server.componentPort, domain: 'echo.localhost', secret, name: 'blue', echo: true },
    })
    t.after(instance.stop)
    await roundTrip(user, instance)
  })

  test('an account whose name has other than letters and digits logs in too', async (t) => {
    const romeo = await startSlixmppUser({ port: server.c2sPort, jid: 'ro.meo@localhost/orchard', password })
    t.after(romeo.stop)
    await romeo.send({ to: user.jid, body: 'wherefore' })
    assert.equal(
      (await user.waitForMessage((message) => message.body === 'wherefore')).from,
      'ro.meo@localhost/orchard',
    )
  })

  test('biboumi connects, and answers disco#info and ping', async (t) => {
    const biboumi = await startBiboumi({ port: server.componentPort, domain: 'irc.localhost', secret })
    t.after(biboumi.stop)
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    const info = await user.iq({ to: 'irc.localhost', type: 'get', payload: query })
    assert.equal(info.type, 'result')
    assert.match(info.payload, /<identity .*category="conference"/)
    assert.equal((await user.iq({ to: 'irc.localhost', type: 'get', payload: PING })).type, 'result')
  })

  test('@xmpp/component echoes and says who it is', async (t) => {
    const instance = await startComponent({
      ...{ port: server.componentPort, domain: 'lib.localhost', secret, name: 'green', echo: true },
    })
    t.after(instance.stop)
    await user.send({ to: 'bot@lib.localhost', body: 'ping € <&>', id: 'lib-1' })
    const echo = await user.waitForMessage((message) => message.id === 'lib-1')
    assert.deepEqual([echo.from, echo.body], ['bot@lib.localhost', 'ping € <&>'])
    assert.equal(await user.who('lib.localhost'), 'green')
  })

  test('a second component of the same domain gets conflict', async (t) => {
    const options = { port: server.componentPort, domain: 'lib.localhost', secret }
    const first = await startComponent({ ...options, name: 'first' })
    t.after(first.stop)
    await assert.rejects(startComponent({ ...options, name: 'second' }), { condition: 'conflict' })
    assert.equal(await user.who('lib.localhost'), 'first')
  })

  test('many messages sent fast arrive all, in order', async (t) => {
    const instance = await startComponent({
      ...{ port: server.componentPort, domain: 'lib.localhost', secret, name: 'sink' },
    })
    t.after(instance.stop)
    await user.sendMany({ to: 'lib.localhost', count: 500, prefix: 'fast-' })
    const messages = await instance.waitForMessages(500)
    assert.deepEqual(
      messages.map((message) => message.body),
      Array.from({ length: 500 }, (_, n) => `fast-${n}`),
    )
  })

  test('a restart keeps ports and accounts, and ends the streams', async (t) => {
    const options = { port: server.componentPort, domain: 'echo.localhost', secret, name: 'blue', reconnect: true }
    const instance = await startSlixmppComponent(options)
    t.after(instance.stop)
    await server.restart()
    await user.waitFor('disconnected')
    await instance.waitFor('ready', 2)
    const again = await logIn(server, 'again')
    assert.equal(again.jid, 'juliet@localhost/again')
    await again.stop()
  })
})

describe('ejabberd', () => {
  let server: Ejabberd
  let user: Slixmpp
  before(async () => {
    server = await startEjabberd({
      ...{ components, users, balancing: { 'echo.localhost': { type: 'bare_source', component_number: 2 } } },
    })
    user = await logIn(server)
  })
  after(async () => {
    await user?.stop()
    await server?.stop()
  })

  test('a user and a slixmpp component exchange messages and iqs', async (t) => {
    const options = { port: server.componentPort, domain: 'echo.localhost', secret, echo: true }
    const blue = await startSlixmppComponent({ ...options, name: 'blue' })
    t.after(blue.stop)
    // A slot that nobody has loses its share of the keys; that both answer as blue is because either may be asked.
    const other = await startSlixmppComponent({ ...options, name: 'blue' })
    t.after(other.stop)
    await roundTrip(user, blue, other)
  })

  test('two servers run side by side', async (t) => {
    const other = await startEjabberd({ components, users })
    t.after(other.stop)
    const elsewhere = await logIn(other)
    t.after(elsewhere.stop)
    assert.deepEqual(await other.api('connected_users', {}), ['juliet@localhost/balcony'])
  })
})

test('Redis answers, and a restart comes back empty on the same port', async (t) => {
  const redis = await startRedis()
  t.after(redis.stop)
  assert.equal(await ask(redis.port, 'SET key value'), '+OK')
  assert.equal(await ask(redis.port, 'EXISTS key'), ':1')
  await redis.restart()
  assert.equal(await ask(redis.port, 'EXISTS key'), ':0')
})

test('a peer dies with the process that started it, even by SIGKILL', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-orphan-'))
  t.after(() => rmSync(folder, { recursive: true }))
  // The peer runs as a user of its own and has to get at its folder inside.
  chmodSync(folder, 0o755)
  const code = `import { startRedis } from ${JSON.stringify(new URL('../peers/redis.ts', import.meta.url).href)}
    process.stdout.write(String((await startRedis()).port))`
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(parent.stdout, 'data')
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  // A reset is as good an end as any.
  const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))
  parent.kill('SIGKILL')
  await closed
})

test('a component with a wrong secret fails with the log of what happened', async (t) => {
  const server = await startProsody({ components })
  t.after(server.stop)
  const refused = startSlixmppComponent({
    port: server.componentPort,
    domain: 'echo.localhost',
    secret: 'no',
    name: 'x',
  })
  await assert.rejects(refused, /slixmpp x ended .*"not-authorized"/s)
})

/** A message there and back, a ping, and the instance's name. */
async function roundTrip(user: Slixmpp, ...instances: readonly Slixmpp[]): Promise<void> {
  const body = 'hällo <&> 🎭'
  await user.send({ to: 'bot@echo.localhost/x', body, id: 'trip-1', type: 'chat' })
  const echo = await user.waitForMessage((message) => message.id === 'trip-1')
  assert.deepEqual([echo.from, echo.to, echo.type, echo.body], ['bot@echo.localhost/x', user.jid, 'chat', body])
  assert.deepEqual(
    instances.flatMap((instance) => instance.messages.map((message) => message.from)),
    [user.jid],
  )
  assert.equal(await user.who('echo.localhost'), 'blue')
  const ping = await user.iq({ to: 'echo.localhost', type: 'get', payload: PING })
  assert.deepEqual([ping.type, ping.from], ['result', 'echo.localhost'])
  const back = await instances[0]!.iq({ to: 'localhost', from: 'bot@echo.localhost', type: 'get', payload: PING })
  assert.equal(back.type, 'result')
}

/** One line to Redis, one line back. */
async function ask(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(`${line}\r\n`)
  const [answer] = await once(socket.setEncoding('utf8'), 'data')
  return answer.trim()
}
