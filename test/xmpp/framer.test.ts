import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadExpress } from '../../src/scanning.ts'
import { Found, Framer, type FramerLimits } from '../../src/xmpp/framer.ts'
import { Form, Kind, Type } from '../../src/xmpp/head.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'
import type { StreamCondition } from '../../src/xmpp/stream-error.ts'

const limits: FramerLimits = { stanza_bytes: 10_000, depth: 10, elements: 20, attributes: 8, namespaces: 6 }
const open =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' xmlns:h='urn:h' to='a.example'>"
const streams = 'http://etherx.jabber.org/streams'

const express = loadExpress(limits.stanza_bytes)
assert.ok(express, 'this machine runs no WebAssembly with SIMD, so half of this file tests nothing')

/** Everything that is found in the pieces, as one line for each find: by the plain framer and by both must be the same. */
function read(pieces: readonly Uint8Array[], own = limits, start: 'header' | 'stanzas' = 'header'): readonly string[] {
  const plain = readBy(pieces, new Framer(new Scanners(own), start))
  assert.deepEqual(readBy(pieces, new Framer(new Scanners(own, express), start)), plain, 'with the express scanner')
  return plain
}

function readBy(pieces: readonly Uint8Array[], framer: Framer): readonly string[] {
  const finds: string[] = []
  for (const piece of pieces) {
    framer.push(piece)
    for (let found = framer.next(); found !== Found.nothing; found = framer.next()) {
      if (found === Found.error) return [...finds, `error ${framer.error?.condition} ${framer.error?.text}`]
      finds.push(describe(found, framer))
    }
  }
  return finds
}

function describe(found: Found, framer: Framer): string {
  if (found === Found.header) return `header ${framer.header?.name}`
  if (found === Found.footer) return 'footer'
  const { head } = framer
  const attributes = [
    head.text(head.fromStart, head.fromEnd),
    head.text(head.toStart, head.toEnd),
    head.text(head.idStart, head.idEnd),
    head.text(head.fromDomain, head.fromBare),
    head.text(head.toDomain, head.toBare),
    head.fromForm,
    head.toForm,
  ]
  const tag = head.buffer.toString('utf8', head.start, head.tagEnd)
  return JSON.stringify([found, `${head.bytes}`, tag, head.kind, head.type, head.children, head.streams, ...attributes])
}

/** Reads a document whole, byte by byte and cut in two everywhere: all ways must find the same. */
function readEveryWay(document: string | Buffer): readonly string[] {
  const bytes = Buffer.from(document as string)
  const whole = read([bytes])
  assert.deepEqual(read([...bytes].map((byte) => Uint8Array.of(byte))), whole, 'byte by byte')
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `cut at ${cut}`)
  }
  return whole
}

/** What stands inside the stream, or with `whole` instead of one. */
type Case = readonly [title: string, condition: StreamCondition, document: string | Buffer, whole?: 'whole']
const hex = (before: string, bytes: string, after: string) =>
  Buffer.concat([Buffer.from(open + before), Buffer.from(bytes, 'hex'), Buffer.from(after)])

