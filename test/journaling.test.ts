import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainRoutes } from '../src/domain-routes.ts'
import { Journaling } from '../src/journaling.ts'
import type { Keeper } from '../src/past.ts'
import type { Source } from '../src/stream/outbox.ts'
import type { Ticket } from '../src/stream/queue.ts'
import { Reframer } from '../src/stream/reframe.ts'
import type { Head } from '../src/xmpp/head.ts'
import { ClusterYard } from './stub/cluster-yard.ts'
import { configOf } from './stub/gateway.ts'
import { idsIn } from './stub/inner-node.ts'
import { SlowKeeper } from './stub/slow-keeper.ts'

const reframer = new Reframer({ stanza_bytes: 1e6, depth: 8, elements: 16, attributes: 8, namespaces: 4 })

/** Writes down what it is given when the test says so, as a store does: all that came before, whoever asks. */
class Book implements Keeper {
  readonly kept: string[] = []
  ticket: Ticket = { retain() {}, release() {} }
  readonly bytes = 0
  readonly limit = 1000
  #waiting: (() => void)[] = []

  keep(domain: string, isForServer: boolean, head: Head, since: number): Ticket {
    this.kept.push(`${domain} ${isForServer ? 'out' : 'in'} ${since}: ${head.bytes}`)
    return this.ticket
  }
  whenKept(then: () => void): void {
    this.#waiting.push(then)
  }
  noteFull(): void {}
  write(): void {
    for (const then of this.#waiting.splice(0)) then()
  }
}

function bench(keeper: Keeper = new Book()) {
  const config = configOf(`
listen: [{port: 0}]
cluster: {redis: 'redis://127.0.0.1'}
domains:
  a.test: {secret: s, delivery: journal}
  b.test: {secret: s, delivery: journal}
  c.test: {secret: s}
  d.test: {secret: s, delivery: journal, upstream: {service: 'xmpp://127.0.0.1:1', secret: s, links: one}}
`)
  const [a, b, c, d] = [...config.domains.values()].map((domain) => new DomainRoutes(domain, () => 0))
  /** What has gone on. */
  const gone: string[] = []
  const state: { keeper: Keeper | undefined } = { keeper }
  const journaling = new Journaling({
    keeper: () => state.keeper,
    clock: { now: 9 },
    reframer,
    domains: () => [],
    route: (_domain, { bytes }) => void gone.push(bytes.toString()),
    bounce: (_domain, { bytes }) => void gone.push(`bounced ${bytes}`),
  })
  const write = (domain: DomainRoutes, text: string, since?: number): boolean => {
    let isTaken = false
    reframer.stanzas(Buffer.from(text), (head) => {
      const past = since === undefined ? undefined : { since, deaths: 0 }
      isTaken = journaling.write(domain, head, undefined, past)
    })
    return isTaken
  }
  const keepForServer = (domain: DomainRoutes, text: string): Ticket | undefined => {
    let ticket: Ticket | undefined
    reframer.stanzas(Buffer.from(text), (head) => {
      ticket = journaling.keepForServer(domain, head, 4, undefined)
    })
    return ticket
  }
  return { journaling, gone, state, write, keepForServer, a: a!, b: b!, c: c!, d: d! }
}

test('a stanza goes on when it has been written down, with those that came before it', () => {
  const book = new Book()
  const { write, gone, a } = bench(book)
  assert.equal(write(a, '<message/>'), true)
  assert.equal(write(a, '<presence/>', 3), true)
  assert.deepEqual(book.kept, ['a.test in 9: <message/>', 'a.test in 3: <presence/>'])
  assert.deepEqual(gone, [])
  book.write()
  assert.deepEqual(gone, ['<message/>'], 'the other came when the store had been asked already')
  book.write()
  assert.deepEqual(gone, ['<message/>', '<presence/>'])
  assert.equal(a.unwritten.stanzas, 0)
})

test('each domain goes on by itself, however often it writes', () => {
  const book = new Book()
  const { write, gone, a, b } = bench(book)
  write(a, '<message/>')
  write(b, '<presence/>')
  for (let n = 0; n < 3; n++) write(a, `<iq id='${n}'/>`)
  book.write()
  book.write()
  assert.deepEqual(gone, ['<message/>', '<presence/>', ...[0, 1, 2].map((n) => `<iq id='${n}'/>`)])
})

test('where nothing outlives the node nothing waits', () => {
  const { journaling, write, keepForServer, gone, state, a } = bench()
  state.keeper = undefined
  assert.equal(write(a, '<message/>'), false)
  assert.equal(keepForServer(a, '<message/>'), undefined)
  journaling.whenKept(() => gone.push('answer'))
  assert.deepEqual(gone, ['answer'])
})

test('an answer waits for all that was written down before it, of whatever domain and for whomever', () => {
  const book = new Book()
  const { journaling, write, keepForServer, gone, a, b } = bench(book)
  write(a, '<message/>')
  journaling.whenKept(() => gone.push('one'))
  assert.equal(gone.length, 0)
  book.write()
  assert.equal(gone.join(' '), '<message/> one')
  keepForServer(b, '<presence/>')
  journaling.whenKept(() => gone.push('two'))
  assert.equal(gone.length, 2)
  book.write()
  assert.equal(gone.join(' '), '<message/> one two')
})

test('before anything was ever written down an answer asks nobody', () => {
  const book = new Book()
  const { journaling, gone } = bench(book)
  journaling.whenKept(() => gone.push('answer'))
  assert.deepEqual(gone, ['answer'])
})

test('for a server only what its domain wants to be written down is', () => {
  const book = new Book()
  const { keepForServer, a, c } = bench(book)
  assert.equal(keepForServer(c, '<message/>'), undefined)
  assert.equal(keepForServer(a, '<message/>'), book.ticket)
  assert.deepEqual(book.kept, ['a.test out 4: <message/>'])
})

test('what came last goes on by the next life of the node, when that is the one that writes', () => {
  const [old, next] = [new Book(), new Book()]
  const { write, gone, state, a } = bench(old)
  write(a, '<message/>')
  write(a, '<presence/>')
  state.keeper = next
  old.write()
  assert.deepEqual(gone, ['<message/>'])
  next.write()
  assert.deepEqual(gone, ['<message/>', '<presence/>'])
})

test('an answer waits for the next life of the node, when that is the one that writes what came before', () => {
  const [old, next] = [new Book(), new Book()]
  const { journaling, write, gone, state, a } = bench(old)
  write(a, '<message/>')
  journaling.whenKept(() => gone.push('answer'))
  state.keeper = next
  old.write()
  assert.deepEqual(gone, ['<message/>'])
  next.write()
  assert.deepEqual(gone, ['<message/>', 'answer'])
  journaling.whenKept(() => gone.push('alone'))
  state.keeper = undefined
  next.write()
  assert.equal(gone.at(-1), 'alone')
})

test('what a life of the node had not written when it ended is written by the next, in order with what came since', () => {
  const [old, next] = [new Book(), new Book()]
  const lost: Ticket = { retain() {}, release() {}, isVoid: true, isStored: false }
  const { write, gone, state, a } = bench(old)
  old.ticket = lost
  write(a, "<iq id='1'/>")
  write(a, "<iq id='2'/>")
  state.keeper = next
  write(a, "<iq id='3'/>")
  old.write()
  assert.deepEqual([gone, a.unwritten.stanzas], [[], 3])
  next.write()
  assert.deepEqual(gone, ["<iq id='1'/>", "<iq id='2'/>", "<iq id='3'/>"])
  assert.deepEqual(
    next.kept.slice(-3).map((text) => text.slice(-12, -3)),
    ["<iq id='1", "<iq id='2", "<iq id='3"],
  )
})

test('where another node may have the one link by then, they are bounced instead: it may have passed on later ones', () => {
  const [old, next] = [new Book(), new Book()]
  const { write, gone, state, d } = bench(old)
  old.ticket = { retain() {}, release() {}, isVoid: true, isStored: false }
  write(d, "<iq id='1'/>")
  write(d, "<iq id='2'/>")
  state.keeper = next
  write(d, "<iq id='3'/>")
  old.write()
  next.write()
  next.write()
  assert.deepEqual(gone, ["bounced <iq id='1'/>", "bounced <iq id='2'/>", "<iq id='3'/>"])
})

const roomLimits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const roomText = `
cluster: {redis: "redis://127.0.0.1"}
domains: {a.test: {secret: s, delivery: journal}}
`
const message = (id: string): string => `<message from='u@x.test' to='a.test' id='${id}'/>`

/** Whether it is read; pauses are counted, as every source counts them. */
class FakeSource implements Source {
  pauses = 0
  pause(): void {
    this.pauses++
  }
  resume(): void {
    this.pauses--
  }
}

/** A node with an instance, whose keeper has room for 1000 bytes, and a link that sends. */
function room() {
  const yard = new ClusterYard(roomText)
  yard.join('red')
  yard.grant()
  const keeper = new SlowKeeper()
  yard.keeper = keeper
  const link = new FakeSource()
  const send = (stanza: string): void =>
    new Reframer(roomLimits).stanzas(Buffer.from(stanza), (head) => yard.router.fromLink(yard.domain, link, head))
  const tick = (now: number): void => {
    yard.clock.now = now
    yard.router.journaling.tick()
  }
  return { yard, keeper, link, send, tick }
}

test('who sends more than may be written down is paused, once, until half of it has ended; what it had sent goes on', async () => {
  const { yard, keeper, link, send, tick } = room()
  keeper.bytes = 1000
  send(message('1'))
  assert.deepEqual([link.pauses, keeper.fulls], [0, 0])
  keeper.bytes = 1001
  send(message('2'))
  send(message('3'))
  assert.deepEqual([link.pauses, keeper.fulls], [1, 1])
  keeper.write()
  keeper.write()
  assert.deepEqual(await yard.received('red'), ['1', '2', '3'])
  keeper.bytes = 501
  tick(100)
  assert.equal(link.pauses, 1)
  keeper.bytes = 500
  tick(200)
  assert.equal(link.pauses, 0)
  keeper.bytes = 1001
  send(message('4'))
  assert.deepEqual([link.pauses, keeper.fulls], [1, 2], 'it has been full anew')
})

test('one that is paused is read once in a second all the same: its confirmations may be what is waited for', () => {
  const { keeper, link, send, tick } = room()
  keeper.bytes = 1500
  send(message('1'))
  tick(999)
  assert.equal(link.pauses, 1)
  tick(1000)
  assert.equal(link.pauses, 0)
  send(message('2'))
  assert.deepEqual([link.pauses, keeper.fulls], [1, 1])
  tick(1999)
  assert.equal(link.pauses, 1)
  tick(2000)
  assert.equal(link.pauses, 0)
})

test('above twice of what may be written down nothing but replies is taken: the rest is bounced', async () => {
  const { yard, keeper, send } = room()
  keeper.bytes = 2001
  send(message('1'))
  send(`<iq type='result' from='x.test' to='a.test' id='r'/>`)
  await yard.turn()
  assert.deepEqual(keeper.kept, ['r in 0'])
  assert.match(yard.server.text, /^<message type='error' [^>]* id='1'>.*<error type='wait'><resource-constraint /)
  const red = yard.domain.members.get('red')!
  new Reframer(roomLimits).stanzas(Buffer.from("<message from='a.test' to='u@x.test' id='3'/>"), (head) => {
    yard.router.fromInstance(red, head)
  })
  assert.match((await yard.received('red')).join(), /3/)
  assert.equal(yard.server.text.includes("id='3'"), false)
  keeper.bytes = 2000
  send(message('2'))
  assert.deepEqual(keeper.kept, ['r in 0', '2 in 0'])
})

test('what waits in a hold, or for an instance that reads nothing, has its bound there and pauses nobody', async () => {
  const { yard, keeper, link, send, tick } = room()
  const red = yard.domain.members.get('red')!
  red.stream.outbox.stopHanding()
  send(message('1'))
  keeper.write()
  red.state = 'stalled'
  const { bytes } = red.stream.outbox
  assert.ok(bytes > 0)
  keeper.bytes = keeper.limit + bytes
  tick(1)
  send(message('2'))
  assert.equal(link.pauses, 0)
  keeper.write()
  red.state = 'draining'
  yard.domain.pause(red)
  send(message('3'))
  keeper.write()
  assert.equal(yard.domain.hold.stanzas, 1)
  keeper.bytes = keeper.limit + yard.domain.hold.bytes
  tick(2)
  send(message('4'))
  assert.equal(link.pauses, 0)
  keeper.bytes++
  send(message('5'))
  assert.equal(link.pauses, 1)
})

test('an instance that sends more for a server than may be written down is paused, too', async () => {
  const { yard, keeper } = room()
  const red = yard.domain.members.get('red')!
  let pauses = 0
  red.stream.pause = () => void pauses++
  keeper.bytes = 1001
  new Reframer(roomLimits).stanzas(Buffer.from("<message from='a.test' to='u@x.test' id='1'/>"), (head) => {
    yard.router.fromInstance(red, head)
  })
  await yard.turn()
  assert.deepEqual([pauses, keeper.kept, idsIn(yard.server.text)], [1, ['1 out 0'], ['1']])
})

test('nobody stays paused where nothing is written down any more', () => {
  const { yard, keeper, link, send, tick } = room()
  keeper.bytes = 1001
  send(message('1'))
  assert.equal(link.pauses, 1)
  yard.keeper = undefined
  tick(1)
  assert.equal(link.pauses, 0)
})
