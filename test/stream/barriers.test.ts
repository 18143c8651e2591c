import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Barriers, barrierOf } from '../../src/stream/barriers.ts'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { Head, Kind, Type } from '../../src/xmpp/head.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'

const limits = { stanza_bytes: 10_000, depth: 10, elements: 10, attributes: 10, namespaces: 10 }

function barriers(): { readonly clock: { now: number }; readonly all: Barriers } {
  const clock = { now: 100 }
  return { clock, all: new Barriers(clock, 'yard.test', 'a.test') }
}

/** A head that has nothing but this id. */
function withId(id: string): Head {
  const head = new Head()
  head.buffer = Buffer.from(`<${id}>`)
  head.idStart = 1
  head.idEnd = 1 + Buffer.byteLength(id)
  return head
}

test('[XEP-0199 §4] a barrier is a ping from our address to the domain, as any parser reads it', () => {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from(new Barriers({ now: 0 }, "o'yard.test", 'a&b.test').next()))
  assert.equal(framer.next(), Found.stanza)
  const { head } = framer
  assert.deepEqual([head.kind, head.type], [Kind.iq, Type.get])
  assert.equal(head.text(head.toStart, head.toEnd), 'a&amp;b.test')
  assert.match(head.bytes.toString(), /<ping xmlns='urn:xmpp:ping'\/><\/iq>$/)
  assert.equal(barrierOf(head), 1)
})

test('barriers are numbered from 1 on, and an id says which one it is', () => {
  const { all } = barriers()
  const ids = [1, 2, 3].map(() => /id='([^']*)'/.exec(all.next())![1]!)
  assert.deepEqual(
    ids.map((id) => barrierOf(withId(id))),
    [1, 2, 3],
  )
  assert.equal(all.last, 3)
})

test('an id that is none of a barrier has no number', () => {
  for (const id of ['', 'sy.', 'sy', 'sy-abc', 'sz.1', 'Sy.1', 'sy.1a', 'sy.-1', 'sy.1.2', 'sy.0', 'xsy.1', 'sy.１']) {
    assert.equal(barrierOf(withId(id)), 0, id)
  }
  assert.equal(barrierOf(withId(`sy.${'9'.repeat(16)}`)), 0, 'more digits than a number is exact with')
  assert.equal(barrierOf(new Head()), 0, 'a stanza without an id')
})

test('an answer answers all before it, once; one to a barrier that was never written answers nothing', () => {
  const { all } = barriers()
  for (let i = 0; i < 5; i++) all.next()
  assert.equal(all.answered(6), false)
  assert.equal(all.answered(0), false)
  assert.equal(all.answered(3), true)
  assert.equal(all.confirmed, 3)
  for (const late of [1, 2, 3]) assert.equal(all.answered(late), false, `${late}`)
  assert.equal(all.answered(5), true)
  assert.deepEqual([all.confirmed, all.owingSince], [5, undefined])
})

test('who answers something is not silent: its debt is as old as its last answer, or as its oldest barrier', () => {
  const { clock, all } = barriers()
  assert.equal(all.owingSince, undefined)
  all.next()
  clock.now = 200
  all.next()
  assert.deepEqual([all.owingSince, all.writtenAt], [100, 200])
  clock.now = 300
  all.answered(1)
  assert.equal(all.owingSince, 300)
  clock.now = 400
  all.answered(2)
  assert.equal(all.owingSince, undefined)
  clock.now = 500
  all.next()
  assert.equal(all.owingSince, 500)
})

test('how long an answer took is counted from the barrier that it answers, not from an earlier one', () => {
  const { clock, all } = barriers()
  assert.equal(all.took, undefined)
  all.next()
  clock.now += 30
  all.next()
  all.next()
  clock.now += 12
  all.answered(2)
  assert.equal(all.took, 12)
  clock.now += 8
  all.answered(3)
  assert.equal(all.took, 20)
  assert.equal(all.answered(1), false)
  assert.equal(all.took, 20)
})
