import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { murmur3 } from '../../balancing/hash.ts'
import { eventually } from '../stub/eventually.ts'
import { attribute, StubInstance } from '../stub/instance.ts'
import { countsOf, startNode } from './node.ts'

/** A node with a domain that sends and one that is balanced; `extra` are settings of the latter. */
const yard = (extra: string, balancing = 'a.test: {type: bare_source, component_number: 3}'): string => `
node: yard
listen: [{port: 0}]
domains:
  from.test: {secret: swordfish}
  a.test: {${extra}}
domain_balancing: {${balancing}}
drain: {seconds: 0}
log: {level: info}
`
const shared = 'secret: swordfish'

/** A local part whose bare JID at from.test is in that bucket of three. */
function userOf(bucket: number, count = 3): string {
  for (let i = 0; ; i++) {
    const jid = Buffer.from(`u${i}@from.test`)
    if (murmur3(jid, 0, jid.length) % count === bucket) return `u${i}`
  }
}
const users = [0, 1, 2].map((bucket) => userOf(bucket))
const note = (user: string, id: string | number, to = 'a.test'): string =>
  `<message from='${user}@from.test/r' to='${to}' id='${id}'/>`
const ids = (stanzas: readonly string[]): (string | undefined)[] => stanzas.map((stanza) => attribute(stanza, 'id'))

/** All that has been sent by `stub` before has been routed: the node has answered what came behind it. */
async function settled(stub: StubInstance, domain = 'from.test'): Promise<string[]> {
  stub.send(`<iq type='get' id='settled' from='${domain}' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const before: string[] = []
  for (;;) {
    const stanza = await stub.stanza()
    if (attribute(stanza, 'id') === 'settled') return before
    before.push(stanza)
  }
}

const instancesOf = (node: Awaited<ReturnType<typeof startNode>>) =>
  node.gateway.view.instances('a.test')!.map(({ name, bucket, state }) => [name, bucket, state])

test('instances with one secret are named by the node, and take the lowest free name and bucket', async (t) => {
  const node = await startNode(t, yard(shared))
  const [first] = [await node.join('a.test'), await node.join('a.test'), await node.join('a.test')]
  await node.join('a.test')
  assert.deepEqual(instancesOf(node), [
    ['yard/1', 0, 'active'],
    ['yard/2', 1, 'active'],
    ['yard/3', 2, 'active'],
    ['yard/4', null, 'spare'],
  ])
  await first!.leave()
  await node.log('instance-left')
  assert.deepEqual(instancesOf(node).at(-1), ['yard/4', 0, 'active'], 'the spare is promoted')
  await node.join('a.test')
  assert.deepEqual(instancesOf(node).at(-1), ['yard/1', null, 'spare'])
})

test('an own secret gives an instance its name and its bucket, whoever came before', async (t) => {
  const named = 'instances: {blue: {secret: b, bucket: 2}, green: {secret: g}, red: {secrets: [old, new], bucket: 0}}'
  const node = await startNode(t, yard(named))
  for (const secret of ['g', 'new', 'b']) await node.join('a.test', secret)
  assert.deepEqual(instancesOf(node), [
    ['green', 1, 'active'],
    ['red', 0, 'active'],
    ['blue', 2, 'active'],
  ])
})

test('an instance that had to give its bucket up in the turn in which it joined is told that it is in', async (t) => {
  const node = await startNode(t, yard('instances: {green: {secret: g}, red: {secret: r, bucket: 0}}'))
  const peers = [await StubInstance.open(node.port, 'a.test'), await StubInstance.open(node.port, 'a.test')]
  peers[0]!.handshake('g')
  peers[1]!.handshake('r')
  for (const peer of peers) await peer.accepted()
  for (const peer of peers) await peer.leave()
})

test('while secrets rotate both are accepted, and a stream opened with either stays when one is gone', async (t) => {
  const node = await startNode(t, yard('secrets: [new, old]'))
  const old = await node.join('a.test', 'old')
  await node.reload(yard('secrets: [new]'))
  await node.join('a.test', 'new')
  const late = await StubInstance.open(node.port, 'a.test')
  late.handshake('old')
  assert.equal(await late.error(), 'not-authorized')
  old.send("<message from='a.test' to='from.test' id='1'/>")
  const witness = await node.join('from.test')
  assert.deepEqual(ids([await witness.stanza()]), ['1'])
})

test('on_conflict replace: the old stream gets conflict, and the new one its bucket and what waited', async (t) => {
  const node = await startNode(t, yard('instances: {blue: {secret: b, bucket: 1}}'))
  const sender = await node.join('from.test')
  const old = await node.join('a.test', 'b')
  const next = await node.join('a.test', 'b')
  assert.equal(await old.error(), 'conflict')
  assert.deepEqual(instancesOf(node), [['blue', 1, 'active']])
  sender.send(note(users[1]!, 1))
  assert.deepEqual(ids([await next.stanza()]), ['1'])
})

test('on_conflict refuse: the second stream gets conflict, and the first stays', async (t) => {
  const node = await startNode(t, yard('on_conflict: refuse, instances: {blue: {secret: b, bucket: 1}}'))
  const sender = await node.join('from.test')
  const first = await node.join('a.test', 'b')
  const second = await StubInstance.open(node.port, 'a.test')
  second.handshake('b')
  assert.equal(await second.error(), 'conflict')
  assert.ok(node.logged.some(({ code, condition }) => code === 'instance-refused' && condition === 'conflict'))
  sender.send(note(users[1]!, 1))
  assert.deepEqual(ids([await first.stanza()]), ['1'])
  await first.leave()
  await node.join('a.test', 'b')
})

test('order per key is kept across a hold: what was held goes out before what comes later', async (t) => {
  const node = await startNode(t, yard(shared))
  const sender = await node.join('from.test')
  for (let i = 0; i < 300; i++) sender.send(note(users[i % 3]!, i))
  await settled(sender)
  assert.equal(countsOf(node.gateway, 'a.test').held, 300)
  const instances = [await node.join('a.test'), await node.join('a.test'), await node.join('a.test')]
  for (let i = 300; i < 600; i++) sender.send(note(users[i % 3]!, i))
  for (const [bucket, instance] of instances.entries()) {
    const expected = Array.from({ length: 200 }, (_, i) => String(3 * i + bucket))
    assert.deepEqual(ids(await instance.stanzas(200)), expected)
  }
  assert.deepEqual(node.logged.filter(({ code }) => code === 'hold-released').length, 3)
})

test('a bucket without holder: bounce answers at once, with type wait', async (t) => {
  const node = await startNode(t, yard(`${shared}, when_unassigned: bounce`))
  const sender = await node.join('from.test')
  await node.join('a.test')
  sender.send(note(users[1]!, 1))
  assert.equal(
    await sender.stanza(),
    `<message type='error' from='a.test' to='${users[1]}@from.test/r' id='1'><error type='wait'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  )
})