const refused: readonly Case[] = [
  ['[RFC 6120 §11.1] a comment inside a stanza', 'restricted-xml', '<iq><!-- c --></iq>'],
  ['[RFC 6120 §11.1] a comment between stanzas', 'restricted-xml', '<!-- c -->'],
  ['[RFC 6120 §11.1] a processing instruction', 'restricted-xml', '<iq><?php x?></iq>'],
  ['[RFC 6120 §11.1] a document type declaration', 'restricted-xml', `<!DOCTYPE a []>${open}`, 'whole'],
  ['[RFC 6120 §11.1] an entity beyond the five, in text', 'restricted-xml', '<iq>&lol;</iq>'],
  ['[RFC 6120 §11.1] an entity beyond the five, in a value', 'restricted-xml', "<iq id='&nbsp;'/>"],
  ['a declaration in the middle of a stream', 'restricted-xml', "<?xml version='1.0'?>"],
  ['a declaration behind white space', 'restricted-xml', ` <?xml version='1.0'?>${open}`, 'whole'],
  ['end tags that do not match', 'not-well-formed', '<iq></message>'],
  ['elements that overlap', 'not-well-formed', '<iq><a><b></a></b></iq>'],
  ['an end tag with an attribute', 'not-well-formed', "<iq></iq a='1'>"],
  ['an end tag with white space before its name', 'not-well-formed', '<iq></ iq>'],
  ['a name that begins with a digit', 'not-well-formed', '<1x/>'],
  ['a name that holds a sign', 'not-well-formed', '<iq><me!ssage/></iq>'],
  ['an empty name', 'not-well-formed', '<iq><></></iq>'],
  ['a name of a later edition of XML 1.0', 'not-well-formed', '<iq><\u{10000}/></iq>'],
  ['a name that begins with a combining character', 'not-well-formed', '<iq><\u0300/></iq>'],
  ['an attribute without a value', 'not-well-formed', '<iq id/>'],
  ['a value without quotes', 'not-well-formed', '<iq id=1/>'],
  ['attributes without white space between them', 'not-well-formed', "<iq id='1'to='a'/>"],
  ["'<' in a value", 'not-well-formed', "<iq id='<'/>"],
  ["white space behind the '/' of a tag", 'not-well-formed', '<iq / >'],
  ["']]>' in text", 'not-well-formed', '<iq>]]></iq>'],
  ['a control character in text', 'not-well-formed', '<iq>\u0001</iq>'],
  ['NUL in text', 'not-well-formed', '<iq>\u0000</iq>'],
  ['a control character in a value', 'not-well-formed', "<iq id='\u001f'/>"],
  ['a control character in CDATA', 'not-well-formed', '<iq><![CDATA[\u0002]]></iq>'],
  ['U+FFFE', 'not-well-formed', '<iq>\ufffe</iq>'],
  ['U+FFFF in a value', 'not-well-formed', "<iq id='\uffff'/>"],
  ['an overlong character', 'not-well-formed', hex('<iq>', 'c0af', '</iq>'), 'whole'],
  ['an overlong character of three bytes', 'not-well-formed', hex('<iq>', 'e08080', '</iq>'), 'whole'],
  ['a surrogate', 'not-well-formed', hex('<iq>', 'eda080', '</iq>'), 'whole'],
  ['a character beyond U+10FFFF', 'not-well-formed', hex('<iq>', 'f4908080', '</iq>'), 'whole'],
  ['a character that the next tag cuts off', 'not-well-formed', hex('<iq>', 'e282', '</iq>'), 'whole'],
  ['invalid UTF-8 in a name', 'not-well-formed', hex('<iq><a', 'c328', '/></iq>'), 'whole'],
  ['a reference to NUL', 'not-well-formed', '<iq>&#0;</iq>'],
  ['a reference to a surrogate', 'not-well-formed', '<iq>&#xD800;</iq>'],
  ['a reference to U+FFFE', 'not-well-formed', "<iq id='&#xfffe;'/>"],
  ['a reference beyond Unicode', 'not-well-formed', '<iq>&#x110000;</iq>'],
  ['a reference of letters that are no digits', 'not-well-formed', '<iq>&#x41zz;</iq>'],
  ['a reference without digits', 'not-well-formed', '<iq>&#;</iq>'],
  ["'&' alone", 'not-well-formed', '<iq>a & b</iq>'],
  ['an attribute twice', 'not-well-formed', "<iq id='1' id='2'/>"],
  ['an attribute twice by its namespace', 'not-well-formed', "<iq xmlns:a='u' xmlns:b='u' a:x='' b:x=''/>"],
  ['an unbound prefix of an element', 'not-well-formed', '<iq><p:x/></iq>'],
  ['an unbound prefix of an attribute', 'not-well-formed', "<iq p:x=''/>"],
  ['a prefix out of scope', 'not-well-formed', "<iq><a xmlns:p='u'/><p:b/></iq>"],
  ['a prefix bound to nothing', 'not-well-formed', "<iq xmlns:a=''/>"],
  ['the prefix xml bound anew', 'not-well-formed', "<iq xmlns:xml='u'/>"],
  ['the prefix xmlns declared', 'not-well-formed', "<iq xmlns:xmlns='u'/>"],
  ['the prefix xmlns of an element', 'not-well-formed', '<xmlns:iq/>'],
  [
    'another prefix for the namespace of xml',
    'not-well-formed',
    "<iq xmlns:a='http://www.w3.org/XML/1998/namespace'/>",
  ],
  ['the namespace of xml as default', 'not-well-formed', "<iq xmlns='http://www.w3.org/XML/1998/namespace'/>"],
  ['the namespace of xmlns as default', 'not-well-formed', "<iq xmlns='http://www.w3.org/2000/xmlns/'/>"],
  ['a name with two colons', 'not-well-formed', '<h:b:c/>'],
  ['a name that begins with a colon', 'not-well-formed', '<:a/>'],
  ['a name that ends in a colon', 'not-well-formed', '<h:/>'],
  ['a local name that begins with a digit', 'not-well-formed', "<iq h:1=''/>"],
  ['white space in a namespace', 'not-well-formed', "<iq xmlns:a='u v'/>"],
  ['white space in a namespace, as a reference', 'not-well-formed', "<iq><x xmlns='u&#10;v'/></iq>"],
  ["jabberd2's separator in a namespace", 'not-well-formed', "<iq><x xmlns='u|v'/></iq>"],
  ["ElementTree's separator in a namespace", 'not-well-formed', "<iq xmlns:a='u}v'/>"],
  ['[RFC 6120 §4.2] a second stream header', 'not-well-formed', '<stream:stream>'],
  ['a second stream header with another prefix', 'not-well-formed', `<stream xmlns='${streams}'>`],
  ['[RFC 6120 §11.6] a byte order mark', 'not-well-formed', `\ufeff${open}`, 'whole'],
  ['text before the stream', 'not-well-formed', `x${open}`, 'whole'],
  ['a closing tag before the stream', 'not-well-formed', '</stream:stream>', 'whole'],
  ['anything behind the stream', 'not-well-formed', `${open}</stream:stream> <iq/>`, 'whole'],
  ['a comment behind the stream', 'restricted-xml', `${open}</stream:stream><!-- c -->`, 'whole'],
  ['a closing tag of another stream', 'not-well-formed', '</stream:strean>'],
  ['a declaration without a version', 'not-well-formed', `<?xml encoding='utf-8'?>${open}`, 'whole'],
  [
    '[RFC 6120 §11.6] another encoding declared',
    'unsupported-encoding',
    `<?xml version='1.0' encoding='UTF-16'?>${open}`,
    'whole',
  ],
  [
    'a single-byte encoding declared',
    'unsupported-encoding',
    `<?xml version="1.0" encoding="ISO-8859-1"?>${open}`,
    'whole',
  ],
  ['UTF-16 without a mark', 'unsupported-encoding', Buffer.from(open, 'utf16le'), 'whole'],
  ['UTF-16 with a mark', 'unsupported-encoding', Buffer.from(`\ufeff${open}`, 'utf16le'), 'whole'],
  ['UTF-16, the other way round', 'unsupported-encoding', Buffer.from(open, 'utf16le').swap16(), 'whole'],
  ['[RFC 6120 §4.9.3.1] text between stanzas', 'bad-format', '<iq/>x'],
  ['CDATA between stanzas', 'bad-format', '<![CDATA[ ]]>'],
  ['a reference to white space between stanzas', 'bad-format', '&#32;'],
]

