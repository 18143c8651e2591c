import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntryWriter } from '../src/cluster/entry-codec.ts'
import { visitorCalled } from '../src/cluster/tasks.ts'
import { configOf } from './stub/gateway.ts'
import { idsIn } from './stub/inner-node.ts'
import { type MemberNode, MemberYard } from './stub/member-yard.ts'

const buckets =
  'domains: {a.test: {instances: {left: {secret: l, bucket: 0}, right: {secret: r, bucket: 1}, spare: {secret: s}}, hold: {seconds: 60}}}\n' +
  'domain_balancing: {a.test: {type: source, component_number: 2}}'

/** Whose stanzas are for that instance, as that node sees it. */
function senderTo({ inner }: MemberNode, name: string): string {
  for (let i = 0; ; i++) {
    let picked: string | undefined
    const sender = `u${i}@x.test`
    inner.reframer.stanzas(Buffer.from(`<message from='${sender}' to='a.test'/>`), (head) => {
      picked = inner.domain.pick(head)?.name
    })
    if (picked === name) return sender
  }
}
/** As `say`, by the link that the node has for its present life. */
function sayByLink({ inner, member }: MemberNode, sender: string, ...ids: readonly string[]): void {
  for (const id of ids) {
    inner.fromServer(`<message from='${sender}' to='a.test' id='${id}'/>`, member.links.tenure)
  }
}
function say({ inner }: MemberNode, sender: string, ...ids: readonly string[]): void {
  for (const id of ids) inner.fromServer(`<message from='${sender}' to='a.test' id='${id}'/>`)
}
function ask({ inner }: MemberNode, sender: string, id: string): void {
  inner.fromServer(`<iq type='get' from='${sender}' to='a.test' id='${id}'><q xmlns='q'/></iq>`)
}

/** Two nodes, an instance on each, and whose stanzas are for the second one's. */
async function pair(text = buckets) {
  const yard = new MemberYard(text)
  const [a, b] = (await yard.members('A', 'B')) as [MemberNode, MemberNode]
  a.inner.join('left')
  b.inner.join('right')
  await yard.pass(500)
  assert.deepEqual([a.seated, b.seated], [['left'], ['right']])
  return { yard, a, b, toRight: senderTo(a, 'right'), toLeft: senderTo(a, 'left') }
}

test('nodes that join know each other, and one of them is the senior', async () => {
  const yard = new MemberYard(buckets)
  const [a, b] = await yard.members('A', 'B')
  assert.deepEqual(a!.member.nodes(), [
    { name: 'A', incarnation: 'A' },
    { name: 'B', incarnation: 'B' },
  ])
  assert.deepEqual(
    [a!.member, b!.member].map(({ hasOthers, isUp }) => [hasOthers, isUp]),
    [
      [true, true],
      [true, true],
    ],
  )
  const { epoch } = b!.member.membership.table
  assert.deepEqual(b!.member.metrics(), {
    ...{ nodes: 2, epoch, isUp: true, isHeld: true, isSenior: false },
    inboxes: [{ node: 'A', bytes: 0 }],
  })
  assert.deepEqual([a!.entered, a!.inner.book.all('cluster-joined').length], [1, 1])
  assert.deepEqual(
    a!.inner.book.all('node-joined').map(({ name }) => name),
    ['B'],
  )
})

test('a stanza goes to the node whose instance it is for, and counts as forwarded when that one has it', async () => {
  const { yard, a, b, toRight, toLeft } = await pair()
  say(a, toRight, '1', '2')
  say(b, toLeft, '3')
  await yard.pass(100)
  assert.deepEqual([await b.received('right'), await a.received('left')], [['1', '2'], ['3']])
  await a.confirmed()
  const { counters, hold } = a.inner.domain
  assert.deepEqual([counters.forwarded, hold.stanzas, yard.server.mails('B').length], [2, 0, 0])
})

test('a request that another node answers is waited for here no longer', async () => {
  const { yard, a, b, toRight } = await pair()
  ask(a, toRight, 'q')
  await yard.pass(100)
  const [remote] = a.member.registry.called('a.test', 'right', 'B')
  assert.deepEqual([await b.received('right'), remote?.requests.size], [['q'], 1])
  const answer = `<iq type='result' from='a.test' to='${toRight}' id='q'/>`
  b.inner.reframer.stanzas(Buffer.from(answer), (head) => {
    b.inner.router.fromInstance(b.inner.domain.members.get('right')!, head)
  })
  await yard.pass(200)
  assert.equal(remote?.requests.size, 0)
})

