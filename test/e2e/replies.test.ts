import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../stub/eventually.ts'
import { attribute } from '../stub/instance.ts'
import { StubServer } from '../stub/server.ts'
import { countsOf, type Node, startNode, twoDomains } from './node.ts'

const yard = (extra = ''): string => `
node: yard
address: yard.test
listen: [{port: 0}]
domains:
  ask.test: {instances: {red: {secret: r}, blue: {secret: b}}}
  a.test: {secret: swordfish${extra}}
drain: {seconds: 20}
log: {level: info}
`
const get = (id: string, from = 'ask.test', to = 'a.test'): string =>
  `<iq type='get' id='${id}' from='${from}' to='${to}'><q xmlns='urn:q'/></iq>`
const answer = (request: string): string => {
  const [id, from, to] = ['id', 'from', 'to'].map((name) => attribute(request, name))
  return `<iq type='result' id='${id}' from='${to}' to='${from}'/>`
}
const reply = (id: string): string => `<iq type='result' id='${id}' from='a.test' to='ask.test'/>`

/** All that a.test's instances were given is confirmed: what they owe now is answers only. */
const confirmed = (node: Node): Promise<void> => eventually(() => countsOf(node.gateway, 'a.test').held === 0)

async function trio(node: Node) {
  const [red, blue] = [await node.join('ask.test', 'r'), await node.join('ask.test', 'b')]
  return { red, blue, server: await node.join('a.test') }
}

test('[RFC 6120 §8.2.3] equal ids of two instances come back each to its asker, in whatever order', async (t) => {
  const { red, blue, server } = await trio(await startNode(t, yard()))
  red.send(get('1'))
  const first = await server.stanza()
  blue.send(get('1'))
  const second = await server.stanza()
  assert.notEqual(attribute(first, 'id'), attribute(second, 'id'))
  for (const request of [second, first]) server.send(answer(request))
  assert.equal(await blue.stanza(), reply('1'))
  assert.equal(await red.stanza(), reply('1'))
})

test('an id comes back as it was, whatever characters it has and whatever quotes it stood in', async (t) => {
  const { red, server } = await trio(await startNode(t, yard()))
  const written = ['a-b.c:d_1', 'it&apos;s', 'a&amp;b&lt;c', 'ß 剑 x', '', 'sy-aaaaaaaaaaaaaaaapx', 'x'.repeat(1023)]
  const expected = ['a-b.c:d_1', 'it&apos;s', 'a&amp;b&lt;c', 'ß 剑 x', '', 'sy-aaaaaaaaaaaaaaaapx', 'x'.repeat(1023)]
  for (const [i, id] of written.entries()) {
    red.send(get(id))
    const request = await server.stanza()
    assert.match(attribute(request, 'id')!, /^sy-[a-z2-7]{16}[px][A-Za-z0-9._:-]*$/)
    server.send(answer(request))
    assert.equal(attribute(await red.stanza(), 'id'), expected[i])
  }
  red.send('<iq type="get" id="it\'s" from="ask.test" to="a.test"><q xmlns="urn:q"/></iq>')
  const request = await server.stanza()
  server.send(answer(request))
  assert.equal(attribute(await red.stanza(), 'id'), 'it&apos;s')
})

test('an iq error comes back to the asker as a result does', async (t) => {
  const { red, server } = await trio(await startNode(t, yard()))
  red.send(get('7'))
  server.send(answer(await server.stanza()).replace("type='result'", "type='error'"))
  assert.equal(await red.stanza(), reply('7').replace("type='result'", "type='error'"))
})

test('a reply that answers nothing, or whose asker is gone, is dropped and counted, not given to another', async (t) => {
  const node = await startNode(t, yard())
  const { red, blue, server } = await trio(node)
  red.send(get('1'))
  const request = await server.stanza()
  await red.die()
  await node.log('instance-left')
  server.send(answer(request) + answer(get('made-up')))
  server.send("<message from='a.test' to='ask.test' id='after'/>")
  assert.equal(attribute(await blue.stanza(), 'id'), 'after')
  const { dropped } = node.gateway.view.domain('ask.test')!.counters
  const byReason = Object.fromEntries(dropped.map(({ reason, count }) => [reason, count]))
  assert.deepEqual(byReason, { gone_asker: 1, foreign_reply: 1 })
})

test('a reply finds a named instance after it, and the whole node, have been started again', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const linked = yard().replace(
    'ask.test: {',
    `ask.test: {upstream: {service: "xmpp://127.0.0.1:${server.port}", secret: s3cret}, `,
  )
  const first = await startNode(t, linked)
  const before = await first.join('ask.test', 'r')
  before.send(get('42', 'ask.test', 'juliet@b.test'))
  const link = await server.connection()
  await link.admit()
  const request = /<iq .*$/.exec(await link.until(/<iq [^>]*to='juliet@b\.test'/))![0]
  await before.die()
  const stopped = first.gateway.stop()
  await link.ended
  link.end()
  await stopped
  const red = await (await startNode(t, linked)).join('ask.test', 'r')
  await (await server.connection()).admit(answer(request))
  assert.equal(await red.stanza(), "<iq type='result' id='42' from='juliet@b.test' to='ask.test'/>")
})

test('a token of one domain brings nothing to an instance of another', async (t) => {
  const node = await startNode(t, yard())
  const { red, server } = await trio(node)
  red.send(get('1'))
  const token = attribute(await server.stanza(), 'id')
  server.send(`<iq type='result' id='${token}' from='a.test' to='a.test'/>`)
  server.send(reply(token!))
  assert.equal(await red.stanza(), reply('1'))
  assert.equal(countsOf(node.gateway, 'a.test').dropped, 1)
})

