import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Found, Framer, type FramerLimits } from '../../src/xmpp/framer.ts'
import { Kind, Type } from '../../src/xmpp/head.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'

const limits: FramerLimits = { stanza_bytes: 10_000, depth: 10, elements: 20, attributes: 8, namespaces: 6 }
const open =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' xmlns:h='urn:h&amp;'>"

function rewrite(stanza: string, header = open): Framer {
  const framer = new Framer(new Scanners(limits))
  framer.push(Buffer.from(header + stanza))
  assert.equal(framer.next(), Found.header)
  const found = framer.next()
  assert.ok(found === Found.stanza || found === Found.element, framer.error?.text)
  return framer
}

const cases: readonly (readonly [title: string, stanza: string, rewritten: string])[] = [
  ['CDATA becomes text', '<iq>a<![CDATA[<b>&amp;]]]]><![CDATA[>]]></iq>', '<iq>a&lt;b>&amp;amp;]]&gt;</iq>'],
  [
    'an element with a prefix declares its namespace',
    "<iq><p:a xmlns:p='u'><p:b/><c/></p:a></iq>",
    "<iq><a xmlns='u'><b/><c xmlns='jabber:component:accept'/></a></iq>",
  ],
  ['a prefix of the header is resolved', '<iq><h:a><h:b/></h:a></iq>', "<iq><a xmlns='urn:h&amp;'><b/></a></iq>"],
  [
    'a prefix of the header on an attribute is declared there',
    "<iq h:a='1' b='2' h:c='3'/>",
    "<iq xmlns:h='urn:h&amp;' h:a='1' b='2' h:c='3'/>",
  ],
  [
    'a first-level element with a prefix for the content namespace',
    "<c:iq xmlns:c='jabber:component:accept' id='1'><c:q/></c:iq>",
    "<iq id='1'><q/></iq>",
  ],
  [
    'a stream error',
    '<stream:error><a/></stream:error>',
    "<error xmlns='http://etherx.jabber.org/streams'><a xmlns='jabber:component:accept'/></error>",
  ],
  ['an element name beyond ASCII', '<iq><é  a = "\'"/></iq>', "<iq><é a='&apos;'/></iq>"],
  ['a literal tab and line ends in a value are spaces', "<iq id='a\tb\r\nc\rd\ne'/>", "<iq id='a b c d e'/>"],
  ['a carriage return in text is a line feed', '<iq>a\r\nb\rc&#13;</iq>', '<iq>a\nb\nc&#13;</iq>'],
  ['a character reference in an address', "<iq to='a&#64;b' from='&#x61;@c'/>", "<iq to='a@b' from='a@c'/>"],
  ['a reference to what must be escaped', "<iq id='&#38;&#60;&#39;\"&gt;'/>", "<iq id='&amp;&lt;&apos;\">'/>"],
  ['a line feed that a reference means stays one', "<iq id='a&#10;&#9;&#xd;b'/>", "<iq id='a&#10;&#9;&#13;b'/>"],
  ['an escape that the quotes do not need', '<iq id="it&apos;s" to=\'&quot;\'/>', "<iq id='it&apos;s' to='\"'/>"],
  ['no namespace', "<h:a><x xmlns=''><y/></x></h:a>", "<a xmlns='urn:h&amp;'><x xmlns=''><y/></x></a>"],
  [
    'elements in the namespace of xml keep its prefix',
    "<iq><xml:a xml:b='1'><c/></xml:a></iq>",
    "<iq><xml:a xml:b='1'><c/></xml:a></iq>",
  ],
]

for (const [title, stanza, rewritten] of cases) {
  test(`${title} when an element is written anew`, () => {
    const framer = rewrite(stanza)
    assert.equal(`${framer.head.bytes}`, rewritten)
    assert.equal(framer.rewritten, 1)
  })
}

test('the head describes the bytes that were written', () => {
  const { head } = rewrite(
    "<c:message xmlns:c='jabber:component:accept' to='a&#64;b/\tc' type='&#99;hat' id='é'><c:x><stream:y/></c:x></c:message>",
  )
  const tag = "<message to='a@b/ c' type='chat' id='é'>"
  assert.equal(head.buffer.toString('utf8', head.start, head.tagEnd), tag)
  assert.deepEqual([head.kind, head.type, head.children, head.streams], [Kind.message, Type.chat, 1, true])
  assert.deepEqual([head.text(head.toStart, head.toEnd), head.text(head.idStart, head.idEnd)], ['a@b/ c', 'é'])
  assert.equal(head.fromStart, -1)
})

test('the default namespace of another stream is written out', () => {
  const header = open.replace('jabber:component:accept', 'jabber:client')
  const { head } = rewrite('<message><![CDATA[x]]></message>', header)
  assert.equal(`${head.bytes}`, "<message xmlns='jabber:client'>x</message>")
  assert.equal(head.kind, Kind.other)
})

test('one element after another is written anew, and those between as they came', () => {
  const framer = rewrite("<iq h:a='1'/><iq  id='2'/><iq><![CDATA[3]]></iq>")
  assert.equal(`${framer.head.bytes}`, "<iq xmlns:h='urn:h&amp;' h:a='1'/>")
  framer.next()
  assert.equal(`${framer.head.bytes}`, "<iq  id='2'/>")
  framer.next()
  assert.equal(`${framer.head.bytes}`, '<iq>3</iq>')
  assert.equal(framer.rewritten, 2)
})

const tooMuch: readonly (readonly [what: string, stanza: string, header?: string])[] = [
  ['bytes', `<iq>${'<h:a/><b/>'.repeat(9)}</iq>`, open.replace('urn:h', 'u'.repeat(2000))],
  ['attributes', `<iq ${Array.from({ length: 7 }, (_, i) => `h:a${i}=''`).join(' ')} xml:b='' />`],
  ['namespaces', `<iq>${"<h:a><b h:c=''>".repeat(3)}${'</b></h:a>'.repeat(3)}</iq>`],
]

for (const [what, stanza, header = open] of tooMuch) {
  test(`an element whose ${what} exceed the limit when it is written anew is policy-violation`, () => {
    const framer = new Framer(new Scanners(limits))
    framer.push(Buffer.from(header + stanza))
    assert.equal(framer.next(), Found.header)
    assert.equal(framer.next(), Found.error)
    assert.equal(framer.error?.condition, 'policy-violation')
  })
}
