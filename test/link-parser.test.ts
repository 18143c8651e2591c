import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { xml } from '@xmpp/component'
import { LinkParser } from '../src/link-parser.ts'
import { Scanners } from '../src/xmpp/scanners.ts'
import { streamError, streamHeader } from './stub/server.ts'

const limits = { stanza_bytes: 10_000, depth: 16, elements: 100, attributes: 16, namespaces: 16 }

/** A parser, and all that it says, in order: to the link in words, to the library as `library …`. */
function listening() {
  const said: string[] = []
  const reader = {
    opened: () => said.push('opened'),
    accepted: () => said.push('accepted'),
    stanza: (head: { readonly bytes: Buffer }) => said.push(head.bytes.toString('utf8')),
    serverError: (condition: string, text: string) => said.push(`error ${condition} '${text}'`),
    footer: () => said.push('footer'),
    broken: (condition: string) => said.push(`broken ${condition}`),
  }
  const parser = new LinkParser({ scanners: new Scanners(limits), handshake_bytes: 512 }, reader, xml)
  parser.on('start', (element) => said.push(`library start ${element.attrs.id}`))
  parser.on('element', (element) => said.push(`library ${element}`))
  const write = (text: string) => parser.write(Buffer.from(text, 'utf8'))
  return { parser, said, write }
}

function opened() {
  const all = listening()
  all.write(streamHeader('s1'))
  all.said.length = 0
  return all
}

function accepted() {
  const all = opened()
  all.write('<handshake/>')
  all.said.length = 0
  return all
}

describe('set-up', () => {
  test('the library sees the header and the answer to the handshake, and no stanza', () => {
    const { said, write } = listening()
    write(`${streamHeader('s1')}<handshake/><message to='a@b'><body>€</body></message>`)
    assert.deepEqual(said, [
      ...['opened', 'library start s1', 'library <handshake/>', 'accepted'],
      "<message to='a@b'><body>€</body></message>",
    ])
  })
  test('any cut of the input gives the same', () => {
    const input = Buffer.from(`${streamHeader('s1')}<handshake/> <message><body>€🙂</body></message>\n</stream:stream>`)
    const whole = listening()
    whole.parser.write(input)
    const cut = listening()
    for (let i = 0; i < input.length; i++) cut.parser.write(input.subarray(i, i + 1))
    assert.equal(whole.said.at(-1), 'footer')
    assert.deepEqual(cut.said, whole.said)
  })
  test('[XEP-0114 §3] a stream id beyond ASCII is hashed as UTF-8: the library gets one character per byte', () => {
    const { said, write } = listening()
    write(streamHeader('ż'))
    assert.deepEqual(said, ['opened', `library start ${Buffer.from('ż').toString('latin1')}`])
  })
  test('[RFC 6120 §4.3.2] features are passed over', () => {
    const { said, write } = opened()
    write('<stream:features/><handshake/>')
    assert.deepEqual(said, ['library <handshake/>', 'accepted'])
  })
})

describe('a server that breaks the stream', () => {
  const headers: readonly (readonly [title: string, header: string, condition: string])[] = [
    [
      'a foreign default namespace is invalid-namespace',
      streamHeader('s1').replace(':accept', ':connect'),
      'invalid-namespace',
    ],
    ['another root element is invalid-namespace', "<html xmlns='jabber:component:accept'>", 'invalid-namespace'],
    ['a header without an id is refused', streamHeader('').replace(" id=''", ''), 'undefined-condition'],
    ['what is no XML is not-well-formed', 'HTTP/1.1 400 Bad Request\r\n', 'not-well-formed'],
  ]
  for (const [title, header, condition] of headers) {
    test(title, () => {
      const { said, write } = listening()
      write(header)
      assert.deepEqual(said, [`broken ${condition}`])
    })
  }
  test('[XEP-0114 §3] a stanza before the answer to the handshake is not-authorized and goes nowhere', () => {
    const { said, write } = opened()
    write('<message/><handshake/>')
    assert.deepEqual(said, ['broken not-authorized'])
  })
  test('another element in place of the answer to the handshake is not-authorized', () => {
    const { said, write } = opened()
    write('<success/>')
    assert.deepEqual(said, ['broken not-authorized'])
  })
  test('an answer to the handshake in another namespace is none', () => {
    for (const namespace of ['jabber:client', 'http://etherx.jabber.org/streams', '']) {
      const { said, write } = opened()
      write(`<handshake xmlns='${namespace}'/><message/>`)
      assert.deepEqual(said, ['broken not-authorized'], namespace)
    }
  })
  test('[RFC 6120 §4.9.3.24] features are for the beginning of a stream', () => {
    const { said, write } = accepted()
    write('<stream:features/>')
    assert.deepEqual(said, ['broken unsupported-stanza-type'])
  })
  test('[RFC 6120 §13.12] more bytes before the answer to the handshake than may come are policy-violation, not one less', () => {
    const early = streamHeader('s1').padEnd(512 - '<handshake/>'.length)
    const { said, write } = listening()
    write(`${early}<handshake/><message/>${' '.repeat(1000)}<presence/>`)
    assert.deepEqual(said.slice(-2), ['<message/>', '<presence/>'])
    const other = listening()
    other.write(`${early} <handshake/><message/>`)
    assert.deepEqual(other.said, ['opened', 'library start s1', 'broken policy-violation'])
  })
  test('[RFC 6120 §4.4] behind the end of a stream a megabyte is discarded, not more', () => {
    const { parser } = accepted()
    const chunk = Buffer.alloc(64 * 1024, '<')
    for (let at = 0; at <= 16; at++) assert.equal(parser.write(chunk), true)
    assert.equal(parser.write(chunk), false)
  })
  test('[RFC 6120 §4.9.3.24] an element that is no stanza is unsupported-stanza-type', () => {
    const { said, write } = accepted()
    write('<query/>')
    assert.deepEqual(said, ['broken unsupported-stanza-type'])
  })
  test('after an error nothing of the same chunk or a later one is read', () => {
    const { said, write } = accepted()
    write('<message></body><message></presence>')
    write('<message/></stream:stream>')
    assert.deepEqual(said, ['broken not-well-formed'])
  })
  test('after `stop` nothing is read', () => {
    const { parser, said, write } = accepted()
    parser.stop()
    write('<message/>')
    assert.deepEqual(said, [])
  })
})

describe('stream errors of the server', () => {
  test('[RFC 6120 §4.9.2] the condition and the explanation are told, and nothing after them', () => {
    const { said, write } = opened()
    const text = "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Wrong secret</text>"
    write(streamError('not-authorized').replace('</stream:error>', `${text}</stream:error>`))
    assert.deepEqual(said, ["error not-authorized 'Wrong secret'"])
  })
  test('an error without a condition, which the library would throw at, is undefined-condition', () => {
    const { said, write } = accepted()
    write('<stream:error/>')
    assert.deepEqual(said, ["error undefined-condition ''"])
  })
  test('a condition that nobody knows is undefined-condition', () => {
    const { said, write } = accepted()
    write(streamError('out-of-coffee'))
    assert.deepEqual(said, ["error undefined-condition ''"])
  })
  test('[RFC 6120 §4.9.3.19] see-other-host is told, not followed', () => {
    const { said, write } = accepted()
    write(
      "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>evil:1</see-other-host></stream:error>",
    )
    assert.deepEqual(said, ["error see-other-host ''"])
  })
})