test('a bucket without holder: spill gives its stanzas to another instance, always the same', async (t) => {
  const node = await startNode(t, yard(`${shared}, when_unassigned: spill`))
  const sender = await node.join('from.test')
  const only = await node.join('a.test')
  for (const [i, user] of users.entries()) sender.send(note(user, i))
  assert.deepEqual(ids(await only.stanzas(3)), ['0', '1', '2'])
})

test('a bucket without holder: hold bounces what expires, and what has no room', async (t) => {
  const room = Buffer.byteLength(note(users[1]!, 1)) + 1
  const node = await startNode(t, yard(`${shared}, hold: {seconds: 0.01, bytes: ${room}}`))
  const sender = await node.join('from.test')
  sender.send(note(users[1]!, 1) + note(users[1]!, 2))
  const bounced = await sender.stanzas(2)
  assert.deepEqual(ids(bounced), ['2', '1'])
  assert.match(bounced[0]!, /<error type='wait'><resource-constraint /)
  assert.match(bounced[1]!, /<error type='wait'><recipient-unavailable /)
})

test('a reload from hold to spill lets go what was held, and back', async (t) => {
  const node = await startNode(t, yard(`${shared}, when_unassigned: hold`))
  const sender = await node.join('from.test')
  const only = await node.join('a.test')
  sender.send(note(users[2]!, 1))
  await settled(sender)
  await node.reload(yard(`${shared}, when_unassigned: spill`))
  sender.send(note(users[2]!, 2))
  assert.deepEqual(ids(await only.stanzas(2)), ['1', '2'])
  await node.reload(yard(`${shared}, when_unassigned: bounce`))
  sender.send(note(users[2]!, 3))
  assert.equal(attribute(await sender.stanza(), 'type'), 'error')
})

