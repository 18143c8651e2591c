import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { StreamErrorCounters } from '../src/counters.ts'
import { Gateway } from '../src/gateway.ts'
import { Listener, type ListenerParts } from '../src/listener.ts'
import { createLog } from '../src/log.ts'
import { Refusals } from '../src/refusals.ts'
import { scannersBy } from '../src/scanning.ts'
import { Flusher } from '../src/stream/flusher.ts'
import { configOf, startNode } from './e2e/node.ts'
import { StubInstance } from './stub/instance.ts'
import { type Certificate, makeCertificate } from './stub/server.ts'

const yard = (listen: string): string => `
node: yard
listen: [${listen}]
domains: {a.test: {secret: swordfish}}
limits: {handshake_seconds: 5}
drain: {seconds: 0}
log: {level: info}
`

/** A certificate in files, for as long as the test. */
function certificate(t: TestContext): Certificate & { readonly listen: string } {
  const made = makeCertificate()
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-listener-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(cert, made.cert)
  writeFileSync(key, made.key)
  return { ...made, listen: `{port: 0, tls: {cert: ${cert}, key: ${key}}}` }
}

test('a TLS listener lets an instance in that trusts its certificate', async (t) => {
  const { cert, listen } = certificate(t)
  const node = await startNode(t, yard(listen))
  const instance = await StubInstance.join(node.port, 'a.test', 'swordfish', cert)
  instance.send("<iq type='get' id='1' from='a.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  assert.match(await instance.stanza(), /id='1'/)
  assert.match((instance.socket as TLSSocket).getProtocol() ?? '', /^TLSv1\.[23]$/)
  await instance.leave()
})

test('a TLS listener gives a plain client nothing, and one of TLS 1.1 no session', async (t) => {
  const { cert, listen } = certificate(t)
  const node = await startNode(t, yard(listen))
  const plain = await StubInstance.connect(node.port)
  plain.send('<stream:stream xmlns="jabber:component:accept">')
  await plain.ended
  assert.doesNotMatch(plain.received, /stream/)
  const old = { minVersion: 'TLSv1' as const, maxVersion: 'TLSv1.1' as const, ciphers: 'ALL@SECLEVEL=0' }
  const socket = connect({ port: node.port, host: '127.0.0.1', ca: cert, servername: 'localhost', ...old })
  await assert.rejects(once(socket, 'secureConnect'))
})

test('[CVE-2021-32920] a client cannot renegotiate TLS', async (t) => {
  const { cert, listen } = certificate(t)
  const node = await startNode(t, yard(listen))
  const to = { port: node.port, host: '127.0.0.1', ca: cert, servername: 'localhost' }
  const socket = connect({ ...to, maxVersion: 'TLSv1.2' })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  socket.renegotiate({}, () => {})
  await new Promise((resolve) => socket.on('close', resolve))
})

test('with a ca the instance must show a certificate of it', async (t) => {
  const { cert, key, listen } = certificate(t)
  const path = /cert: ([^,]+),/.exec(listen)?.[1]
  const node = await startNode(t, yard(listen.replace('tls: {', `tls: {ca: ${path}, `)))
  const to = { port: node.port, host: '127.0.0.1', ca: cert, servername: 'localhost' }
  const nobody = connect(to)
  nobody.on('error', () => {})
  await new Promise((resolve) => nobody.on('close', resolve))
  const shown = connect({ ...to, cert, key })
  await once(shown, 'secureConnect')
  shown.end("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='x'>")
  assert.match(String(await once(shown.setEncoding('utf8'), 'data')), /host-unknown/)
})

test('a port that is taken ends the start with listen-failed, and opens no other for good', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const log = createLog({ level: 'silent', node: 'yard' })
  const start = Gateway.start(configOf(yard(`{port: 0}, {port: ${port}}`)), { version: '1', log })
  await assert.rejects(start, { code: 'listen-failed', exitCode: 1 })
})

test('two listeners of equal settings and port 0 are two ports', async (t) => {
  const node = await startNode(t, yard('{port: 0}, {port: 0}'))
  const [one, other] = node.gateway.ports
  assert.notEqual(one, other)
  for (const port of [one, other]) await (await StubInstance.join(port!, 'a.test')).leave()
})

