import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { Gateway } from '../src/gateway.ts'
import { createLog } from '../src/log.ts'
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
