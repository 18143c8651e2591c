import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGatewayProcess } from '../stub/gateway.ts'
import { RawInstance } from '../stub/raw-instance.ts'
import { StubServer } from '../stub/server.ts'

const yaml = (server: StubServer) => `
listen: [{port: 0}]
domains:
  bot.localhost:
    instances: {blue: {secret: blue}, green: {secret: green}}
    upstream: {service: "xmpp://127.0.0.1:${server.port}", secret: s3cret}
drain: {seconds: 0}
`
const ids = ['plain-1', 'no name: &#38; £']

test('a reply that comes after the node was killed and started again reaches the instance that asked', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const first = await startGatewayProcess(yaml(server))
  t.after(first.kill)
  const join = (port: number, name: string) => RawInstance.connect({ port, domain: 'bot.localhost', secret: name })
  const before = { blue: await join(first.port, 'blue'), green: await join(first.port, 'green') }
  const up = await server.connection()
  await up.admit()
  const tokens = new Map<string, string[]>()
  for (const [name, instance] of Object.entries(before)) {
    const asked: string[] = []
    for (const id of ids) {
      // Both use the same ids, as two processes that count from 1 do.
      instance.send(`<iq type='get' from='bot.localhost' to='juliet@localhost/x' id='${id}'><who xmlns='urn:x'/></iq>`)
      asked.push(/ id='([^']*)'/.exec(await up.until(/<iq .*?<\/iq>/))![1]!)
    }
    tokens.set(name, asked)
  }
  await first.kill()

  const second = await startGatewayProcess(yaml(server))
  t.after(second.kill)
  // The other way round, so that neither comes by its old place in the order.
  const green = await join(second.port, 'green')
  const blue = await join(second.port, 'blue')
  const again = await server.connection()
  await again.admit()
  for (const [name, asked] of tokens) {
    for (const token of asked) {
      again.send(`<iq type='result' from='juliet@localhost/x' to='bot.localhost' id='${token}'><n>${name}</n></iq>`)
    }
  }
  for (const [name, instance] of Object.entries({ blue, green })) {
    const replies = await instance.waitForCount(ids.length)
    assert.deepEqual(
      replies.map(({ id, text }) => [id, /<n>(.*)<\/n>/.exec(text)?.[1]]),
      ids.map((id) => [id, name]),
    )
  }
  for (const instance of [blue, green]) await instance.kill()
})