for (const [title, condition, document, whole] of refused) {
  test(`${title} is ${condition}`, () => {
    const finds = readEveryWay(whole === undefined ? open + document : document)
    assert.match(finds.at(-1) ?? 'nothing', new RegExp(`^error ${condition} `))
  })
}

const passed: readonly (readonly [title: string, stanza: string])[] = [
  ['an empty stanza', '<presence/>'],
  ['white space in tags', "<iq\n id = '1'\t></iq >"],
  ['both quotes', `<iq id="it's" to='"'/>`],
  ["'>' in text and values", "<iq id='a>b'>a>b ]] ]></iq>"],
  ['the predefined entities in text', '<message><body>&lt;&gt;&amp;&apos;&quot;</body></message>'],
  ['character references in text', '<message><body>&#13;&#x1F600;&#0000065;</body></message>'],
  ['four-byte characters', "<message id='😀'><body>😀 é 名</body></message>"],
  ['attributes with a prefix that is declared in the stanza', "<iq xmlns:p='u'><q p:a='1' a='2'/></iq>"],
  ['the prefix xml', "<message xml:lang='en'><body xml:lang='de'/></message>"],
  ['namespaces of children', "<iq><query xmlns='jabber:iq:version'/><x xmlns=''/></iq>"],
  ['C1 and DEL', '<message><body>\u007f\u0085</body></message>'],
  ['the names of editions up to the fourth in attributes', "<iq><a é='1' 名='2'/></iq>"],
]

