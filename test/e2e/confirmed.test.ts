import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { murmur3 } from '../../balancing/hash.ts'
import type { Patience } from '../../src/watch.ts'
import { eventually } from '../stub/eventually.ts'
import { attribute, StubInstance } from '../stub/instance.ts'
import { StubServer } from '../stub/server.ts'
import { countsOf, type Node, startNode } from './node.ts'

/** Confirmed delivery (design 6) on real sockets. `extra` are settings of a.test. */
const yard = (extra = '', balancing = 'a.test: {type: bare_source, component_number: 2}'): string => `
node: yard
listen: [{port: 0}]
domains:
  from.test: {secret: swordfish}
  a.test: {secret: swordfish${extra}}
domain_balancing: {${balancing}}
drain: {seconds: 0}
log: {level: info}
`
const quick: Patience = { idle_seconds: 600, suspect_seconds: 0.2, hung_seconds: 0.5 }

/** One whose bare JID has bucket 1. */
const USER = userOf(1)

function userOf(bucket: number): string {
  for (let i = 0; ; i++) {
    const jid = Buffer.from(`u${i}@from.test`)
    if (murmur3(jid, 0, jid.length) % 2 === bucket) return `u${i}`
  }
}

/** A node of which bucket 0 is taken: the next instance gets the user's bucket, and those after it are its spares. */
async function start(t: TestContext, extra = '', patience?: Patience): Promise<Node> {
  const node = await startNode(t, yard(extra), 'info', patience)
  await node.join('a.test')
  return node
}

const note = (id: number | string, user = USER): string =>
  `<message from='${user}@from.test' to='a.test' id='${id}'><body>${id}</body></message>`
const iq = (type: string, id: string): string =>
  `<iq type='${type}' from='${USER}@from.test' to='a.test' id='${id}'><q xmlns='urn:x'/></iq>`
const ids = (stanzas: readonly string[]): (string | undefined)[] => stanzas.map((stanza) => attribute(stanza, 'id'))
const numbers = (first: number, end: number): string[] => Array.from({ length: end - first }, (_, i) => `${first + i}`)
const isDelayed = (stanza: string): boolean =>
  /<delay xmlns='urn:xmpp:delay' from='switchyard\.localhost' stamp='[-\dT:.]+Z'\/><\/message>$/.test(stanza)

