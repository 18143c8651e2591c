import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GatewayProcess, startGatewayProcess } from '../stub/gateway.ts'
import { RawInstance } from '../stub/raw-instance.ts'
import { type StubConnection, StubServer } from '../stub/server.ts'

const JULIET = 'juliet@localhost/balcony'

const yaml = (server: StubServer, seconds: number) => `
listen: [{port: 0}]
domains:
  bot.localhost:
    instances: {blue: {secret: blue, bucket: 0}, green: {secret: green, bucket: 1}}
    upstream: {service: "xmpp://127.0.0.1:${server.port}", secret: s3cret}
    hold: {seconds: 300}
domain_balancing: {bot.localhost: {type: bare_destination, component_number: 2}}
drain: {seconds: ${seconds}}
`

interface Yard {
  readonly server: StubServer
  readonly gateway: GatewayProcess
  readonly link: StubConnection
  readonly blue: RawInstance
  stop(): Promise<void>
}

/** A server, a gateway in a process of its own, and one of the two instances that it should have. */
async function open(drainSeconds: number): Promise<Yard> {
  const server = await StubServer.listen()
  const gateway = await startGatewayProcess(yaml(server, drainSeconds))
  const blue = await RawInstance.connect({ port: gateway.port, domain: 'bot.localhost', secret: 'blue' })
  const link = await server.connection()
  await link.admit()
  const stop = async () => {
    await gateway.kill()
    await blue.kill()
    await server.close()
  }
  return { server, gateway, link, blue, stop }
}

/** By murmur3 mod 2: the first has bucket 0, which is blue's; the second has bucket 1, which nobody has. */
const BLUES = 'a@bot.localhost'
const NOBODYS = 'h@bot.localhost'

const get = (id: string) => `<iq type='get' from='${JULIET}' to='${BLUES}' id='${id}'><who xmlns='urn:x'/></iq>`
const result = (id: string) => `<iq type='result' from='${BLUES}' to='${JULIET}' id='${id}'><done xmlns='urn:x'/></iq>`
const message = (to: string, id: string) => `<message from='${JULIET}' to='${to}' id='${id}'><body>x</body></message>`
const iqWith = (id: string) => new RegExp(`<iq [^>]*id=.${id}.*?</iq>`)
const messageWith = (id: string) => new RegExp(`<message [^>]*id=.${id}.*?</message>`)

test('SIGTERM waits for the answers that instances owe, bounces the rest, closes with system-shutdown and ends with 0', async () => {
  const { gateway, link, blue, stop } = await open(60)
  link.send(get('asked') + message(NOBODYS, 'held') + message(BLUES, 'last'))
  await blue.waitFor(({ id }) => id === 'last')

  const exited = gateway.stop()
  await gateway.log.waitFor('stopping')
  // It takes nothing new now, and says so.
  link.send(get('late') + message(BLUES, 'late-too'))
  assert.match(await link.until(iqWith('late')), /recipient-unavailable/)
  assert.match(await link.until(messageWith('late-too')), /recipient-unavailable/)
  await assert.rejects(RawInstance.connect({ port: gateway.port, domain: 'bot.localhost', secret: 'green' }))
  assert.equal(blue.streamError, undefined)

  blue.send(result('asked'))
  assert.match(await link.until(iqWith('asked')), /type='result'.*<done xmlns='urn:x'\/>/)
  assert.match(await link.until(messageWith('held')), /type='error'.*type='wait'.*recipient-unavailable/)
  await link.until(/<\/stream:stream>/)
  link.end()
  await blue.closed
  assert.equal(blue.streamError, 'system-shutdown')
  assert.deepEqual(
    blue.stanzas.map(({ id }) => id),
    ['asked', 'last'],
  )
  assert.equal(await exited, 0)
  await stop()
})

test('what is not answered within drain.seconds is answered remote-server-timeout', async () => {
  const { gateway, link, blue, stop } = await open(0.3)
  link.send(get('never') + message(BLUES, 'last'))
  await blue.waitFor(({ id }) => id === 'last')
  const exited = gateway.stop()
  assert.match(await link.until(iqWith('never')), /type='error'.*type='wait'.*remote-server-timeout/)
  await blue.closed
  assert.equal(blue.streamError, 'system-shutdown')
  link.end()
  assert.equal(await exited, 0)
  await stop()
})

test('a second SIGTERM ends it at once, with 0', async () => {
  const { gateway, link, blue, stop } = await open(300)
  link.send(get('never'))
  await blue.waitForCount(1)
  const exited = gateway.stop()
  await gateway.log.waitFor('stopping')
  gateway.stop()
  assert.equal(await exited, 0)
  await stop()
})