for (const [title, stanza] of passed) {
  test(`${title}: the bytes go on as they came`, () => {
    const finds = readEveryWay(`${open}${stanza}</stream:stream>`)
    assert.deepEqual([finds.length, finds[0], finds[2]], [3, 'header stream', 'footer'])
    assert.equal(JSON.parse(finds[1] ?? '')[1], stanza)
  })
}

test('the head tells kind, type, addresses, children and the end of the tag', () => {
  const tag = "<message to='a@b/c' from=\"d.example\" id='x&amp;y' type='groupchat' xml:id='no'>"
  const finds = readEveryWay(`${open} \n${tag}<body><i/></body>text<x/></message>`)
  const bytes = `${tag}<body><i/></body>text<x/></message>`
  const addresses = ['d.example', 'a@b/c', 'x&amp;y', 'd.example', 'b', Form.full, Form.full]
  const expected = [Found.stanza, bytes, tag, Kind.message, Type.groupchat, 2, false, ...addresses]
  assert.deepEqual(JSON.parse(finds[1] ?? ''), expected)
})

test('every type of RFC 6120 and 6121 is known, and another is other', () => {
  for (const [name, type] of Object.entries(Type)) {
    const framer = new Framer(new Scanners(limits), 'stanzas')
    framer.push(Buffer.from(name === 'none' ? '<iq/>' : `<iq type='${name}'/>`))
    assert.equal(framer.next(), Found.stanza)
    assert.equal(framer.head.type, name === 'other' ? Type.other : type)
  }
})

test('only iq, message and presence in the content namespace are stanzas', () => {
  const other = ['<handshake/>', "<message xmlns='jabber:client'/>", "<iq xmlns=''/>", '<a><iq/></a>']
  for (const element of other)
    assert.equal(JSON.parse(readEveryWay(open + element)[1] ?? '')[0], Found.element, element)
  const stanza = "<presence xmlns='jabber:component:accept'/>"
  assert.equal(JSON.parse(readEveryWay(open + stanza)[1] ?? '')[0], Found.stanza)
})

test('an element of the streams namespace is seen however its namespace is spelled', () => {
  const inside = [
    '<x><stream:error/></x>',
    `<x xmlns='${streams}'/>`,
    `<p:x xmlns:p='${streams}'/>`,
    "<x xmlns='http&#58;//etherx.jabber.org/streams'/>",
    `<a xmlns:p='${streams}' xmlns='u'><b/><p:c/></a>`,
    `<p:a xmlns='${streams}' xmlns:p='u'><b/></p:a>`,
  ]
  for (const child of inside)
    assert.equal(JSON.parse(readEveryWay(`${open}<iq>${child}</iq>`)[1] ?? '')[6], true, child)
  const without = [`<p:a xmlns='${streams}' xmlns:p='u'/>`, `<a xmlns:p='${streams}'/>`, `<x xmlns='${streams}/'/>`]
  for (const child of without)
    assert.equal(JSON.parse(readEveryWay(`${open}<iq>${child}</iq>`)[1] ?? '')[6], false, child)
})

test('[RFC 6120 §4.7] the header is read with references decoded', () => {
  const framer = new Framer(new Scanners(limits))
  const attributes = "from='a&amp;b' id='&#x41;' version='1.0' to=\"c\td\""
  framer.push(Buffer.from(`<?xml version="1.0" encoding='utf-8'?>\n<s:stream ${attributes} xmlns='u' xmlns:s='v'>`))
  assert.equal(framer.next(), Found.header)
  const expected = { name: 'stream', namespace: 'v', content: 'u', to: 'c d', from: 'a&b', id: 'A', version: '1.0' }
  assert.deepEqual(framer.header, expected)
})

test('a stream that is opened and closed by one tag is a header and a footer', () => {
  assert.deepEqual(readEveryWay("<stream xmlns='u'/>\n"), ['header stream', 'footer'])
})

test('[RFC 6120 §4.6.1] white space between stanzas is consumed without a find', () => {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from(' \r\n\t'.repeat(50_000)))
  assert.equal(framer.next(), Found.nothing)
  assert.equal(framer.pending, 0)
})

test('after an error nothing more is found or kept', () => {
  const framer = new Framer(new Scanners(limits), 'stanzas')
  framer.push(Buffer.from('<iq></x><iq/>'))
  assert.equal(framer.next(), Found.error)
  framer.push(Buffer.from('<iq/>'))
  assert.equal(framer.next(), Found.error)
  assert.deepEqual([framer.error?.condition, framer.pending, framer.capacity], ['not-well-formed', 0, 0])
})