test('a reload may change the buckets, and which are whose, without closing a stream', async (t) => {
  const six = 'a.test: {type: bare_source, component_number: 6}'
  const node = await startNode(t, yard('instances: {blue: {secret: b, bucket: 5}, red: {secret: r}}', six))
  const sender = await node.join('from.test')
  const [blue, red] = [await node.join('a.test', 'b'), await node.join('a.test', 'r')]
  await node.reload(yard('instances: {blue: {secret: b, bucket: 1}, red: {secret: r}}'))
  assert.deepEqual(instancesOf(node), [
    ['blue', 1, 'active'],
    ['red', 0, 'active'],
  ])
  await node.reload(yard('instances: {blue: {secret: b, bucket: 2}, red: {secret: r}}'))
  sender.send(users.map((user, i) => note(user, i)).join(''))
  assert.deepEqual(ids([await red.stanza()]), ['0'])
  assert.deepEqual(ids([await blue.stanza()]), ['2'])
  await eventually(() => countsOf(node.gateway, 'a.test').held === 1)
})

test('a reload says once of each bucket that it adds and nobody has, and of what only a restart changes', async (t) => {
  const node = await startNode(t, yard(shared))
  for (let bucket = 0; bucket < 4; bucket++) await node.join('a.test')
  const all = (code: string) => node.logged.filter((line) => line.code === code)
  const unassigned = () => all('bucket-unassigned').map(({ domain, bucket }) => [domain, bucket])
  const six = yard(shared, 'a.test: {type: bare_source, component_number: 6}')
  await node.reload(six)
  assert.deepEqual(unassigned(), [
    ['a.test', 4],
    ['a.test', 5],
  ])
  await node.reload(six)
  assert.equal(unassigned().length, 2)
  assert.deepEqual(all('config-needs-restart'), [])
  await node.reload(six.replace('node: yard', 'node: other'))
  assert.deepEqual(
    all('config-needs-restart').map(({ needsRestart }) => needsRestart),
    [['node']],
  )
})

test('a reload that takes a domain away closes its streams with host-gone, and no other; one it adds is served', async (t) => {
  const node = await startNode(t, yard(shared))
  const [gone, stays] = [await node.join('a.test'), await node.join('from.test')]
  const without = yard(shared, '').replace(/ {2}a\.test.*\n/, '  new.test: {secret: swordfish}\n')
  await node.reload(without)
  assert.equal(await gone.error(), 'host-gone')
  const added = await node.join('new.test')
  stays.send("<message from='from.test' to='new.test' id='1'/>")
  assert.deepEqual(ids([await added.stanza()]), ['1'])
})

test('a reload that names the instances asks those that have no name to come again, and takes the name of one away', async (t) => {
  const node = await startNode(t, yard(shared))
  const nameless = await node.join('a.test')
  await node.reload(yard('instances: {blue: {secret: b}, red: {secret: r}}'))
  assert.equal(await nameless.error(), 'reset')
  const [blue, red] = [await node.join('a.test', 'b'), await node.join('a.test', 'r')]
  await node.reload(yard('instances: {blue: {secret: b}}'))
  assert.equal(await red.error(), 'reset')
  blue.send("<message from='a.test' to='switchyard.localhost'/>")
  assert.match(await blue.stanza(), /service-unavailable/)
})

test('a listener can be limited and opened again on its own port by a reload; its streams stay', async (t) => {
  const node = await startNode(t, yard(shared))
  const instance = await node.join('a.test')
  const fixed = (more: string) => yard(shared).replace('{port: 0}', `{port: ${node.port}${more}}`)
  await node.reload(fixed(', domains: [from.test]'))
  const refused = await StubInstance.connect(node.port)
  refused.send(
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='a.test'>",
  )
  assert.equal(await refused.error(), 'host-unknown')
  instance.send("<message from='a.test' to='from.test' id='1'/>")
  await node.reload(fixed(''))
  const others = [await node.join('from.test'), await node.join('a.test')]
  assert.deepEqual(ids([await others[0]!.stanza()]), ['1'])
})

const joinRoom = "<x xmlns='http://jabber.org/protocol/muc'/>"
const matrix: readonly (readonly [what: string, stanza: string, isBounced: boolean])[] = [
  ['a message', "<message id='x' F T/>", true],
  ['a chat message', "<message type='chat' id='x' F T/>", true],
  ['a groupchat message', "<message type='groupchat' id='x' F T/>", true],
  ['a message of an unknown type', "<message type='bogus' id='x' F T/>", true],
  ['a headline', "<message type='headline' id='x' F T/>", false],
  ['an error', "<message type='error' id='x' F T/>", false],
  ['an iq get', "<iq type='get' id='x' F T><q xmlns='q'/></iq>", true],
  ['an iq set', "<iq type='set' id='x' F T><q xmlns='q'/></iq>", true],
  ['an iq result', "<iq type='result' id='x' F T/>", false],
  ['an iq error', "<iq type='error' id='x' F T/>", false],
  ['presence', "<presence id='x' F T/>", false],
  ['unavailable presence', "<presence type='unavailable' id='x' F T/>", false],
  ['a subscription', "<presence type='subscribe' id='x' F T/>", false],
  ['a join of a room', `<presence id='x' F T>${joinRoom}</presence>`, true],
  ['a leave of a room', `<presence type='unavailable' id='x' F T>${joinRoom}</presence>`, false],
]

