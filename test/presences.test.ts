import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MOST_PRESENCES, Presences, unavailable } from '../src/presences.ts'
import { Framer } from '../src/xmpp/framer.ts'
import type { Head } from '../src/xmpp/head.ts'
import { Scanners } from '../src/xmpp/scanners.ts'

const limits = { stanza_bytes: 10_000, depth: 10, elements: 20, attributes: 10, namespaces: 20 }
const [blue, green] = [{}, {}]

function head(stanza: string): Head {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from(stanza))
  framer.next()
  return framer.head
}
const online = (from: string, to = 'juliet@b'): Head => head(`<presence from='${from}' to='${to}'/>`)
const offline = (from: string, to = 'juliet@b'): Head =>
  head(`<presence type='unavailable' from='${from}' to='${to}'/>`)
const taken = (presences: Presences, time: number): string[] =>
  [...presences.takeOrphansOlderThan(time)].map(({ from, to }) => `${from} ${to}`)

test('what a gone instance asserted is returned once its time is over, once, in order, and not before', () => {
  const presences = new Presences()
  presences.note(online('x@a'), blue)
  presences.note(online('y@a'), green)
  presences.note(online('z@a', 'romeo@b'), blue)
  presences.orphan(blue, 100)
  presences.orphan(green, 200)
  assert.deepEqual(taken(presences, 100), [])
  assert.deepEqual(taken(presences, 101), ['x@a juliet@b', 'z@a romeo@b'])
  assert.deepEqual(taken(presences, 1000), ['y@a juliet@b'])
  assert.deepEqual([taken(presences, 1000), presences.size], [[], 0])
})

test('whoever says it anew, even as itself after a restart, makes it its own', () => {
  const presences = new Presences()
  presences.note(online('x@a'), blue)
  presences.orphan(blue, 100)
  presences.note(online('x@a'), green)
  assert.deepEqual(taken(presences, 1000), [])
  presences.orphan(blue, 300)
  assert.deepEqual(taken(presences, 1000), [], 'it is not blue’s any more')
  presences.orphan(green, 1000)
  assert.deepEqual(taken(presences, 1001), ['x@a juliet@b'])
})

test('a presence that was ended is forgotten, whoever ended it and whenever', () => {
  const presences = new Presences()
  presences.note(online('x@a'), blue)
  presences.note(offline('x@a'), green)
  presences.note(online('y@a'), blue)
  presences.orphan(blue, 100)
  presences.note(offline('y@a'), green)
  assert.deepEqual([taken(presences, 1000), presences.size], [[], 0])
})

test('nothing else is remembered: other stanzas, subscriptions, errors, and presence to nobody', () => {
  const presences = new Presences()
  for (const stanza of [
    "<message from='x@a' to='juliet@b'/>",
    "<iq type='get' id='1' from='x@a' to='juliet@b'/>",
    "<presence from='x@a'/>",
    ...['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'].map(
      (type) => `<presence type='${type}' from='x@a' to='juliet@b'/>`,
    ),
  ]) {
    presences.note(head(stanza), blue)
    assert.equal(presences.size, 0, stanza)
  }
})

test('more than so many pairs are not remembered, and those that are can still be ended', () => {
  const presences = new Presences()
  for (let i = 0; i <= MOST_PRESENCES; i++) presences.note(online(`${i}@a`), blue)
  assert.equal(presences.size, MOST_PRESENCES)
  presences.note(offline('0@a'), blue)
  presences.note(online('new@a'), blue)
  assert.equal(presences.size, MOST_PRESENCES)
})

test('[RFC 6121 §4.5.1] the presence that ends one has its addresses, between quotes of our own', () => {
  const presences = new Presences()
  presences.note(head(`<presence from="o'x@a" to='juliet@b/&amp;'/>`), blue)
  presences.orphan(blue, 0)
  const [presence] = presences.takeOrphansOlderThan(1)
  const text = unavailable(presence!)
  assert.equal(text, "<presence type='unavailable' from='o&apos;x@a' to='juliet@b/&amp;'/>")
  assert.equal(head(text).bytes.length, text.length)
})