test('the text of an error holds no control character and no body', () => {
  const finds = readEveryWay(`${open}<iq>secret<a\u0085:\u0007/></iq>`)
  assert.doesNotMatch(finds.at(-1) ?? '', /secret|\p{Cc}/u)
})

const repeat = (n: number, text: (i: number) => string) => Array.from({ length: n }, (_, i) => text(i)).join('')
const nested = (n: number) => `<iq>${'<a>'.repeat(n - 1)}${'</a>'.repeat(n - 1)}</iq>`
const measured: Record<keyof FramerLimits, readonly ((n: number) => string)[]> = {
  stanza_bytes: [
    (n) => `<iq>${'x'.repeat(n - 9)}</iq>`,
    (n) => `<iq id='${'x'.repeat(n - 11)}'/>`,
    (n) => `<${'x'.repeat(n - 3)}/>`,
    (n) => `<iq>&#${'0'.repeat(n - 14)}65;</iq>`,
    (n) => `<iq${' '.repeat(n - 5)}/>`,
    (n) => `<iq></iq${' '.repeat(n - 9)}>`,
    (n) => `<iq>${'é'.repeat((n - 10) / 2)}x</iq>`,
  ],
  depth: [nested, (n) => nested(n).replace('<a></a>', '<a/>')],
  elements: [(n) => `<iq>${'<a/>'.repeat(n - 1)}</iq>`],
  attributes: [(n) => `<iq ${repeat(n, (i) => `a${i}='' `)}/>`],
  namespaces: [
    (n) =>
      `<iq xmlns='jabber:component:accept'>${repeat(n - 1, (i) => `<a xmlns='u${i}'>`)}${'</a>'.repeat(n - 1)}</iq>`,
    (n) => `<iq ${repeat(n, (i) => `xmlns:p${i}='u' `)}/>`,
  ],
}

for (const [limit, documents] of Object.entries(measured)) {
  test(`[RFC 6120 §4.9.3.14] ${limit} fires at the limit and one`, () => {
    const most = limit === 'stanza_bytes' ? 200 : limits[limit as keyof FramerLimits]
    for (const document of documents) {
      for (const cut of [1, 7, 1000]) {
        const tight = { ...limits, [limit]: most }
        const pieces = (text: string) => (text.match(new RegExp(`.{1,${cut}}`, 'gs')) ?? []).map((s) => Buffer.from(s))
        const within = read(pieces(`${document(most)}<iq/>`), tight, 'stanzas')
        assert.equal(within.length, 2, `${document(most)}: ${within}`)
        const over = document(most + (document(most).includes('é') ? 2 : 1))
        const beyond = read(pieces(over), tight, 'stanzas')
        assert.match(beyond.join(), /^error policy-violation/, over)
      }
    }
  })
}

test('an element beyond the limit is refused before its end has come', () => {
  for (const begin of ['<iq>', "<iq id='", '<iq ', '<', '<iq><![CDATA[', '<iq>&#', '</']) {
    const framer = new Framer(new Scanners({ ...limits, stanza_bytes: 100 }), 'stanzas')
    framer.push(Buffer.from(begin.padEnd(101, begin === '</' ? ' ' : begin.endsWith('#') ? '0' : 'x')))
    assert.equal(framer.next(), Found.error, begin)
  }
})

test('the limit beats what is wrong behind it', () => {
  const framer = new Framer(new Scanners({ ...limits, stanza_bytes: 50 }), 'stanzas')
  framer.push(Buffer.from(`<iq>${'x'.repeat(60)}<1/></iq>`))
  assert.equal(framer.next(), Found.error)
  assert.equal(framer.error?.condition, 'policy-violation')
})

test('a buffer that grew for a large stanza is given back', () => {
  const framer = new Framer(new Scanners({ ...limits, stanza_bytes: 4 << 20 }), 'stanzas')
  const chunk = Buffer.alloc(64 * 1024, 'x')
  framer.push(Buffer.from('<iq>'))
  for (let i = 0; i < 63; i++) {
    framer.push(chunk)
    assert.equal(framer.next(), Found.nothing)
  }
  assert.ok(framer.capacity <= (4 << 20) + 2 * chunk.length, `${framer.capacity}`)
  framer.push(Buffer.from('</iq>'))
  assert.equal(framer.next(), Found.stanza)
  assert.equal(framer.next(), Found.nothing)
  assert.ok(framer.capacity < 200_000, `${framer.capacity}`)
})
