import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { configOf, startNode } from './e2e/node.ts'
import { Authority, type Issued } from './stub/authority.ts'
import { StubInstance } from './stub/instance.ts'

const yard = (listen: string, domains = '{a.test: {secret: swordfish}}'): string => `
node: yard
listen: [${listen}]
domains: ${domains}
limits: {handshake_seconds: 5}
drain: {seconds: 0}
log: {level: info}
`

const listens = ({ cert, key }: Issued, more = ''): string => `{port: 0, tls: {cert: ${cert}, key: ${key}${more}}}`

const ping = "<iq type='get' id='1' from='a.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>"

/** Connects by TLS to the end of its handshake; the socket is gone with the test. */
async function secured(t: TestContext, port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

const shownBy = (socket: TLSSocket): string => `sha256:${socket.getPeerX509Certificate()?.fingerprint256}`

test('a reload shows what the files have now, and every stream that was there stays', async (t) => {
  const authority = new Authority(t)
  const old = authority.issue('old', ['localhost'])
  const renewed = authority.issue('renewed', ['localhost'])
  const node = await startNode(t, yard(listens(old)))
  const before = await StubInstance.join(node.port, 'a.test', 'swordfish', authority.pem)
  assert.equal(shownBy(before.socket as TLSSocket), old.fingerprint)
  copyFileSync(renewed.cert, old.cert)
  copyFileSync(renewed.key, old.key)
  await node.reload(yard(listens(old)))
  const after = await StubInstance.join(node.port, 'a.test', 'swordfish', authority.pem)
  assert.equal(shownBy(after.socket as TLSSocket), renewed.fingerprint)
  const elsewhere = authority.issue('elsewhere', ['localhost'])
  await node.reload(yard(listens(elsewhere)))
  const { port } = node
  assert.deepEqual(node.gateway.ports, [port])
  assert.equal(shownBy(await secured(t, port, { ca: authority.pem })), elsewhere.fingerprint)
  for (const stub of [before, after]) {
    stub.send(ping)
    assert.match(await stub.stanza(), /id='1'/)
    await stub.leave()
  }
})

test('a reload with a bad pair is refused whole, with the file named, and the old pair stays', async (t) => {
  const authority = new Authority(t)
  const good = authority.issue('good', ['localhost'])
  const other = authority.issue('other', ['localhost'])
  const node = await startNode(t, yard(listens(good)))
  const wrongs: readonly (readonly [why: RegExp, break_: () => void])[] = [
    [/good\.key is not the key of .*good\.pem/, () => copyFileSync(other.key, good.key)],
    [/good\.pem is no certificate/, () => writeFileSync(good.cert, 'none')],
    [/good\.key is no private key/, () => writeFileSync(good.key, 'none')],
  ]
  // Loaded while all was well: the files change between the look at them and their use.
  const next = configOf(yard(`{port: 0}, ${listens(good)}`))
  for (const [why, break_] of wrongs) {
    break_()
    await assert.rejects(node.gateway.reload(next), (error: Error) => {
      assert.match(error.message, why)
      return true
    })
    assert.deepEqual(node.gateway.ports, [node.port])
    assert.equal(shownBy(await secured(t, node.port, { ca: authority.pem })), good.fingerprint)
    writeFileSync(good.cert, good.pem.cert)
    writeFileSync(good.key, good.pem.key)
  }
})

/** A node whose instances show certificates of one authority, and a way to come with one. */
async function trusting(t: TestContext, domains: (issued: { readonly blue: Issued; readonly red: Issued }) => string) {
  const authority = new Authority(t)
  const server = authority.issue('server', ['localhost'])
  const issued = { blue: authority.issue('blue', ['blue.test', 'x.test']), red: authority.issue('red', ['*.y.test']) }
  const node = await startNode(t, yard(listens(server, `, ca: ${authority.ca}`), domains(issued)))
  const come = async ({ pem }: Issued, handshake: string): Promise<string> => {
    const socket = await secured(t, node.port, { ca: authority.pem, cert: pem.cert, key: pem.key })
    const stream = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"
    socket.setEncoding('utf8').write(`${stream} to='a.test'>${handshake}`)
    for (let text = ''; ; ) {
      text += (await once(socket, 'data'))[0]
      if (/<handshake\/>/.test(text)) return 'in'
      const refused = /<stream:error><([a-z-]+)/.exec(text)?.[1]
      if (refused !== undefined) return refused
    }
  }
  return { authority, node, issued, come }
}

const names = (node: Awaited<ReturnType<typeof startNode>>) =>
  node.logged.filter(({ code }) => code === 'instance-joined').map(({ instance }) => instance)

test('a certificate that is listed stands for the secret and says which instance it is; any handshake will do', async (t) => {
  const { node, issued, come } = await trusting(
    t,
    ({ red }) =>
      `{a.test: {instances: {blue: {certificates: [Blue.Test]}, red: {certificates: ["${red.fingerprint}"]}}}}`,
  )
  assert.equal(await come(issued.blue, '<handshake/>'), 'in')
  assert.equal(await come(issued.red, '<handshake>0123</handshake>'), 'in')
  assert.deepEqual(names(node), ['blue', 'red'])
})

test('a certificate that is not listed proves nothing: neither a wildcard in it, nor its common name', async (t) => {
  const { node, issued, authority, come } = await trusting(
    t,
    () => '{a.test: {secret: swordfish, certificates: [blue.test, x.y.test, somebody]}}',
  )
  assert.equal(await come(issued.red, '<handshake>0123</handshake>'), 'not-authorized')
  assert.equal(await come(issued.blue, '<handshake/>'), 'in')
  assert.equal(await come(issued.blue, "<message to='b.test' from='a.test'/>"), 'not-authorized')
  // With the secret anybody is in whom the listener lets through.
  const socket = { ca: authority.pem, cert: issued.red.pem.cert, key: issued.red.pem.key }
  const stub = await secured(t, node.port, socket)
  stub.setEncoding('utf8')
  stub.write(
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='a.test'>",
  )
  const [header] = await once(stub, 'data')
  const id = / id='([^']+)'/.exec(String(header))?.[1]
  stub.write(`<handshake>${createHash('sha1').update(`${id}swordfish`).digest('hex')}</handshake>`)
  assert.match(String((await once(stub, 'data'))[0]), /<handshake\/>/)
  assert.deepEqual(names(node), ['yard/1', 'yard/2'])
})

