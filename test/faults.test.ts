import assert from 'node:assert/strict'
import { test } from 'node:test'
import { respelled } from '../src/faults.ts'
import type { Home } from '../src/instance.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { Found, Framer } from '../src/xmpp/framer.ts'
import { Scanners } from '../src/xmpp/scanners.ts'

const limits = { stanza_bytes: 10_000, depth: 16, elements: 100, attributes: 16, namespaces: 16 }
const home = { domain: { name: 'plays.test' } as Home }

/** What `respelled` makes of a stanza, and what it says that its reader says. */
function read(stanza: string): readonly [text: string, from: string | undefined, said: string | undefined] {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from(`<presence/>${stanza}`))
  framer.next()
  assert.equal(framer.next(), Found.stanza)
  let text = ''
  let from: string | undefined
  const said = respelled(home, framer.head, new Reframer(limits), (head) => {
    text = head.bytes.toString('utf8')
    from = head.text(head.fromDomain, head.fromBare)
    return 'invalid-from'
  })
  return [text, from, said]
}

test('a from goes on with the domain in normal form, and all else as it was', () => {
  for (const [written, expected] of [
    ["<message from='A@PLAYS.test./R' to='b'/>", "<message from='A@plays.test/R' to='b'/>"],
    ['<iq id="1" from="ｐｌａｙｓ.test" to="b"><x/></iq>', '<iq id="1" from="plays.test" to="b"><x/></iq>'],
  ] as const) {
    assert.deepEqual(read(written), [expected, 'plays.test', 'invalid-from'])
  }
})