test("what an instance sends to a server goes by the link of the node that has it, and is that node's from then on", async () => {
  const { yard, a, b } = await pair()
  const [near, far, name] = a.member.links.want('a.test') === 'here' ? [a, b, 'right'] : [b, a, 'left']
  assert.equal(near.member.links.want('a.test'), 'here')
  far.inner.reframer.stanzas(Buffer.from("<message from='a.test' to='u@x.test' id='1'/>"), (head) => {
    far.inner.router.fromInstance(far.inner.domain.members.get(name)!, head)
  })
  await yard.pass(100)
  assert.deepEqual([idsIn(near.inner.server.text), far.inner.server.text], [['1'], ''])
  await far.confirmed()
  assert.equal(far.inner.domain.counters.forwarded, 1)
})

test('a node that comes is told what the server has said of its rights', async () => {
  const { yard, a } = await pair()
  const advert =
    "<message from='test' to='a.test'><privilege xmlns='urn:xmpp:privilege:2'><perm access='roster'/></privilege></message>"
  a.inner.fromServer(advert)
  const c = yard.node('C')
  await yard.until(c.member.join())
  await yard.pass(1000)
  assert.deepEqual(c.inner.domain.adverts.all.map(String), [advert])
})

test('while it cannot be sure that it lives a node hands out nothing by key, and then all of it, in order', async () => {
  const { yard, a, b, toRight } = await pair()
  say(b, toRight, '1')
  // One renewal is lost, and the next one is slow.
  let renewals = 0
  b.store.fate = (call) => (call === 'renew' && renewals++ === 0 ? 'lost' : 'done')
  b.store.delay = () => 100
  while (b.member.look()) await yard.time.pass(10)
  say(b, toRight, '2', '3')
  say(a, toRight, 'far')
  await yard.time.pass(150)
  assert.deepEqual([await b.received('right'), b.inner.domain.hold.stanzas], [['1'], 2])
  await yard.pass(5000)
  const came = await b.received('right')
  assert.deepEqual(
    came.filter((id) => id !== 'far'),
    ['1', '2', '3'],
  )
  assert.equal(came.length, 4)
  const { book } = b.inner
  assert.deepEqual([b.lost, book.all('cluster-fenced').length, book.all('cluster-unfenced').length], [[], 1, 1])
})

test('what a dead node had been sent and had written down goes to who has its bucket now, before anything newer', async () => {
  const { yard, a, b, toRight } = await pair()
  a.inner.join('spare')
  await yard.pass(500)
  say(a, toRight, '0')
  await yard.pass(100)
  await a.confirmed()
  // It reads nothing more, and has something that only its own inbox knows of.
  b.inner.reframer.stanzas(Buffer.from(`<message from='${toRight}' to='a.test' id='1'/>`), (head) => {
    b.member.keeper.keep('a.test', false, head, yard.clock.now).retain()
  })
  await yard.pass(100)
  b.member.end()
  say(a, toRight, '2')
  await yard.pass(500)
  assert.deepEqual(await a.received('spare'), [], 'nobody knows yet')
  await yard.pass(9000)
  say(a, toRight, '3')
  await yard.pass(5000)
  const came = await a.received('spare')
  assert.deepEqual(
    came.filter((id) => id !== '1'),
    ['2', '3'],
  )
  assert.equal(came.filter((id) => id === '1').length, 1)
  assert.match(a.inner.stream('spare').text, /id='1'[^>]*><delay /)
  const { book, domain } = a.inner
  assert.deepEqual(
    book.all('node-left').map(({ name, isDead }) => [name, isDead]),
    [['B', true]],
  )
  assert.deepEqual([book.all('estate-claimed').length, book.all('estate-settled').length], [1, 1])
  assert.deepEqual([domain.hold.stanzas, a.member.membership.table.estates.size], [0, 0])
  assert.equal(yard.server.inboxes.has('B'), false)
})

test('what nobody can take of a dead node’s, however much, keeps nothing from the instances of other domains', async () => {
  const hold = '{seconds: 604800, bytes: 64MiB, store: redis}'
  const yard = new MemberYard(`domains: {a.test: {secret: s, hold: ${hold}}, b.test: {secret: s, hold: ${hold}}}`)
  const [a, b] = (await yard.members('A', 'B')) as [MemberNode, MemberNode]
  for (const { inner, member } of [a, b]) {
    for (const domain of inner.routes.domains.values()) domain.hold.keeper = member.keeper.holdKeeper(domain.name)
  }
  const body = `<body>${'x'.repeat(90_000)}</body>`
  const ids = Array.from({ length: 200 }, (_, n) => `a${n}`)
  for (const id of ids) a.inner.fromServer(`<message from='u@x.test' to='a.test' id='${id}'>${body}</message>`)
  await a.inner.turn()
  const its = "<message from='u@x.test' to='b.test' id='b1'/>"
  a.inner.fromServer(its, undefined, a.inner.routes.domains.get('b.test'))
  await yard.pass(500)
  b.inner.join('one', undefined, b.inner.routes.domains.get('b.test'))
  a.member.end()
  await yard.pass(20_000)
  assert.deepEqual(await b.received('one'), ['b1'])
  assert.equal(b.inner.domain.hold.stanzas, 200)
  b.inner.join('two')
  await yard.pass(500)
  b.inner.shares.release(b.inner.domain)
  assert.deepEqual(await b.received('two'), ids)
  await yard.pass(5000)
  assert.deepEqual(b.inner.book.all('estate-settled').length, 1)
})

