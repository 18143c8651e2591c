import assert from 'node:assert/strict'
import { Replies } from '../../../src/replies.ts'
import { withDelay } from '../../../src/xmpp/delay.ts'
import { Found, Framer } from '../../../src/xmpp/framer.ts'
import { Form, type Head, Kind, typeOf } from '../../../src/xmpp/head.ts'
import { decodeAttribute, isJid, normalise } from '../../../src/xmpp/jid.ts'
import { ns } from '../../../src/xmpp/namespaces.ts'
import { envelopeOf, stanzaError } from '../../../src/xmpp/stanza-error.ts'
import { Generator } from '../generator.ts'
import { both, componentStream, plain } from '../reading.ts'
import type { Target } from '../target.ts'
import { attributeOf, canonical, readWithSaxes, type Tree, withAttribute } from '../trees.ts'

const addresses = { from: ['a.test', 'U@a.test/é', 'u@a.test/&lt;'], to: ['b.test', '@', 'x@b.test./&#10;'] }
const route = 'a2'.repeat(8)

/**
 * The head: of each stanza that is taken it says what another parser reads in it, and what is made of a stanza by it (a
 * token and back, a delay, an error) has exactly that change.
 */
export function headTarget(): Target {
  return {
    form: 'text',
    mostBytes: 1024,
    tokens: [
      ...[
        '<iq',
        '<message',
        '<presence',
        '/>',
        '>',
        '</iq>',
        '</message>',
        " from='",
        ' to="',
        " id='",
        " type='get'",
        " type='",
      ],
      ...[
        'set',
        'result',
        'error',
        'chat',
        'groupchat',
        'headline',
        'unavailable',
        'subscribed',
        "'",
        '"',
        '&amp;',
        '&#9;',
        '&#65;',
      ],
      ...[
        '@',
        '/',
        '.',
        'a.test',
        '<x/>',
        "<delay xmlns='urn:xmpp:delay'",
        " xmlns='http://etherx.jabber.org/streams'",
        '\xc3\xa9',
      ],
      ...['<stream:x/>', "<p:a xmlns:p='u'/>", '<![CDATA[x]]>', '\r', '\t', 'sy-a2a2a2a2a2a2a2a2x00', `sy-${route}p`],
    ],
    fresh: (dice) => {
      const document = new Generator(dice, addresses).document()
      return document.subarray(document.indexOf('>', document.indexOf('<stream')) + 1)
    },
    run: (input) => {
      let said = ''
      for (const scanners of [plain, both]) {
        const framer = new Framer(scanners, 'stanzas')
        framer.push(input)
        for (let found = framer.next(); found === Found.stanza; found = framer.next()) said = check(framer.head)
        framer.stop()
      }
      return said
    },
  }
}

function treeOf(bytes: Buffer | string): Tree {
  const trees = readWithSaxes(`${componentStream}${bytes}</stream:stream>`)
  assert.equal(trees.length, 1, 'one stanza')
  return trees[0] as Tree
}

function check(head: Head): string {
  const tree = treeOf(head.bytes)
  const local = tree.name.startsWith(`${ns.component}\n`) ? tree.name.slice(ns.component.length + 1) : ''
  assert.equal(Kind[local as keyof typeof Kind], head.kind)
  const decoded = (start: number, end: number): string | undefined => {
    const text = head.text(start, end)
    return text === undefined ? undefined : decodeAttribute(text)
  }
  assert.equal(decoded(head.fromStart, head.fromEnd), attributeOf(tree, 'from'), 'from')
  assert.equal(decoded(head.toStart, head.toEnd), attributeOf(tree, 'to'), 'to')
  assert.equal(decoded(head.idStart, head.idEnd), attributeOf(tree, 'id'), 'id')
  const type = attributeOf(tree, 'type')
  assert.equal(typeOf(head), type === undefined || isKnown(type) ? type : 'other', 'type')
  const children = tree.children.filter((child) => typeof child !== 'string')
  assert.equal(head.children, children.length)
  assert.equal(head.streams, mentionsStreams(tree), 'streams')
  const from = checkAddress(head, head.fromStart, head.fromDomain, head.fromBare, head.fromEnd, head.fromForm)
  const to = checkAddress(head, head.toStart, head.toDomain, head.toBare, head.toEnd, head.toForm)
  checkChanges(head, tree)
  return `${head.kind} ${type === undefined} ${from} ${to} ${Math.min(children.length, 2)} ${head.streams}`
}