test('whoever asked an instance that died is answered remote-server-timeout, with the id that was asked', async (t) => {
  const node = await startNode(t, yard())
  const { red, server } = await trio(node)
  red.send(get('1'))
  await server.stanza()
  await confirmed(node)
  await server.die()
  assert.match(
    await red.stanza(),
    /^<iq type='error' from='a.test' to='ask.test' id='1'><error type='wait'><remote-server-timeout /,
  )
})

test('retry_get: a get whose instance died goes to the next one, once; a set is answered', async (t) => {
  const node = await startNode(t, yard(', retry_get: true'))
  const { red, server } = await trio(node)
  red.send(get('1') + get('2').replace('get', 'set'))
  const [first] = await server.stanzas(2)
  const second = await node.join('a.test')
  await confirmed(node)
  await server.die()
  assert.match(await red.stanza(), /id='2'.*<remote-server-timeout /)
  assert.equal(await second.stanza(), first)
  await confirmed(node)
  await second.die()
  assert.match(await red.stanza(), /id='1'.*<remote-server-timeout /)
  const { received, ended, held } = countsOf(node.gateway, 'a.test')
  assert.equal(received, ended + held)
})

test('a request that nobody answers within iq_seconds is answered remote-server-timeout', async (t) => {
  const node = await startNode(t, yard(', iq_seconds: 1'))
  const { red, server } = await trio(node)
  red.send(get('1'))
  const request = await server.stanza()
  assert.match(await red.stanza(), /id='1'.*<remote-server-timeout /)
  assert.equal(node.gateway.view.instances('a.test')?.[0]?.unanswered, 0)
  server.send(answer(request))
  // Whoever asked has had an answer, and gets no second one.
  red.send(get('2'))
  server.send(answer(await server.stanza()))
  assert.equal(await red.stanza(), reply('2'))
  const { dropped } = node.gateway.view.domain('ask.test')!.counters
  assert.deepEqual(
    dropped.map(({ reason, count }) => [reason, count]),
    [['foreign_reply', 1]],
  )
})

test('stopping waits for what instances owe, then closes all in order', async (t) => {
  const node = await startNode(t, yard())
  const { red, blue, server } = await trio(node)
  red.send(get('1'))
  const request = await server.stanza()
  const stopped = node.gateway.stop()
  assert.equal(node.gateway.state, 'draining')
  blue.send(get('late', 'ask.test'))
  assert.match(await blue.stanza(), /^<iq type='error' .*id='late'.*<recipient-unavailable /)
  server.send(answer(request))
  assert.equal(await red.stanza(), reply('1'))
  for (const stub of [red, blue, server]) assert.equal(await stub.error(), 'system-shutdown')
  await stopped
})

test('an instance that says goodbye still reads what is on its way, then gets the end of the stream', async (t) => {
  const node = await startNode(t, yard())
  const { red, server } = await trio(node)
  red.send(get('1'))
  const request = await server.stanza()
  server.send(`${answer(request)}</stream:stream>`)
  assert.equal(await red.stanza(), reply('1'))
  assert.equal(await server.error(), '')
})

const ours: readonly (readonly [what: string, payload: string, reply: RegExp | string])[] = [
  [
    '[XEP-0199] a ping',
    "<ping xmlns='urn:xmpp:ping'/>",
    "<iq type='result' from='yard.test' to='a.test/r' id='x'></iq>",
  ],
  [
    '[XEP-0092] the version',
    "<query xmlns='jabber:iq:version'/>",
    "<iq type='result' from='yard.test' to='a.test/r' id='x'><query xmlns='jabber:iq:version'><name>Switchyard</name><version>1.2.3</version></query></iq>",
  ],
  [
    '[XEP-0202] the time',
    "<time xmlns='urn:xmpp:time'/>",
    /^<iq type='result' [^>]*><time xmlns='urn:xmpp:time'><tzo>\+00:00<\/tzo><utc>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<\/utc><\/time><\/iq>$/,
  ],
  [
    '[XEP-0030 §3] what we are',
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    /<identity category='component' type='router' name='Switchyard'\/><feature var='http:\/\/jabber.org\/protocol\/disco#info'\/>/,
  ],
  [
    '[XEP-0030 §4] the domains that are served',
    "<query xmlns='http://jabber.org/protocol/disco#items'/>",
    /<query [^>]*><item jid='ask.test'\/><item jid='a.test'\/><\/query>/,
  ],
  ['anything else', "<query xmlns='urn:else'/>", /^<iq type='error' .*<service-unavailable /],
  [
    'a node that we do not have',
    "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>",
    /<service-unavailable /,
  ],
]

for (const [what, payload, expected] of ours) {
  test(`${what} is answered by the node itself`, async (t) => {
    const node = await startNode(t, yard())
    const { server } = await trio(node)
    server.send(`<iq type='get' id='x' from='a.test/r' to='yard.test'>${payload}</iq>`)
    const answered = await server.stanza()
    if (typeof expected === 'string') assert.equal(answered, expected)
    else assert.match(answered, expected)
  })
}

test('a request whose id is longer than 1024 bytes is refused, one of 1024 is carried', async (t) => {
  const node = await startNode(t, twoDomains)
  const [asker, asked] = [await node.join('echo.localhost'), await node.join('other.localhost')]
  const ask = (id: string): string =>
    `<iq type='get' id='${id}' from='echo.localhost' to='other.localhost'><q xmlns='q'/></iq>`
  asker.send(ask('ä'.repeat(513)) + ask('ä'.repeat(512)))
  assert.match(await asker.stanza(), /^<iq type='error' .*><error type='modify'><bad-request /)
  assert.match(await asked.stanza(), /^<iq type='get' id='sy-/)
})