test('a node that was given up hears so, lets go of what others have, and keeps its own instances', async () => {
  const { yard, a, b, toRight, toLeft } = await pair()
  a.inner.join('spare')
  await yard.pass(500)
  b.meets('lost')
  await yard.pass(9000)
  say(b, toLeft, '1')
  say(b, toRight, '2')
  assert.equal(b.inner.domain.hold.stanzas + b.member.registry.remotes.size > 0, true)
  b.meets('done')
  await yard.pass(3000)
  assert.deepEqual([b.lost.length, b.inner.book.all('cluster-lost').length], [1, 1])
  assert.deepEqual([b.member.isUp, b.member.look(), b.member.registry.remotes.size], [false, false, 0])
  const { members } = b.inner.domain
  assert.deepEqual([[...members.keys()], b.inner.stream('right').isOpen], [['right'], true])
  assert.deepEqual(await b.received('right'), [], 'another has its bucket by now')
  assert.equal(b.inner.domain.hold.stanzas, 2)

  await yard.until(b.begin('B2').join())
  await yard.pass(8000)
  assert.deepEqual([await a.received('left'), await a.received('spare')], [['1'], ['2']])
  assert.deepEqual(await b.received('right'), [])
})

test('what a node that was given up had read by the one link, and not handed on, comes back to its sender', async () => {
  const { yard, a, b, toRight, toLeft } = await pair()
  a.inner.join('spare')
  await yard.pass(500)
  sayByLink(b, toRight, 'before')
  assert.deepEqual(await b.received('right'), ['before'])
  b.inner.flusher.onInput = () => void b.member.look()
  b.meets('lost')
  // It stands still with these read and not written: neither its own instance nor another node has got them.
  sayByLink(b, toRight, '1', '2')
  sayByLink(b, toLeft, '3')
  say(b, toRight, 'local')
  yard.time.standStill(11_000)
  // It awakes: the turn ends in which they were read.
  assert.deepEqual(await b.received('right'), ['before'])
  assert.deepEqual([b.member.links.tenure.isOver, b.member.links.tenure.isLost], [true, false])
  await yard.pass(5000)
  b.meets('done')
  await yard.pass(3000)
  assert.equal(b.lost.length, 1)
  const given = b.member.links.tenure
  assert.deepEqual([given.isOver, given.isLost], [true, true])

  await yard.until(b.begin('B2').join())
  await yard.pass(8000)
  assert.deepEqual([await a.received('left'), await a.received('spare')], [[], ['local']])
  assert.deepEqual(await b.received('right'), ['before'])
  const bounces = [...b.inner.domain.counters.bounces()]
  assert.deepEqual(bounces, [{ condition: 'remote-server-timeout', reason: 'life_over', count: 3 }])
  assert.deepEqual(b.member.links.tenure.isLost, false, 'of the next life')
})

test('what was read by the one link goes on where the life is not given up, however long the node stood still', async () => {
  const { yard, a, b, toRight, toLeft } = await pair()
  b.inner.flusher.onInput = () => void b.member.look()
  sayByLink(b, toRight, '1', '2')
  sayByLink(b, toLeft, '3')
  yard.time.standStill(11_000)
  assert.deepEqual([await b.received('right'), b.member.links.tenure.isOver], [[], true])
  await yard.pass(8000)
  assert.deepEqual([b.lost, b.member.links.tenure.isOver], [[], false])
  assert.deepEqual([await b.received('right'), await a.received('left')], [['1', '2'], ['3']])
})

