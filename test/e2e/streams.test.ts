import assert from 'node:assert/strict'
import { test } from 'node:test'
import { many, message, nested } from '../hostile/catalogue/write.ts'
import { attribute, StubInstance, streamHeader } from '../stub/instance.ts'
import { configOf, startNode } from './node.ts'

/** Limits that can be met byte by byte in no time. */
const config = `
node: yard
listen: [{port: 0}]
domains:
  plays.test: {secret: swordfish}
  other.test: {secret: swordfish}
limits:
  {stanza_bytes: 10000, depth: 8, elements: 16, attributes: 8, namespaces: 4, handshake_bytes: 2KiB}
drain: {seconds: 0}
log: {level: error}
`

/** Our opening tag, the error, the closing tag. */
const wholeStream =
  /^<\?xml version='1\.0'\?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http:\/\/etherx\.jabber\.org\/streams' id='[0-9a-f]{32}'><stream:error>(?:(?!<stream:).)*<\/stream:error><\/stream:stream>$/

test('limits fire at one more than the limit, not at the limit', async (t) => {
  const node = await startNode(t, config)
  const instance = await node.join('plays.test')
  const witness = await node.join('other.test')
  const passing = [
    message('x'.repeat(10_000 - message('').length)),
    message(nested(6)),
    message('<x/>'.repeat(14)),
    message(`<x${many(8, (i) => ` a${i}=''`)}/>`),
    message(`<x${many(3, (i) => ` xmlns:a${i}='u'`)}/>`),
  ]
  for (const stanza of passing) instance.send(stanza)
  assert.deepEqual(await witness.stanzas(passing.length), passing)
})

test('[XEP-0114 §3] a digest in capitals, a name in capitals and a secret beyond ASCII are accepted', async (t) => {
  const node = await startNode(t, config.replace('swordfish', 'Schwertfisch-ß-剑鱼'))
  const instance = await StubInstance.open(node.port, 'PLAYS.test.')
  instance.send(`<handshake>${instance.digest('Schwertfisch-ß-剑鱼').toUpperCase()}</handshake>`)
  await instance.accepted()
  await instance.leave()
})

test('an iq from the domain in capitals goes on in normal form, and its answer finds the way back', async (t) => {
  const node = await startNode(t, config)
  const [asker, other] = [await node.join('plays.test'), await node.join('other.test')]
  asker.send("<iq type='get' id='1' from='a@PLAYS.test/R' to='other.test'><x xmlns='urn:x'/></iq>")
  const asked = await other.stanza()
  assert.equal(attribute(asked, 'from'), 'a@plays.test/R')
  other.send(`<iq type='result' id='${attribute(asked, 'id')}' from='other.test' to='a@plays.test/R'/>`)
  assert.equal(await asker.stanza(), "<iq type='result' id='1' from='other.test' to='a@plays.test/R'/>")
})

test('[XEP-0114 §3] a right digest in an element of another namespace, or of none, is no handshake', async (t) => {
  const node = await startNode(t, config)
  for (const namespace of ['jabber:client', '']) {
    const peer = await StubInstance.open(node.port, 'plays.test')
    peer.send(`<handshake xmlns='${namespace}'>${peer.digest('swordfish')}</handshake>`)
    assert.equal(await peer.error(), 'not-authorized')
  }
})

test('a peer that ends its stream before the handshake gets the end of ours', async (t) => {
  const node = await startNode(t, config)
  const peer = await StubInstance.open(node.port, 'plays.test')
  peer.send('</stream:stream>')
  assert.equal(await peer.error(), '')
  assert.match(peer.received, /id='[0-9a-f]{32}'><\/stream:stream>$/)
})

test('[RFC 6120 §4.9.1.1] a peer that says what is wrong gets the end of the stream, in the turn of its header too', async (t) => {
  const node = await startNode(t, config)
  const peer = await StubInstance.connect(node.port)
  peer.send(
    `${streamHeader('plays.test')}<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
  )
  assert.equal(await peer.error(), '')
  assert.match(peer.received, /^<\?xml version='1.0'\?><stream:stream [^>]*><\/stream:stream>$/)
  assert.match(await node.gateway.view.metrics(), /switchyard_stream_errors_total\{condition="reset"\} 1/)
})

test('a peer that sends nothing, or a drip, is closed at the deadline of the handshake', async (t) => {
  const node = await startNode(t, config.replace('limits:\n  {', 'limits:\n  {handshake_seconds: 0.05, '))
  const silent = await StubInstance.connect(node.port)
  const dripping = await StubInstance.connect(node.port)
  const opened = await StubInstance.open(node.port, 'plays.test')
  const drip = setInterval(() => dripping.send(' '), 5)
  t.after(() => clearInterval(drip))
  for (const peer of [silent, dripping, opened]) assert.equal(await peer.error(), 'connection-timeout')
  assert.match(silent.received, wholeStream)
})

test('connections above a limit are closed without a word, and make room again when others end', async (t) => {
  const limited = config.replace('limits:\n  {', 'limits:\n  {unauthenticated: 3, unauthenticated_per_address: 2, ')
  const node = await startNode(t, limited)
  const waiting = [await StubInstance.open(node.port, 'plays.test'), await StubInstance.open(node.port, 'plays.test')]
  const third = await StubInstance.connect(node.port)
  await third.ended
  assert.equal(third.received, '')
  waiting[1]!.handshake('swordfish')
  await waiting[1]!.accepted()
  const instance = await StubInstance.join(node.port, 'plays.test')
  waiting[0]!.send('</stream:stream>')
  assert.equal(await waiting[0]!.error(), '')
  await Promise.all([instance.leave(), waiting[1]!.leave()])
})

test('connections in all are limited, authenticated or not', async (t) => {
  const node = await startNode(t, config.replace('limits:\n  {', 'limits:\n  {connections: 2, '))
  const [first] = [await node.join('plays.test'), await node.join('other.test')]
  const third = await StubInstance.connect(node.port)
  await third.ended
  assert.equal(third.received, '')
  await first.leave()
  await node.join('plays.test')
})

test('a listener serves only the domains that it is limited to', async (t) => {
  const limited = config.replace('[{port: 0}]', '[{port: 0}, {port: 0, domains: [other.test]}]')
  const node = await startNode(t, limited)
  const [all, some] = node.gateway.ports
  assert.notEqual(all, some)
  const refused = await StubInstance.connect(some!)
  refused.send(streamHeader('plays.test'))
  assert.equal(await refused.error(), 'host-unknown')
  for (const [port, domain] of [
    [some, 'other.test'],
    [all, 'plays.test'],
    [all, 'other.test'],
  ] as const) {
    await (await StubInstance.join(port!, domain)).leave()
  }
})

test('no secret and no digest is ever logged', async (t) => {
  const node = await startNode(t, config.replace('level: error', 'level: trace'), 'trace')
  const good = await node.join('plays.test')
  const bad = await StubInstance.open(node.port, 'plays.test')
  bad.handshake('gone fishing')
  assert.equal(await bad.error(), 'not-authorized')
  const text = JSON.stringify(node.logged)
  for (const secret of ['swordfish', 'gone fishing', good.digest('swordfish'), bad.digest('gone fishing')]) {
    assert.ok(!text.includes(secret))
  }
  assert.ok(node.logged.some((line) => line.code === 'instance-refused' && line.condition === 'not-authorized'))
})

test('the example of this file is a valid configuration', () => {
  assert.equal(configOf(config).limits.stanza_bytes, 10_000)
})