/** Why nobody can take the stanza, and the condition of the error that says so. */
const nowhere: readonly (readonly [why: string, to: string, condition: string])[] = [
  ['a domain without an instance', 'a.test', 'recipient-unavailable'],
  ['a domain that is not served and has no link', 'else.test', 'remote-server-not-found'],
]

for (const [why, to, condition] of nowhere) {
  test(`[RFC 6120 §8.3.1] ${why}: requests, messages and joins are answered, the rest never`, async (t) => {
    const node = await startNode(t, yard(`${shared}, when_unassigned: bounce`))
    const sender = await node.join('from.test')
    for (const [what, template, isBounced] of matrix) {
      sender.send(template.replace('F', "from='u@from.test/r'").replace('T', `to='${to}'`))
      const answers = await settled(sender)
      assert.equal(answers.length, isBounced ? 1 : 0, what)
      if (!isBounced) continue
      const [answer] = answers
      const seen = ['type', 'id', 'from', 'to'].map((name) => attribute(answer!, name))
      assert.deepEqual(seen, ['error', 'x', to, 'u@from.test/r'], what)
      assert.ok(answer!.includes(`<${condition} xmlns=`), answer)
    }
    for (const domain of ['a.test', 'from.test']) assertBalanced(node, domain)
  })
}

test('[RFC 6120 §8.2.3] what an instance may not send is answered bad-request, results and errors never', async (t) => {
  const node = await startNode(t, yard(shared))
  const sender = await node.join('from.test')
  const cases: readonly (readonly [stanza: string, isAnswered: boolean])[] = [
    ["<message from='from.test' id='x'/>", true],
    ["<iq from='from.test' to='a.test' type='get'><q xmlns='q'/></iq>", true],
    ["<iq from='from.test' to='a.test' type='bogus' id='x'><q xmlns='q'/></iq>", true],
    ["<iq from='from.test' to='a.test' id='x'><q xmlns='q'/></iq>", true],
    ["<iq from='from.test' to='a.test' type='get' id='x'/>", true],
    ["<iq from='from.test' to='a.test' type='set' id='x'><q xmlns='q'/><q xmlns='q'/></iq>", true],
    ["<iq from='from.test' to='a.test' type='result' id='x'><q xmlns='q'/><q xmlns='q'/></iq>", false],
    ["<iq from='from.test' to='a.test' type='result'/>", false],
    ["<message from='from.test' to='' id='x'/>", true],
    ["<message from='from.test' to='@a.test' id='x'/>", true],
    ["<message from='from.test' to='a.test/' id='x'/>", true],
    ["<message from='from.test' to='a.test'><x xmlns='http://etherx.jabber.org/streams'/></message>", true],
  ]
  for (const [stanza, isAnswered] of cases) {
    sender.send(stanza)
    const answers = await settled(sender)
    assert.equal(answers.length, isAnswered ? 1 : 0, stanza)
    if (isAnswered) assert.match(answers[0]!, /<error type='modify'><bad-request [^>]*\/><\/error>/)
    if (isAnswered) assert.doesNotMatch(answers[0]!, /etherx/)
  }
  assert.equal(countsOf(node.gateway, 'a.test').held, 0)
  for (const domain of ['a.test', 'from.test']) assertBalanced(node, domain)
})

function assertBalanced(node: { gateway: Parameters<typeof countsOf>[0] }, domain: string): void {
  const { received, ended, held } = countsOf(node.gateway, domain)
  assert.equal(received, ended + held, domain)
}

test('stopping closes every stream with system-shutdown, bounces what is held and takes nobody in', async (t: TestContext) => {
  const node = await startNode(t, yard(shared))
  const sender = await node.join('from.test')
  const waiting = await StubInstance.open(node.port, 'a.test')
  sender.send(note(users[0]!, 1))
  await settled(sender)
  await node.gateway.stop()
  assert.equal(await waiting.error(), 'system-shutdown')
  assert.equal(await sender.error(), 'system-shutdown')
  assert.equal(node.gateway.state, 'stopped')
  assert.deepEqual(
    node.logged
      .slice(-2)
      .map(({ code }) => code)
      .includes('stopped'),
    true,
  )
})