function isKnown(type: string): boolean {
  return typeOf({ type: 1 } as Head) === 'other' && type !== 'other' && type !== 'none' && KNOWN.has(type)
}
const KNOWN: ReadonlySet<string> = new Set(
  Array.from({ length: 32 }, (_, type) => typeOf({ type } as Head)).filter((name) => name !== undefined),
)

function mentionsStreams(tree: Tree): boolean {
  return (
    tree.name.startsWith(`${ns.streams}\n`) ||
    tree.children.some((child) => typeof child !== 'string' && mentionsStreams(child))
  )
}

function checkAddress(head: Head, start: number, domain: number, bare: number, end: number, form: Form): string {
  if (start < 0) return 'none'
  const text = decodeAttribute(head.buffer.toString('utf8', start, end))
  const parts = normalise(text)
  assert.equal(isJid(head.buffer, start, end), parts !== undefined)
  // A reference may stand for a character that ends a part only where it is none.
  const slash = text.indexOf('/')
  const bareText = slash < 0 ? text : text.slice(0, slash)
  assert.equal(decodeAttribute(head.buffer.toString('utf8', start, bare)), bareText, 'the bare JID')
  assert.equal(decodeAttribute(head.buffer.toString('utf8', domain, bare)), bareText.slice(bareText.indexOf('@') + 1))
  if (form !== Form.unknown) {
    const normal = parts ?? (form === Form.bare ? normalise(bareText) : undefined)
    assert.ok(normal, 'what is in normal form is a JID')
    assert.equal(normal.local === '' ? normal.domain : `${normal.local}@${normal.domain}`, bareText)
    if (form === Form.full) assert.equal(normal.resource, slash < 0 ? '' : text.slice(slash + 1))
  }
  return `${form} ${parts === undefined}`
}

function checkChanges(head: Head, tree: Tree): void {
  const id = attributeOf(tree, 'id')
  if (id !== undefined && head.kind === Kind.iq) {
    const replies = new Replies()
    const wrapped = treeOf(replies.wrap(head, route).bytes)
    const token = attributeOf(wrapped, 'id')
    assert.match(token ?? '', /^sy-[a-z2-7]{16}[px][A-Za-z0-9._:-]*$/)
    assert.equal(canonical(withAttribute(wrapped, 'id', id)), canonical(tree), 'with a token')
    const framer = new Framer(plain, 'stanzas')
    framer.push(Buffer.from(replies.wrap(head, route).bytes))
    assert.equal(framer.next(), Found.stanza)
    assert.equal(replies.routeOf(framer.head), route)
    assert.equal(canonical(treeOf(replies.unwrap(framer.head).bytes)), canonical(tree), 'with its id again')
    if (replies.routeOf(head) !== undefined) {
      const carried = attributeOf(treeOf(replies.unwrap(head).bytes), 'id')
      assert.equal(canonical(withAttribute(treeOf(replies.unwrap(head).bytes), 'id', id)), canonical(tree), carried)
    }
  }
  if (head.kind !== Kind.iq) {
    const delayed = treeOf(withDelay(head, 'a.test', '2026-01-01T00:00:00Z'))
    assert.deepEqual({ ...delayed, children: delayed.children.slice(0, tree.children.length) }, tree)
  }
  const error = treeOf(stanzaError(envelopeOf(head), 'bad-request', 'because'))
  assert.equal(attributeOf(error, 'to'), attributeOf(tree, 'from'))
  assert.equal(attributeOf(error, 'from'), attributeOf(tree, 'to'))
  assert.equal(attributeOf(error, 'id'), id)
  assert.equal(error.children.length, 1)
}
