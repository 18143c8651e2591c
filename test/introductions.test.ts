import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type Node, startNode } from './e2e/node.ts'
import { StubInstance, streamHeader } from './stub/instance.ts'
import { makeCertificate } from './stub/server.ts'

const yard = (listener: string, limits = '{}'): string => `
node: yard
listen: [${listener}]
domains: {a.test: {secret: swordfish}}
limits: ${limits}
drain: {seconds: 0}
log: {level: info}
`
const behind = '{port: 0, proxy_protocol: true}'
const header = (address: string, port = 4711): string => `PROXY TCP4 ${address} 198.51.100.1 ${port} 5347\r\n`
const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

/** What the admin port says of where the instances of a.test come from. */
const remotes = (node: Node): readonly string[] => node.gateway.view.instances('a.test')!.map(({ remote }) => remote)

async function refusals(node: Node): Promise<Readonly<Record<string, number>>> {
  const text = await node.gateway.view.metrics()
  const lines = text.matchAll(/^switchyard_connections_refused_total\{reason="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, reason, count]) => [reason, Number(count)]))
}

async function shakeHands(stub: StubInstance): Promise<void> {
  await stub.header()
  stub.handshake('swordfish')
  await stub.accepted()
}

async function ping(stub: StubInstance): Promise<void> {
  stub.send("<iq type='get' id='1' from='a.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  assert.match(await stub.stanza(), /id='1'/)
}

/** The node has closed it, with bytes unread (reset) or without. */
async function gone(stub: StubInstance): Promise<void> {
  await Promise.race([stub.ended, stub.closed])
  await stub.die()
}

test('an instance behind a balancer is known by the address that the PROXY header gives', async (t) => {
  const node = await startNode(t, yard(behind))
  const stub = await StubInstance.connect(node.port)
  stub.send(header('192.0.2.7'))
  stub.send(streamHeader('a.test'))
  await shakeHands(stub)
  assert.deepEqual(remotes(node), ['192.0.2.7:4711'])
  assert.ok(node.logged.some(({ code, remote }) => code === 'instance-joined' && remote === '192.0.2.7:4711'))
  await ping(stub)
  await stub.leave()
})

for (const size of [1, 7, 1000]) {
  test(`the header and the stream may come in pieces of ${size} bytes, and in one piece`, async (t) => {
    const node = await startNode(t, yard(behind))
    const stub = await StubInstance.connect(node.port)
    await stub.sendPieces(Buffer.from(header('192.0.2.7') + streamHeader('a.test')), size)
    await shakeHands(stub)
    await ping(stub)
    await stub.leave()
  })
}

test('behind the header there may be TLS, in the same piece too', async (t) => {
  const { cert, key } = makeCertificate()
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-introductions-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key)
  const tls = `{cert: ${join(folder, 'cert.pem')}, key: ${join(folder, 'key.pem')}}`
  const node = await startNode(t, yard(`{port: 0, proxy_protocol: true, tls: ${tls}}`))
  for (const isOnePiece of [false, true]) {
    const raw = connect({ port: node.port, host: '127.0.0.1' })
    await once(raw, 'connect')
    raw.setNoDelay(true)
    if (isOnePiece) raw.cork()
    raw.write(header('192.0.2.8', 99))
    const secure = connectTls({ socket: raw, ca: cert, servername: 'localhost' })
    // The hello has been written by then.
    if (isOnePiece) setImmediate(() => raw.uncork())
    await once(secure, 'secureConnect')
    secure.write(streamHeader('a.test'))
    const [answer] = await once(secure, 'data')
    assert.match(String(answer), /id=/)
    secure.write('<handshake>wrong</handshake>')
    await once(secure, 'close')
  }
  const refused = node.logged.filter(({ code }) => code === 'instance-refused')
  assert.deepEqual(
    refused.map(({ remote, condition }) => [remote, condition]),
    Array(2).fill(['192.0.2.8:99', 'not-authorized']),
  )
})

test('a balancer that checks our health is taken as itself, and may say nothing at all', async (t) => {
  const node = await startNode(t, yard(behind))
  const checker = await StubInstance.connect(node.port)
  checker.send(local)
  checker.send(streamHeader('a.test'))
  await shakeHands(checker)
  assert.match(remotes(node)[0]!, /^127\.0\.0\.1:\d+$/)
  const silent = await StubInstance.connect(node.port)
  silent.socket.end()
  await silent.closed
  assert.deepEqual((await refusals(node)).proxy_header, 0)
  await checker.leave()
})

test('a connection without the header is closed without a word, counted, and logged once in a while', async (t) => {
  const node = await startNode(t, yard(behind))
  for (const bytes of [streamHeader('a.test'), 'PROXY TCP4 nonsense\r\n', 'PROXY TC']) {
    const stub = await StubInstance.connect(node.port)
    stub.socket.end(bytes)
    await gone(stub)
    assert.equal(stub.received, '')
  }
  const { proxy_header, ...others } = await refusals(node)
  assert.equal(proxy_header, 3)
  assert.ok(Object.values(others).every((count) => count === 0))
  const lines = node.logged.filter(({ code }) => code === 'connection-refused')
  assert.deepEqual(
    lines.map(({ reason, why, count }) => ({ reason, why, count })),
    [{ reason: 'proxy_header', why: 'no PROXY header', count: 1 }],
  )
})

test('a connection whose header does not come in time is closed', async (t) => {
  const node = await startNode(t, yard(behind, '{handshake_seconds: 0.05}'))
  const stub = await StubInstance.connect(node.port)
  stub.send('PROXY ')
  await gone(stub)
  assert.deepEqual((await refusals(node)).proxy_header, 1)
})

test('only the networks of `from` may connect', async (t) => {
  const networks = '[192.0.2.0/24, 2001:db8::/32]'
  const node = await startNode(t, yard(`{port: 0, from: ${networks}}, {port: 0, from: [127.0.0.0/8]}`))
  const stub = await StubInstance.connect(node.port)
  await gone(stub)
  assert.equal(stub.received, '')
  assert.deepEqual((await refusals(node)).address, 1)
  const [, second] = node.gateway.ports
  await (await StubInstance.join(second!, 'a.test')).leave()
})

test('those behind a balancer are bounded by their own addresses', async (t) => {
  const node = await startNode(t, yard(behind, '{unauthenticated_per_address: 2}'))
  const open = async (address: string): Promise<StubInstance> => {
    const stub = await StubInstance.connect(node.port)
    stub.send(header(address) + streamHeader('a.test'))
    return stub
  }
  const first = [await open('192.0.2.7'), await open('192.0.2.7')]
  for (const stub of first) await stub.header()
  await gone(await open('192.0.2.7'))
  const other = await open('192.0.2.8')
  await other.header()
  assert.deepEqual((await refusals(node)).limit, 1)
  for (const stub of [...first, other]) await stub.die()
})

test('connections that have not shown their header are bounded as those that have not authenticated', async (t) => {
  const node = await startNode(t, yard(behind, '{unauthenticated: 2, unauthenticated_per_address: 1}'))
  const idle = [await StubInstance.connect(node.port), await StubInstance.connect(node.port)]
  await gone(await StubInstance.connect(node.port))
  assert.deepEqual((await refusals(node)).limit, 1)
  for (const stub of idle) {
    stub.socket.end()
    await stub.closed
  }
  const stub = await StubInstance.connect(node.port)
  stub.send(header('192.0.2.7') + streamHeader('a.test'))
  await shakeHands(stub)
  await stub.leave()
})

test('a node that stops closes what has not shown its header', async (t) => {
  const node = await startNode(t, yard(behind))
  const stub: StubInstance = await StubInstance.connect(node.port)
  stub.send('PROXY ')
  // Later connections are accepted later: by then the first one is being waited for.
  const next = await StubInstance.connect(node.port)
  next.socket.end()
  await next.closed
  await node.gateway.stop()
  await gone(stub)
})

test('what a listener believes can be changed by a reload', async (t) => {
  const node = await startNode(t, yard('{port: 0}'))
  const before = await StubInstance.join(node.port, 'a.test')
  await node.reload(yard(`{port: ${node.port}, proxy_protocol: true}`))
  const stub = await StubInstance.connect(node.port)
  stub.send(header('192.0.2.9') + streamHeader('a.test'))
  await shakeHands(stub)
  assert.ok(remotes(node).includes('192.0.2.9:4711'))
  await ping(before)
  for (const instance of [before, stub]) await instance.leave()
})