test('what an heir has not dealt with when it is given up itself is delivered by the next heir, and by that one only', async () => {
  const yard = new MemberYard(buckets)
  const [a, b, c] = (await yard.members('A', 'B', 'C')) as [MemberNode, MemberNode, MemberNode]
  c.inner.reframer.stanzas(Buffer.from("<message from='u@x.test' to='a.test' id='1'/>"), (head) => {
    c.member.keeper.keep('a.test', false, head, yard.clock.now).retain()
  })
  await yard.pass(100)
  c.member.end()
  await yard.pass(10_000)
  assert.equal(a.inner.domain.hold.stanzas, 1, 'A is the senior, so the heir, and there is no instance')
  a.meets('lost')
  await yard.pass(12_000)
  assert.deepEqual([b.inner.book.all('estate-claimed').length, b.inner.domain.hold.stanzas], [2, 1])
  a.meets('done')
  await yard.pass(3000)
  assert.equal(a.lost.length, 1)
  await yard.until(a.begin('A2').join())
  a.inner.join('left')
  a.inner.join('right')
  await yard.pass(8000)
  await b.confirmed()
  const came = [...(await a.received('left')), ...(await a.received('right'))]
  assert.deepEqual([came, a.inner.domain.hold.stanzas, b.inner.domain.hold.stanzas], [['1'], 0, 0])
})

test('a node that leaves in order is gone for the others at once, and is not mourned', async () => {
  const { yard, a, b, toRight } = await pair()
  say(a, toRight, '1')
  await yard.pass(100)
  await a.confirmed()
  b.member.registry.part(() => assert.fail('each has its place'))
  await yard.pass(500)
  await yard.until(b.member.leave(2000))
  await yard.pass(200)
  assert.deepEqual(
    a.inner.book.all('node-left').map(({ name, isDead }) => [name, isDead]),
    [['B', false]],
  )
  assert.deepEqual([a.member.hasOthers, b.member.isUp, yard.server.inboxes.has('B')], [false, false, false])
  assert.deepEqual([...a.inner.domain.members.keys()], ['left'])
  assert.equal(b.lost.length, 0)
  say(a, toRight, '2')
  assert.equal(a.inner.domain.hold.stanzas, 1, 'it waits for who takes the bucket')
})

test('while the store refuses all, what is for other nodes waits; with it back it goes on, and nothing is lost', async () => {
  const { yard, a, b, toRight, toLeft } = await pair()
  for (const node of [a, b]) node.meets('refused')
  await yard.pass(1500)
  assert.deepEqual([a.member.reach, a.member.isUp], ['refused', false])
  say(a, toRight, '1')
  say(a, toLeft, '2')
  const [remote] = a.member.registry.remotes.keys()
  assert.equal(remote?.stream.outbox.pausesSources, false, 'whoever sends is not held up for it')
  await yard.pass(3000)
  assert.deepEqual([await a.received('left'), await b.received('right')], [['2'], []], 'what is here goes on')
  for (const node of [a, b]) node.meets('done')
  await yard.pass(4000)
  await a.confirmed()
  assert.deepEqual([await b.received('right'), a.inner.domain.counters.forwarded], [['1'], 1])
  assert.equal(remote?.stream.outbox.pausesSources, true)
  const { book } = a.inner
  assert.deepEqual([book.all('cluster-down').length, book.all('cluster-up').length, a.lost], [1, 1, []])
})

test('a flaw in what follows from the table is logged, and the node stays a member', async () => {
  const { yard, a, b } = await pair()
  const { follow } = a.member.registry
  a.member.registry.follow = () => {
    throw new Error('a flaw')
  }
  b.inner.leave(b.inner.domain.members.get('right')!)
  await yard.pass(500)
  assert.match(String(a.inner.book.all('bug')[0]?.err && a.inner.book.text), /a flaw/)
  a.member.registry.follow = follow
  b.inner.join('right')
  await yard.pass(2000)
  assert.deepEqual([a.member.look(), a.lost, a.inner.domain.members.has('right')], [true, [], true])
})

test('who asks and is no node is heard, and nothing is sent to it', async () => {
  const { yard, a } = await pair()
  const visitor = visitorCalled('x')
  const writer = new EntryWriter(visitor)
  writer.news('task', '{}')
  let appends = 0
  a.store.fate = (call) => {
    if (call === 'append') appends++
    return 'done'
  }
  yard.server.append('A', [writer.seal({ number: 1, taken: 0, isNote: false, isAsking: true, isMissing: false })])
  await yard.pass(3000)
  assert.deepEqual(a.news, ['task {}'])
  assert.deepEqual([yard.server.mails('A').length, appends, yard.server.inboxes.has(visitor)], [0, 0, false])
})

test('the others hear when a node serves its domains by another config', async () => {
  const { yard, a, b } = await pair()
  const before = b.member.membership.table.nodes.get('A')?.configs['a.test']
  a.config = configOf(
    `listen: [{port: 0}]\nnode: A\ncluster: {redis: 'redis://127.0.0.1'}\n${buckets.replace('hold:', 'when_unassigned: spill, hold:')}`,
  )
  a.member.serve(a.inner.routes.domains.values())
  await yard.pass(500)
  assert.notEqual(b.member.membership.table.nodes.get('A')?.configs['a.test'], before)
})