test('TLS that fails is counted and said: of another authority, without a certificate, too old, and no TLS', async (t) => {
  const { node, issued, authority } = await trusting(t, () => '{a.test: {certificates: [blue.test]}}')
  const stranger = new Authority(t).issue('stranger', ['blue.test'])
  const refused = async (options: ConnectionOptions): Promise<void> => {
    const socket = connect({
      port: node.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority.pem,
      ...options,
    })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.on('close', resolve))
  }
  await refused({ cert: stranger.pem.cert, key: stranger.pem.key })
  await refused({})
  const { cert, key } = issued.blue.pem
  await refused({ cert, key, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })
  await refused({ cert, key, maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:ECDHE-ECDSA-AES128-SHA:AES256-GCM-SHA384' })
  const plain = await StubInstance.connect(node.port)
  plain.socket.allowHalfOpen = false
  plain.send('<stream:stream>\n'.repeat(4))
  await plain.closed
  assert.match(await node.gateway.view.metrics(), /connections_refused_total\{reason="tls"\} 5$/m)
  const [line, ...more] = node.logged.filter(({ code }) => code === 'connection-refused')
  assert.deepEqual([line?.reason, line?.why, more.length], ['tls', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 0])
})

/** What `openssl s_client` agrees on with the port, as `TLSv1.2 ECDHE-…`; undefined where it gets nothing. */
async function agreed(port: number, ...options: readonly string[]): Promise<string | undefined> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-brief', ...options]
  const said = await new Promise<string>((resolve) => {
    const client = execFile('openssl', args, (_error, stdout, stderr) => resolve(stdout + stderr))
    client.stdin?.end()
  })
  const [, version, suite] = /Protocol version: (\S+)\nCiphersuite: (\S+)/.exec(said) ?? []
  return version && `${version} ${suite}`
}

test('[RFC 9325 §3.1, §4] openssl gets TLS 1.2 and 1.3 with forward secrecy and authenticated encryption, and nothing else', async (t) => {
  const authority = new Authority(t)
  const node = await startNode(t, yard(listens(authority.issue('server', ['localhost']))))
  const old = (version: string) => agreed(node.port, version, '-cipher', 'ALL:@SECLEVEL=0')
  for (const version of ['-tls1', '-tls1_1']) assert.equal(await old(version), undefined, version)
  assert.equal(await agreed(node.port, '-tls1_3'), 'TLSv1.3 TLS_AES_256_GCM_SHA384')
  assert.equal(await old('-tls1_2'), 'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384')
  // Of what is left, ours is the order.
  const mine = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305'
  assert.equal(await agreed(node.port, '-tls1_2', '-cipher', mine), 'TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305')
  for (const weak of [
    'ECDHE-ECDSA-AES256-SHA384',
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES128-CCM8',
    'NULL',
    'aNULL',
  ])
    assert.equal(await agreed(node.port, '-tls1_2', '-cipher', `${weak}:@SECLEVEL=0`), undefined, weak)
})
