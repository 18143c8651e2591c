import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reframer } from '../../src/stream/reframe.ts'
import type { Head } from '../../src/xmpp/head.ts'
import { isValidIq } from '../../src/xmpp/iq.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }

function read<T>(stanza: string, each: (head: Head) => T): T {
  const seen: T[] = []
  new Reframer(limits).stanzas(Buffer.from(stanza), (head) => seen.push(each(head)))
  assert.equal(seen.length, 1)
  return seen[0]!
}

test('[RFC 6120 §8.2.3] an iq has an id, one of four types, and as many children as its type allows', () => {
  const valid = (stanza: string): boolean => read(stanza, isValidIq)
  for (const type of ['get', 'set']) {
    assert.deepEqual(
      ['', '<a/>', '<a/><b/>'].map((inside) => valid(`<iq id='1' type='${type}'>${inside}</iq>`)),
      [false, true, false],
    )
  }
  assert.deepEqual(
    ['', '<a/>', '<a/><b/>'].map((inside) => valid(`<iq id='1' type='result'>${inside}</iq>`)),
    [true, true, false],
  )
  assert.ok(valid("<iq id='1' type='error'><a/><error/></iq>"))
  assert.ok(!valid("<iq type='get'><a/></iq>"))
  assert.ok(!valid("<iq id='1'><a/></iq>"))
  assert.ok(!valid("<iq id='1' type='GET'><a/></iq>"))
  assert.ok(valid('<message/>') && valid("<presence type='x'/>"))
})
