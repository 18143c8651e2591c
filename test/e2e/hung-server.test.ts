import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertBalanced } from '../stub/counters.ts'
import { startGateway } from '../stub/gateway.ts'
import { RawInstance, until } from '../stub/raw-instance.ts'
import { StubServer } from '../stub/server.ts'

const secret = 'swordfish'
const yaml = (server: StubServer) => `
listen: [{port: 0}]
domains:
  bot.localhost:
    secret: ${secret}
    upstream: {service: "xmpp://127.0.0.1:${server.port}", secret: s3cret, queue: {seconds: 300, bytes: 1MiB}}
  users.localhost: {secret: ${secret}}
limits: {stalled_after_seconds: 0.3, outbox_bytes: 256KiB}
drain: {seconds: 0}
`
const body = 'x'.repeat(1_000)

test('a server that hangs stops its senders for a moment only: the rest of their traffic goes on, and nothing is lost', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const gateway = await startGateway(yaml(server))
  t.after(() => gateway.stop())
  const bot = await RawInstance.connect({ port: gateway.port, domain: 'bot.localhost', secret })
  const users = await RawInstance.connect({ port: gateway.port, domain: 'users.localhost', secret })
  const link = await server.connection()
  await link.admit()

  link.socket.pause()
  let isOver = false
  const sent = { out: 0, across: 0 }
  function* traffic(): Generator<string> {
    while (!isOver) {
      // Most of it is for the hung server; some is for a component that is connected here, by the same stream.
      const isAcross = (sent.out + sent.across) % 10 === 9
      const [to, id] = isAcross ? ['x@users.localhost', sent.across++] : ['juliet@localhost', sent.out++]
      yield `<message from='a@bot.localhost' to='${to}' id='${id}'><body>${body}</body></message>`
    }
  }
  const done = bot.sendAll(traffic())
  await bot.waitFor(({ type, text }) => type === 'error' && text.includes('remote-server-timeout'))
  await users.waitForCount(users.stanzas.length + 5_000)
  isOver = true
  await done
  await bot.settled()
  await until([users], () => users.stanzas.length === sent.across)

  link.socket.resume()
  bot.send(`<message from='a@bot.localhost' to='juliet@localhost' id='last'><body>x</body></message>`)
  const text = await link.until(/<message [^>]*id='last'.*?<\/message>/)
  const arrived = [...text.matchAll(/ id='(\d+)'/g)].map(([, id]) => Number(id))
  const bounced = bot.stanzas.filter(({ type }) => type === 'error').map(({ id }) => Number(id))
  assert.deepEqual(
    arrived,
    arrived.toSorted((a, b) => a - b),
  )
  assert.equal(new Set([...arrived, ...bounced]).size, sent.out)
  assert.equal(arrived.length + bounced.length, sent.out)
  assert.deepEqual(
    users.stanzas.map(({ id }) => Number(id)),
    Array.from({ length: sent.across }, (_, id) => id),
  )
  assert.equal(gateway.log.all('link-down').length, 0)
  for (const view of gateway.view.domains()) assertBalanced(view)
  for (const instance of [bot, users]) await instance.kill()
  link.destroy()
})