test('a listener that a reload takes away accepts no more; the streams that came by it stay', async (t) => {
  const node = await startNode(t, yard('{port: 0}, {port: 0, domains: [a.test]}'))
  const [, second] = node.gateway.ports
  const instance = await StubInstance.join(second!, 'a.test')
  await node.reload(yard('{port: 0}'))
  await assert.rejects(StubInstance.connect(second!), { code: 'ECONNREFUSED' })
  instance.send("<iq type='get' id='1' from='a.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  assert.match(await instance.stanza(), /id='1'/)
  await instance.leave()
})

test('a reload that cannot open a port leaves those as they were that it would have changed', async (t) => {
  const node = await startNode(t, yard('{port: 0}'))
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const other = (taken.address() as { port: number }).port
  await assert.rejects(node.reload(yard(`{port: ${node.port}, domains: [a.test]}, {port: ${other}}`)), /EADDRINUSE/)
  const instance = await node.join('a.test')
  instance.send("<iq type='get' id='1' from='a.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  assert.match(await instance.stanza(), /id='1'/)
})

test('connections that never begin with TLS are bounded per address, and make room as they go', {
  timeout: 30_000,
}, async (t) => {
  const { cert, listen } = certificate(t)
  const few = yard(listen).replace('handshake_seconds: 5', 'handshake_seconds: 5, unauthenticated_per_address: 2')
  const node = await startNode(t, few)
  const idle = [await StubInstance.connect(node.port), await StubInstance.connect(node.port)]
  const third = await StubInstance.connect(node.port)
  await third.ended
  third.socket.destroy()
  // One gives up, the other is given up: its TLS is none.
  const gone = once(idle[1]!.socket, 'close')
  idle[1]!.socket.allowHalfOpen = false
  idle[1]!.send('not TLS')
  await Promise.all([idle[0]!.die(), gone])
  for (let at = 0; at < 3; at++) {
    const instance = await StubInstance.join(node.port, 'a.test', 'swordfish', cert)
    assert.equal(instance.socket.closed, false)
  }
})

/** A listener by itself, as the gateway would have it; who connects is refused or reaches the header. */
async function alone(
  t: TestContext,
  parts: Partial<ListenerParts>,
): Promise<{ port: number; logged: string[]; counts: () => object }> {
  const logged: string[] = []
  const log = createLog({ level: 'info', node: 'yard' }, { write: (line) => void logged.push(JSON.parse(line).code) })
  const refusals = new Refusals(log, () => 0)
  const { limits } = configOf(yard('{port: 0}'))
  const listener = new Listener({
    ...{ flusher: new Flusher(), streamErrors: new StreamErrorCounters(), refusals, log, limits: () => limits },
    ...{
      scanners: scannersBy(
        () => limits,
        () => {},
      ),
      isExposed: () => true,
      requireTls: () => false,
      isOverloaded: () => false,
    },
    find: (name) => ({ name, credentials: [{ secret: 'swordfish', instance: undefined }] }),
    admit: (stream) => ({ opened() {}, stanza() {}, closed() {}, footer: () => stream.close() }),
    ...parts,
  })
  const [port] = await listener.configure([{ host: '127.0.0.1', port: 0 }])
  t.after(() => listener.close())
  const counts = () => Object.fromEntries([...refusals.entries()].filter(([, count]) => count > 0))
  return { port: port!, logged, counts }
}

test('a secret in clear text over a network is warned of once for a domain; from this machine it is not', async (t) => {
  const exposed = await alone(t, {})
  for (const domain of ['a.test', 'a.test', 'b.test']) await (await StubInstance.join(exposed.port, domain)).die()
  assert.deepEqual(exposed.logged.filter((code) => code === 'clear-text').length, 2)
  const node = await startNode(t, yard('{port: 0}'))
  await (await node.join('a.test')).leave()
  assert.ok(!node.logged.some(({ code }) => code === 'clear-text'))
})

test('with require_tls whoever comes over a network without TLS is closed before a byte is read', async (t) => {
  const { port, counts } = await alone(t, { requireTls: () => true })
  const stub = await StubInstance.connect(port)
  await stub.ended
  assert.deepEqual([stub.received, counts()], ['', { clear_text: 1 }])
  const node = await startNode(t, `${yard('{port: 0}')}require_tls: true\n`)
  await (await node.join('a.test')).leave()
})

test('no more than accepts_per_second and ten times that at once are let in', async (t) => {
  const node = await startNode(t, yard('{port: 0}').replace('limits: {', 'limits: {accepts_per_second: 1, '))
  const stubs: StubInstance[] = []
  for (let at = 0; at < 10; at++) stubs.push(await StubInstance.open(node.port, 'a.test'))
  const late = await StubInstance.connect(node.port)
  await late.ended
  assert.match(await node.gateway.view.metrics(), /connections_refused_total\{reason="rate"\} 1$/m)
  for (const stub of stubs) stub.socket.destroy()
})

test('an overloaded node takes no new connection, and goes on with those that it has', async (t) => {
  let isOverloaded = false
  const { port, counts } = await alone(t, { isOverloaded: () => isOverloaded })
  const early = await StubInstance.open(port, 'a.test')
  isOverloaded = true
  const late = await StubInstance.connect(port)
  await late.ended
  assert.deepEqual(counts(), { overload: 1 })
  early.handshake('swordfish')
  await early.accepted()
  await early.die()
})