/** Joins, and has answered its first barrier, so that it is known to confirm; from then on it answers none. */
async function joinMute(node: Node): Promise<StubInstance> {
  const instance = await node.join('a.test')
  await eventually(() => instance.received.includes("id='sy.1'"))
  // The node has read the answer once it has answered what came behind it.
  instance.send("<iq type='get' id='in' from='a.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  assert.equal(attribute(await instance.stanza(), 'id'), 'in')
  instance.answersPings = false
  return instance
}

async function assertBalanced(node: Node): Promise<void> {
  await eventually(() => countsOf(node.gateway, 'a.test').held === 0)
  const { received, ended } = countsOf(node.gateway, 'a.test')
  assert.equal(received, ended)
}

test('what a killed instance had not confirmed comes first and in order to the next, with a delay', async (t) => {
  const node = await start(t)
  const sender = await node.join('from.test')
  const dying = await joinMute(node)
  for (let i = 0; i < 100; i++) sender.send(note(i))
  await dying.stanzas(100)
  const heir = await node.join('a.test')
  await dying.die()
  for (let i = 100; i < 200; i++) sender.send(note(i))
  const got = await heir.stanzas(200)
  assert.deepEqual(ids(got), numbers(0, 200))
  assert.ok(got.slice(0, 100).every(isDelayed))
  assert.equal(got.at(-1), note(199))
  await assertBalanced(node)
  // The answer to its own ping, which nobody else has asked for.
  const { dropped } = node.gateway.view.domain('a.test')!.counters
  assert.deepEqual(
    dropped.map(({ reason, count }) => [reason, count]),
    [['gone_asker', 1]],
  )
})

test('what was confirmed does not come again', async (t) => {
  const node = await start(t)
  const sender = await node.join('from.test')
  const dying = await node.join('a.test')
  for (let i = 0; i < 100; i++) sender.send(note(i))
  await dying.stanzas(100)
  await eventually(() => node.counts('a.test').held === 0)
  const heir = await node.join('a.test')
  await dying.die()
  await node.log('instance-left')
  sender.send(note(100))
  assert.deepEqual(await heir.stanza(), note(100))
})

test('with at_most_once nothing comes again, what was lost is counted, and nobody is pinged', async (t) => {
  const node = await start(t, ', delivery: at_most_once')
  const sender = await node.join('from.test')
  const dying = await node.join('a.test')
  sender.send(note(0))
  await dying.stanza()
  const heir = await node.join('a.test')
  await dying.die()
  await node.log('instance-left')
  sender.send(note(1))
  assert.deepEqual(ids([await heir.stanza()]), ['1'])
  assert.doesNotMatch(dying.received + heir.received, /sy\./)
  await assertBalanced(node)
})

test('an iq get comes again, a written iq set is bounced as it may have been carried out, and each gets one answer', async (t) => {
  const node = await start(t)
  const sender = await node.join('from.test')
  const dying = await joinMute(node)
  sender.send(iq('get', 'read') + iq('set', 'change'))
  await dying.stanzas(2)
  const heir = await node.join('a.test')
  await dying.die()
  const bounced = await sender.stanza()
  assert.deepEqual([attribute(bounced, 'type'), attribute(bounced, 'id')], ['error', 'change'])
  assert.match(bounced, /<error type='wait'><remote-server-timeout /)
  const again = await heir.stanza()
  assert.equal(attribute(again, 'type'), 'get')
  heir.send(`<iq type='result' from='a.test' to='${USER}@from.test' id='${attribute(again, 'id')}'/>`)
  const answer = await sender.stanza()
  assert.deepEqual([attribute(answer, 'type'), attribute(answer, 'id')], ['result', 'read'])
  await assertBalanced(node)
})

test('with redeliver_set an iq set comes again, too', async (t) => {
  const node = await start(t, ', redeliver_set: true')
  const sender = await node.join('from.test')
  const dying = await joinMute(node)
  sender.send(iq('set', 'change'))
  await dying.stanza()
  const heir = await node.join('a.test')
  await dying.die()
  assert.equal(attribute(await heir.stanza(), 'type'), 'set')
})

test('a stanza that closes three instances is bounced and quarantined, and its neighbours are delivered', async (t) => {
  const node = await start(t)
  const sender = await node.join('from.test')
  sender.send(note(0) + note('poison') + note(1) + note(2))
  const read: (string | undefined)[] = []
  for (let life = 0; life < 3; life++) {
    const victim = await StubInstance.open(node.port, 'a.test')
    victim.diesOf = /id='poison'/
    victim.handshake('swordfish')
    await victim.accepted()
    for (let item = await victim.next(); item.kind === 'stanza'; item = await victim.next()) {
      read.push(attribute(item.text, 'id'))
    }
  }
  // Together with its neighbours, twice; then alone, so that they do not pay for it.
  assert.deepEqual(read, ['0', 'poison', '0', 'poison', '0', 'poison'])
  const heir = await node.join('a.test')
  const bounced = await sender.stanza()
  assert.deepEqual([attribute(bounced, 'type'), attribute(bounced, 'id')], ['error', 'poison'])
  sender.send(note('last'))
  assert.deepEqual(ids(await heir.stanzas(3)), ['1', '2', 'last'])
  assert.ok(node.logged.some(({ code, id }) => code === 'stanza-quarantined' && `${id}`.includes('poison')))
  await assertBalanced(node)
})

test('an instance that never answers is unconfirmed, and served at most once', async (t) => {
  const node = await start(t, '', quick)
  const sender = await node.join('from.test')
  const mute = await StubInstance.open(node.port, 'a.test')
  t.after(() => mute.socket.destroy())
  mute.answersPings = false
  mute.handshake('swordfish')
  await mute.accepted()
  await node.log('instance-unconfirmed')
  assert.deepEqual(
    node.gateway.view.instances('a.test')!.map(({ state }) => state),
    ['active', 'unconfirmed'],
  )
  sender.send(note(0))
  await mute.stanza()
  await assertBalanced(node)
  assert.equal(mute.received.match(/id='sy\./g)?.length, 1, 'it is asked no more')
})

test('with require_confirmation an instance that never answers is closed', async (t) => {
  const node = await start(t, ', require_confirmation: true', quick)
  const mute = await StubInstance.open(node.port, 'a.test')
  mute.answersPings = false
  mute.handshake('swordfish')
  await mute.accepted()
  assert.equal(await mute.error(), 'policy-violation')
})

test('a hung instance is suspect, then closed with connection-timeout, and its stanzas go to the next', async (t) => {
  const node = await start(t, '', quick)
  const sender = await node.join('from.test')
  const hung = await joinMute(node)
  const heir = await node.join('a.test')
  sender.send(note(0))
  await node.log('instance-suspect')
  assert.equal(node.gateway.view.instances('a.test')![1]?.state, 'suspect')
  assert.match(await node.gateway.view.metrics(), /^switchyard_instances_suspected_total\{domain="a\.test"\} 1$/m)
  assert.ok(isDelayed(await heir.stanza()))
  assert.equal(await hung.error(), 'connection-timeout')
})

test('a suspect instance that answers again is trusted again, and has lost nothing', async (t) => {
  const node = await start(t, '', { ...quick, hung_seconds: 600 })
  const sender = await node.join('from.test')
  const slow = await joinMute(node)
  sender.send(note(0))
  await node.log('instance-suspect')
  slow.answersPings = true
  const owed = [...slow.received.matchAll(/id='(sy\.\d+)'/g)].at(-1)![1]
  slow.send(`<iq type='result' id='${owed}' from='a.test' to='switchyard.localhost'/>`)
  await eventually(() => node.gateway.view.instances('a.test')![1]?.state === 'active')
  sender.send(note(1))
  assert.deepEqual(ids(await slow.stanzas(2)), ['0', '1'])
})

test('barriers never leave, and an idle instance gets none', async (t) => {
  const node = await start(t)
  const sender = await node.join('from.test')
  const instance = await node.join('a.test')
  sender.send(note(0))
  await instance.stanza()
  await assertBalanced(node)
  const asked = instance.received.match(/id='sy\./g)?.length
  // An answer that is repeated, or made up, is nobody's business either.
  for (const id of ['sy.1', 'sy.2', 'sy.99']) {
    instance.send(`<iq type='error' id='${id}' from='a.test' to='switchyard.localhost'><error type='cancel'/></iq>`)
  }
  instance.send("<message from='a.test' to='from.test' id='after'/>")
  assert.deepEqual(ids([await sender.stanza()]), ['after'])
  assert.doesNotMatch(sender.received, /sy\.99/)
  await eventually(() => node.counts('from.test').held === 0)
  assert.equal(instance.received.match(/id='sy\./g)?.length, asked, 'nothing was written, so nothing is asked')
  assert.equal(node.counts('a.test').dropped, 0)
})

test('a closing tag is a drain: what the instance was written is not written again, and nothing is overtaken', async (t) => {
  const node = await start(t)
  const sender = await node.join('from.test')
  const leaving = await node.join('a.test')
  const heir = await node.join('a.test')
  for (let i = 0; i < 500; i++) sender.send(note(i))
  const read = ids(await leaving.stanzas(10))
  leaving.socket.write('</stream:stream>')
  for (let i = 500; i < 1000; i++) sender.send(note(i))
  for (let item = await leaving.next(); item.kind === 'stanza'; item = await leaving.next()) {
    read.push(attribute(item.text, 'id'))
  }
  leaving.socket.end()
  while (read.length < 1000) read.push(attribute(await heir.stanza(), 'id'))
  assert.deepEqual(read, numbers(0, 1000))
  await assertBalanced(node)
})

test('a reply to an instance that is gone, and one that comes too late, are dropped and counted', async (t) => {
  const node = await start(t)
  const other = await node.join('from.test')
  const dying = await node.join('a.test')
  dying.send("<iq type='get' from='a.test' to='from.test' id='ask'><q xmlns='urn:x'/></iq>")
  const asked = attribute(await other.stanza(), 'id')!
  await dying.die()
  await node.log('instance-left')
  const answer = `<iq type='result' from='from.test' to='a.test' id='${asked}'/>`
  other.send(answer + answer)
  const reasons = () =>
    ['a.test', 'from.test']
      .flatMap((name) => node.gateway.view.domain(name)!.counters.dropped)
      .map(({ reason }) => reason)
  await eventually(() => reasons().includes('gone_asker') && reasons().includes('foreign_reply'))
})

const privilege = (access: string): string =>
  `<message from='b.test' to='a.test'><privilege xmlns='urn:xmpp:privilege:2'><perm access='${access}' type='both'/></privilege></message>`

test('[XEP-0356 §4] adverts are told to each instance that joins, and forgotten with the link', async (t: TestContext) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const upstream = `, upstream: {service: "xmpp://127.0.0.1:${server.port}", secret: s3cret}`
  const node = await start(t, upstream)
  const first = await node.join('a.test')
  const link = await server.connection()
  await link.admit(privilege('roster'))
  assert.equal(await first.stanza(), privilege('roster'))
  const second = await node.join('a.test')
  assert.equal(await second.stanza(), privilege('roster'))
  link.destroy()
  const again = await server.connection()
  await again.admit(privilege('message'))
  for (const instance of [first, second]) assert.equal(await instance.stanza(), privilege('message'))
  const third = await node.join('a.test')
  assert.equal(await third.stanza(), privilege('message'))
  assert.doesNotMatch(third.received, /roster/)
})

test('[RFC 6121 §4.5] what a dead instance said of itself is ended on its behalf, unless another says it anew', async (t) => {
  const node = await start(t, ', presence_repair_seconds: 0.1')
  const witness = await node.join('from.test')
  const [dying, heir] = [await node.join('a.test'), await node.join('a.test')]
  const online = (local: string) => `<presence from='${local}@a.test' to='u@from.test'/>`
  dying.send(online('lost') + online('kept'))
  await witness.stanzas(2)
  await dying.die()
  heir.send(online('kept'))
  const last = [await witness.stanza(), await witness.stanza()]
  assert.ok(last.includes(online('kept')))
  assert.ok(last.includes("<presence type='unavailable' from='lost@a.test' to='u@from.test'/>"))
})

test('one that joins a domain without buckets, amid traffic, makes nothing overtake', async (t) => {
  const node = await startNode(t, yard('', 'a.test: {type: bare_source}'))
  const sender = await node.join('from.test')
  const [users, turns] = [50, 40]
  const seen = new Map<string, number>()
  let count = 0
  const read = async (instance: StubInstance): Promise<void> => {
    for (let item = await instance.next(); item.kind === 'stanza'; item = await instance.next()) {
      const [from, id] = [attribute(item.text, 'from')!, Number(attribute(item.text, 'id'))]
      assert.equal(id, (seen.get(from) ?? -1) + 1, from)
      seen.set(from, id)
      count++
    }
  }
  // Each is read from the moment on in which it joins: what it gets first has come after all that others had before.
  const reading: Promise<void>[] = []
  for (let turn = 0; turn < turns; turn++) {
    if (turn % 10 === 0) reading.push(read(await node.join('a.test')))
    for (let user = 0; user < users; user++) sender.send(note(turn, `u${user}`))
  }
  await Promise.race([Promise.all(reading), eventually(() => count === users * turns)])
  assert.equal(count, users * turns)
  await assertBalanced(node)
})

test('one that ends its half of the connection with its closing tag has not shown that it read anything', async (t) => {
  const node = await start(t)
  const sender = await node.join('from.test')
  const leaving = await node.join('a.test')
  const heir = await node.join('a.test')
  leaving.freeze()
  // More than its node's window: not all of it can have been handed.
  for (let i = 0; i < 3000; i++) sender.send(note(i))
  await eventually(() => (node.gateway.view.domain('a.test')?.held.stanzas ?? 0) >= 3000)
  leaving.socket.end('</stream:stream>')
  const got = new Set<string | undefined>()
  while (got.size < 3000) got.add(attribute(await heir.stanza(), 'id'))
  leaving.thaw()
  await leaving.closed
  await assertBalanced(node)
})

test('a successor that comes while its predecessor says goodbye gets what waited, and all that comes', async (t) => {
  const node = await startNode(
    t,
    `
node: yard
listen: [{port: 0}]
domains:
  from.test: {secret: swordfish}
  a.test: {instances: {blue: {secret: blue, bucket: 0}, green: {secret: green, bucket: 1}}}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
`,
  )
  const sender = await node.join('from.test')
  const old = await node.join('a.test', 'green')
  old.send('</stream:stream>')
  await eventually(() => node.gateway.view.instances('a.test')?.[0]?.state === 'draining')
  for (let i = 0; i < 10; i++) sender.send(note(i))
  await eventually(() => (node.gateway.view.domain('a.test')?.held.stanzas ?? 0) >= 10)
  const successor = await node.join('a.test', 'green')
  for (let i = 10; i < 20; i++) sender.send(note(i))
  assert.deepEqual(ids(await successor.stanzas(20)), numbers(0, 20))
})
