import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { SlowProxy } from '../../peers/slow-proxy.ts'

/** A server that keeps what comes, and a client of it through a proxy. */
async function setUp(t: TestContext) {
  const server = createServer({ allowHalfOpen: true })
  const accepted: Socket[] = []
  let text = ''
  server.on('connection', (socket: Socket) => {
    accepted.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await SlowProxy.open((server.address() as AddressInfo).port)
  t.after(async () => {
    await proxy.close()
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  const dial = (): Socket => {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => socket.destroy())
    return socket.on('error', () => {})
  }
  const came = async (...wanted: string[]): Promise<void> => {
    while (!wanted.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { proxy, dial, came, text: () => text, accepted }
}

/** A reset is an error, too, which `once` would reject with. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('close', () => resolve()))
}

test('a proxy passes bytes and ends on in order, after its delay', async (t) => {
  const { proxy, dial, came } = await setUp(t)
  const client = dial()
  proxy.delay(60)
  const began = performance.now()
  client.write('one ')
  client.write('two ')
  client.end('three')
  await came('one two three')
  assert.ok(performance.now() - began >= 29)
})

test('what is sent while a proxy hangs arrives when it heals, on connections old and new', async (t) => {
  const { proxy, dial, came, text, accepted } = await setUp(t)
  const old = dial()
  old.write('a')
  await came('a')
  proxy.hang()
  old.write('b')
  const young = dial()
  await once(young, 'connect')
  young.write('c')
  const other = await setUp(t)
  // Another connection's round trip: bytes that pass at all have passed by then.
  other.dial().write('x')
  await other.came('x')
  assert.deepEqual({ text: text(), connections: accepted.length }, { text: 'a', connections: 1 })
  await proxy.heal()
  await came('abc', 'acb')
})

test('a proxy that cuts resets what is connected and takes more; one that refuses takes nothing until it heals', async (t) => {
  const { proxy, dial, came } = await setUp(t)
  const first = dial()
  first.write('a')
  await came('a')
  const closed = closeOf(first)
  proxy.cut()
  await closed
  const second = dial()
  second.write('b')
  await came('ab')
  const gone = closeOf(second)
  await proxy.refuse()
  await gone
  const refused = connect(proxy.port, '127.0.0.1')
  const [error] = await once(refused, 'error')
  assert.equal(error.code, 'ECONNREFUSED')
  await proxy.heal()
  dial().write('c')
  await came('abc')
})
