import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { marked, textOf } from '../docs/markdown.ts'
import { type Node, startNode } from '../e2e/node.ts'
import { startHaproxy } from '../peers/haproxy.ts'
import { freePort } from '../peers/ports.ts'
import { startSlixmppComponent } from '../peers/slixmpp.ts'
import { startComponent } from '../peers/xmpp-component.ts'
import { StubInstance } from '../stub/instance.ts'
import { makeCertificate } from '../stub/server.ts'

/** docs/installing.md as its reader has it, with nothing changed but addresses and ports. */
const page = textOf('docs/installing.md')
const ECHO = 'echo.example.org'
const secret = 'instance-secret'
/** Where HAProxy dials from, so that its address is not that of the instances. */
const BALANCER = '127.0.0.10'

interface Yard {
  readonly nodes: readonly Node[]
  /** HAProxy's. */
  readonly port: number
}

/** A HAProxy in front of two nodes. */
async function startYard(
  t: TestContext,
  change: (haproxy: string) => string = (text) => text,
  tls = '',
): Promise<Yard> {
  const nodes: Node[] = []
  for (const name of ['yard-1', 'yard-2']) {
    const text = marked(page, 'switchyard haproxy')
      .replace('node: yard-1', `node: ${name}\ndrain: {seconds: 0}`)
      .replace('host: 192.0.2.21, port: 5347', `host: 127.0.0.1, port: 0${tls}`)
      .replace('192.0.2.10', BALANCER)
    nodes.push(await startNode(t, text))
  }
  const port = await freePort()
  const [first, second] = nodes
  const configuration = change(marked(page, 'haproxy'))
    .replace('192.0.2.10:5347', `127.0.0.1:${port}`)
    .replace('192.0.2.21:5347', `127.0.0.1:${first!.port} source ${BALANCER}`)
    .replace('192.0.2.22:5347', `127.0.0.1:${second!.port} source ${BALANCER}`)
    // A check in a hurry sees in a test what it would see in production.
    .replaceAll('check-send-proxy', 'check-send-proxy inter 100ms')
  const haproxy = await startHaproxy(configuration, port)
  t.after(() => haproxy.stop())
  return { nodes, port }
}

function remotes({ nodes }: Yard): readonly string[] {
  return nodes.flatMap((node) => node.gateway.view.instances(ECHO)?.map(({ remote }) => remote) ?? [])
}

async function refused({ nodes }: Yard): Promise<number> {
  let total = 0
  for (const node of nodes) {
    const text = await node.gateway.view.metrics()
    for (const [, count] of text.matchAll(/^switchyard_connections_refused_total\{.*\} (\d+)$/gm))
      total += Number(count)
  }
  return total
}

const versions: Readonly<Record<string, (haproxy: string) => string>> = {
  'version 2, as the page has it': (text) => text,
  'version 2 with a checksum and a unique id': (text) =>
    text
      .replaceAll('send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id')
      .replace('balance', 'unique-id-format %ci:%cp\n  balance'),
  'version 1': (text) => text.replaceAll('send-proxy-v2', 'send-proxy'),
}

for (const [name, change] of Object.entries(versions)) {
  test(`[PROXY ${name}] components behind a HAProxy are known by their own addresses`, async (t) => {
    const yard = await startYard(t, change)
    const stub = await StubInstance.join(yard.port, ECHO, secret)
    t.after(() => stub.die())
    const { localPort } = stub.socket
    assert.deepEqual(remotes(yard), [`127.0.0.1:${localPort}`])
    const stock = await startComponent({ port: yard.port, domain: ECHO, secret, name: 'blue' })
    t.after(stock.stop)
    const slixmpp = await startSlixmppComponent({ port: yard.port, domain: ECHO, secret, name: 'green', echo: true })
    t.after(slixmpp.stop)
    // Three instances, from the ports that they connected from and not from HAProxy's.
    assert.equal(remotes(yard).length, 3)
    for (const remote of remotes(yard)) assert.match(remote, /^127\.0\.0\.1:\d+$/)
    stub.send(`<iq type='get' id='1' from='${ECHO}' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    assert.match(await stub.stanza(), /type='result'/)
    assert.equal(await refused(yard), 0)
  })
}

test('TLS may go through a HAProxy behind its header', async (t) => {
  const { cert, key } = makeCertificate()
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-haproxy-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key)
  const tls = `, tls: {cert: ${join(folder, 'cert.pem')}, key: ${join(folder, 'key.pem')}}`
  const yard = await startYard(t, undefined, tls)
  const stub = await StubInstance.join(yard.port, ECHO, secret, cert)
  assert.deepEqual(remotes(yard), [`127.0.0.1:${stub.socket.localPort}`])
  await stub.leave()
})

test('a HAProxy that sends no header is refused, and so is whoever is not the HAProxy', async (t) => {
  const yard = await startYard(t, (text) => text.replaceAll(/send-proxy-v2 check.*/g, ''))
  const stub = await StubInstance.connect(yard.port)
  stub.send('<stream:stream>')
  await Promise.race([stub.ended, stub.closed])
  assert.equal(await refused(yard), 1)
  const direct = await StubInstance.connect(yard.nodes[0]!.port)
  await Promise.race([direct.ended, direct.closed])
  assert.equal(await refused(yard), 2)
  for (const each of [stub, direct]) await each.die()
})

test('a node that has gone gets no instances: the HAProxy gives them to the other', async (t) => {
  const yard = await startYard(t)
  await yard.nodes[0]!.gateway.stop()
  for (let at = 0; at < 3; at++) {
    // By `redispatch` what is dialled before a check has seen it, too.
    const stub = await StubInstance.join(yard.port, ECHO, secret)
    t.after(() => stub.die())
  }
  assert.equal(yard.nodes[1]!.gateway.view.instances(ECHO)?.length, 3)
})
