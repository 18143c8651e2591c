import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withDelay } from '../../src/xmpp/delay.ts'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import type { Head } from '../../src/xmpp/head.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'

const limits = { stanza_bytes: 10_000, depth: 16, elements: 100, attributes: 16, namespaces: 16 }
const STAMP = '2026-11-20T20:00:00.000Z'
const DELAY = `<delay xmlns='urn:xmpp:delay' from='yard.example' stamp='${STAMP}'/>`

function headOf(text: string): Head {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from(text))
  assert.equal(framer.next(), Found.stanza)
  return framer.head
}

const delayed = (text: string, stamp = STAMP) => withDelay(headOf(text), 'yard.example', stamp).toString()

test('[XEP-0203 §2] a delay is the last child of a message or a presence, empty or not', () => {
  assert.equal(delayed("<message to='a'><body>£</body></message>"), `<message to='a'><body>£</body>${DELAY}</message>`)
  assert.equal(delayed("<presence to='a'></presence >"), `<presence to='a'>${DELAY}</presence >`)
  assert.equal(delayed("<presence to='a' />"), `<presence to='a' >${DELAY}</presence>`)
})

test('[RFC 6120 §8.2.3] an iq comes back as it is', () => {
  const iq = "<iq type='get' id='1' to='a'><q xmlns='x'/></iq>"
  assert.equal(delayed(iq), iq)
})

test('a stanza that we have delayed before keeps its delay and its first time', () => {
  const once = delayed('<message><body/></message>')
  assert.equal(delayed(once, '2026-11-21T20:00:00.000Z'), once)
})

test('[XEP-0203 §3] a delay by somebody else stays, and ours comes behind it', () => {
  const other = DELAY.replace('yard.example', 'room.example')
  assert.equal(delayed(`<message>${other}</message>`), `<message>${other}${DELAY}</message>`)
})

test('only the stanza itself is looked at, where others stand around it, as in a slab', () => {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from(`<message>${DELAY}</message><presence to='a/b>c' /><message/>`))
  framer.next()
  assert.equal(framer.next(), Found.stanza)
  assert.equal(withDelay(framer.head, 'yard.example', STAMP).toString(), `<presence to='a/b>c' >${DELAY}</presence>`)
})

test('an address is written as XML wants it, and found again so', () => {
  const once = withDelay(headOf('<message/>'), "o'a&b", STAMP)
  assert.ok(once.includes(" from='o&#39;a&#38;b' "))
  assert.equal(withDelay(headOf(once.toString()), "o'a&b", STAMP).toString(), once.toString())
})
