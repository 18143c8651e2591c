import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reframer } from '../../src/stream/reframe.ts'
import type { Head } from '../../src/xmpp/head.ts'
import {
  envelopeOf,
  type StanzaCondition,
  stanzaError,
  stanzaErrors,
  undeliverable,
} from '../../src/xmpp/stanza-error.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }

function read<T>(stanza: string, each: (head: Head) => T): T {
  const seen: T[] = []
  new Reframer(limits).stanzas(Buffer.from(stanza), (head) => seen.push(each(head)))
  assert.equal(seen.length, 1)
  return seen[0]!
}

test('[RFC 6120 §8.3.1] an error swaps the addresses, keeps name and id, and echoes no payload', () => {
  const error = read("<iq type='set' from='a@x/r' to='b.test' id='1'><secret xmlns='s'/></iq>", (head) =>
    stanzaError(envelopeOf(head), 'service-unavailable', 'not "here" & now'),
  )
  assert.match(error, /^<iq type='error' from='b.test' to='a@x\/r' id='1'><error type='cancel'><service-unavailable /)
  assert.doesNotMatch(error, /secret|& now/)
  read(error, (head) => assert.equal(undeliverable(head), 'error_bounce'))
})

test('what stood between other quotes is still well-formed between ours', () => {
  const error = read(`<message from="o'neil@x" id="it's"/>`, (head) => stanzaError(envelopeOf(head), 'bad-request'))
  read(error, ({ toStart, idStart, fromStart }) => assert.ok(toStart > 0 && idStart > 0 && fromStart < 0))
})

test('[RFC 6120 §8.3.3] every condition has a type of §8.3.2 and reads back', () => {
  for (const condition of Object.keys(stanzaErrors) as StanzaCondition[]) {
    read(stanzaError({ name: 'message', from: 'a', to: 'b', id: undefined }, condition), (head) =>
      assert.ok(head.bytes.toString().includes(`<error type='${stanzaErrors[condition]}'><${condition} `)),
    )
  }
})

test('[XEP-0045 §7.2] presence is answered when it joins a room, at whatever place the x stands', () => {
  const join = "<x xmlns='http://jabber.org/protocol/muc'><password>p</password></x>"
  const fates = [
    `<presence>${join}</presence>`,
    `<presence><show>away</show>${join}</presence>`,
    `<presence type='unavailable'>${join}</presence>`,
    `<presence><y xmlns='y'>${join}</y></presence>`,
    "<presence><x xmlns='http://jabber.org/protocol/muc#user'/></presence>",
  ].map((stanza) => read(stanza, undeliverable))
  assert.deepEqual(fates, ['bounce', 'bounce', 'presence_bounce', 'presence_bounce', 'presence_bounce'])
})
