import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Adverts, delegatedFrom } from '../src/adverts.ts'
import { Framer } from '../src/xmpp/framer.ts'
import type { Head } from '../src/xmpp/head.ts'
import { Scanners } from '../src/xmpp/scanners.ts'

const limits = { stanza_bytes: 1e6, depth: 20, elements: 1000, attributes: 10, namespaces: 100 }

function head(stanza: string): Head {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from(stanza))
  framer.next()
  return framer.head
}

const privilege = (from = 'b.test', more = '', version = 2): string =>
  `<message from='${from}' to='a.test'><privilege xmlns='urn:xmpp:privilege:${version}'><perm access='roster' type='both'/>${more}</privilege></message>`
const delegation = (from = 'b.test'): string =>
  `<message from='${from}' to='a.test'><delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='urn:x'/></delegation></message>`
const all = (adverts: Adverts): string[] => adverts.all.map(String)

test('[XEP-0355 §4, XEP-0356 §4] adverts are remembered, each kind once, the last one last', () => {
  const adverts = new Adverts()
  for (const advert of [privilege(), delegation(), privilege('b.test', '', 1)])
    assert.ok(adverts.note(head(advert), 'a.test'))
  assert.deepEqual(all(adverts), [privilege(), delegation(), privilege('b.test', '', 1)])
  const newer = privilege('b.test', "<perm access='message' type='outgoing'/>")
  assert.ok(adverts.note(head(newer), 'a.test'))
  assert.deepEqual(all(adverts), [delegation(), privilege('b.test', '', 1), newer])
  adverts.forget()
  assert.deepEqual(all(adverts), [])
})

test('each server above is believed, and nobody else’s domain', () => {
  const adverts = new Adverts()
  for (const from of ['b.test', 'Test', 'a.b.test']) assert.ok(adverts.note(head(privilege(from)), 'a.b.test'))
  for (const from of ['c.test', 'xa.b.test', 'x.a.b.test']) {
    assert.equal(adverts.note(head(privilege(from)), 'a.b.test'), undefined, from)
  }
  assert.deepEqual(all(adverts), [privilege('b.test'), privilege('Test'), privilege('a.b.test')])
})

test('another domain is believed if it is the first, until one above speaks', () => {
  const adverts = new Adverts()
  assert.ok(adverts.note(head(privilege('c.test')), 'a.b.test'))
  assert.equal(adverts.note(head(privilege('d.test')), 'a.b.test'), undefined)
  assert.ok(adverts.note(head(delegation('b.test')), 'a.b.test'))
  assert.equal(adverts.note(head(privilege('c.test')), 'a.b.test'), undefined)
  assert.deepEqual(all(adverts), [delegation('b.test')])
})

test('nothing else is an advert: not from a user, not an error, not one that only speaks of it', () => {
  const adverts = new Adverts()
  for (const stanza of [
    privilege('juliet@b.test'),
    privilege('b.test/r'),
    privilege().replace('<message ', "<message type='error' "),
    privilege().replaceAll('message', 'presence'),
    privilege().replace(" from='b.test'", ''),
    privilege().replaceAll('privilege xmlns', 'other xmlns').replace('</privilege>', '</other>'),
    "<message from='b.test' to='a.test'><body>urn:xmpp:privilege:2</body></message>",
    `<message from='b.test' to='a.test'><wrap xmlns='urn:x'>${privilege()}</wrap></message>`,
  ]) {
    assert.equal(adverts.note(head(stanza), 'a.test'), undefined, stanza)
  }
  assert.deepEqual(all(adverts), [])
})

test('what is remembered is bounded in number and size', () => {
  const adverts = new Adverts()
  assert.equal(adverts.note(head(privilege('b.test', ' '.repeat(64 * 1024))), 'a.test'), undefined)
  for (let i = 0; i < 20; i++) adverts.note(head(privilege('b.test', '', i)), 'a.test')
  assert.equal(adverts.all.length, 16)
  assert.equal(all(adverts).at(-1), privilege('b.test', '', 19), 'the oldest made room')
})

const forwarded = (from: string, outer = 'b.test', kind = 'iq', type = 'set'): string =>
  `<${kind} type='${type}' id='1' from='${outer}' to='a.test'><delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get' id='2' from='${from}' to='b.test'><q xmlns='urn:x'/></iq></forwarded></delegation></${kind}>`

test('[XEP-0355 §5] a delegated request is from whom the stanza that it forwards is from', () => {
  assert.equal(delegatedFrom(head(forwarded('juliet@b.test/balcony'))), 'juliet@b.test/balcony')
  assert.equal(delegatedFrom(head(forwarded('o&apos;x@b.test'))), "o'x@b.test")
})

test('any other stanza is from whom it says, also one that a user made to look like that', () => {
  for (const stanza of [
    forwarded('juliet@b.test', 'mallory@b.test'),
    forwarded('juliet@b.test', 'b.test', 'message'),
    forwarded('juliet@b.test', 'b.test', 'iq', 'result'),
    forwarded('juliet@b.test').replace('urn:xmpp:forward:0', 'urn:y'),
    forwarded('juliet@b.test').replace(" from='juliet@b.test'", ''),
    "<iq type='get' id='1' from='b.test' to='a.test'><q xmlns='urn:x'>urn:xmpp:delegation:2</q></iq>",
    "<iq type='get' id='1' from='b.test' to='a.test'><delegation xmlns='urn:xmpp:delegation:2'/></iq>",
  ]) {
    assert.equal(delegatedFrom(head(stanza)), undefined, stanza)
  }
})
