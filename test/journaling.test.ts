import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Source } from '../src/stream/outbox.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { ClusterYard, idsIn } from './stub/cluster-yard.ts'
import { SlowKeeper } from './stub/slow-keeper.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const text = `
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
function bench() {
  const yard = new ClusterYard(text)
  yard.join('red')
  yard.grant()
  const keeper = new SlowKeeper()
  yard.keeper = keeper
  const link = new FakeSource()
  const send = (stanza: string): void =>
    new Reframer(limits).stanzas(Buffer.from(stanza), (head) => yard.router.fromLink(yard.domain, link, head))
  const tick = (now: number): void => {
    yard.clock.now = now
    yard.router.journaling.tick()
  }
  return { yard, keeper, link, send, tick }
}

test('who sends more than may be written down is paused, once, until half of it has ended; what it had sent goes on', async () => {
  const { yard, keeper, link, send, tick } = bench()
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
  const { keeper, link, send, tick } = bench()
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
  const { yard, keeper, send } = bench()
  keeper.bytes = 2001
  send(message('1'))
  send(`<iq type='result' from='x.test' to='a.test' id='r'/>`)
  await yard.turn()
  assert.deepEqual(keeper.kept, ['r in 0'])
  assert.match(yard.server.text, /^<message type='error' [^>]* id='1'>.*<error type='wait'><resource-constraint /)
  const red = yard.domain.members.get('red')!
  new Reframer(limits).stanzas(Buffer.from("<message from='a.test' to='u@x.test' id='3'/>"), (head) => {
    yard.router.fromInstance(red, head)
  })
  assert.match((await yard.received('red')).join(), /3/)
  assert.equal(yard.server.text.includes("id='3'"), false)
  keeper.bytes = 2000
  send(message('2'))
  assert.deepEqual(keeper.kept, ['r in 0', '2 in 0'])
})

test('what waits in a hold, or for an instance that reads nothing, has its bound there and pauses nobody', async () => {
  const { yard, keeper, link, send, tick } = bench()
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
  const { yard, keeper } = bench()
  const red = yard.domain.members.get('red')!
  let pauses = 0
  red.stream.pause = () => void pauses++
  keeper.bytes = 1001
  new Reframer(limits).stanzas(Buffer.from("<message from='a.test' to='u@x.test' id='1'/>"), (head) => {
    yard.router.fromInstance(red, head)
  })
  await yard.turn()
  assert.deepEqual([pauses, keeper.kept, idsIn(yard.server.text)], [1, ['1 out 0'], ['1']])
})

test('nobody stays paused where nothing is written down any more', () => {
  const { yard, keeper, link, send, tick } = bench()
  keeper.bytes = 1001
  send(message('1'))
  assert.equal(link.pauses, 1)
  yard.keeper = undefined
  tick(1)
  assert.equal(link.pauses, 0)
})
