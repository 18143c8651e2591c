import type { Group } from '../case.ts'
import { bare, component, componentHeader, FROM, head, many, message, nested, serverHeader, TO } from './write.ts'

const stanzas = ['instance', 'link'] as const

/** The limits that are in force when a configuration names none. */
export const limits = {
  stanza_bytes: 512 * 1024,
  depth: 128,
  elements: 10_000,
  attributes: 128,
  namespaces: 64,
  handshake_bytes: 8 * 1024,
} as const

const open = (inside: string): string => `<message ${FROM} ${TO}>${inside}`
const bodyOf = (bytes: number): string => message('x'.repeat(bytes - message('').length))
const attributes = (count: number): string => bare(`<x${many(count, (i) => ` a${i}=''`)}/>`)
const prefixes = (count: number): string => `<x${many(count, (i) => ` xmlns:a${i}='u'`)}/>`

/** RFC 6120 §13.12: what is well-formed and too much. */
export const excess: readonly Group[] = [
  {
    source: 'RFC 6120 §13.12, size',
    at: stanzas,
    answer: 'policy-violation',
    rows: [
      { name: 'a stanza of one byte too much', bytes: bodyOf(limits.stanza_bytes + 1) },
      { name: 'a body without end', bytes: open(`<body>${'x'.repeat(limits.stanza_bytes)}`) },
      { name: 'a value without end', bytes: `<message ${FROM} to='${'x'.repeat(limits.stanza_bytes)}` },
      { name: 'a name without end', bytes: `<${'x'.repeat(limits.stanza_bytes)}` },
      { name: 'an attribute name without end', bytes: `<message ${'x'.repeat(limits.stanza_bytes)}` },
      { name: 'white space without end inside a tag', bytes: `<message ${' '.repeat(limits.stanza_bytes)}` },
      {
        name: 'white space without end inside a closing tag',
        bytes: bare('').slice(0, -1) + ' '.repeat(limits.stanza_bytes),
      },
      { name: 'a CDATA section without end', bytes: open(`<body><![CDATA[${'x'.repeat(limits.stanza_bytes)}`) },
      { name: 'a character reference without end', bytes: open(`<body>&#${'0'.repeat(limits.stanza_bytes)}`) },
      { name: 'a namespace without end', bytes: open(`<x xmlns='${'u'.repeat(limits.stanza_bytes)}`) },
      { name: 'an element of no known name, without end', bytes: `<query>${'x'.repeat(limits.stanza_bytes)}` },
    ],
  },
  {
    source: 'RFC 6120 §13.12, depth, elements, attributes and namespace declarations',
    at: stanzas,
    answer: 'policy-violation',
    rows: [
      { name: 'one element too deep', bytes: bare(nested(limits.depth)) },
      {
        name: 'elements 4000 deep',
        bytes: bare(nested(4000)),
        source: 'RFC 6120 §13.12, depth: what ends ejabberd 23.01',
      },
      { name: 'elements 50 000 deep that do not end', bytes: open('<x>'.repeat(50_000)) },
      { name: 'a first-level element of no known name, 129 deep', bytes: nested(limits.depth + 1) },
      { name: 'one element too many', bytes: bare('<x/>'.repeat(limits.elements)) },
      { name: '100 000 elements', bytes: bare('<x/>'.repeat(100_000)) },
      { name: 'one attribute too many', bytes: attributes(limits.attributes + 1) },
      {
        name: 'one attribute too many in the stanza itself',
        bytes: bare(
          '',
          many(limits.attributes - 1, (i) => ` a${i}=''`),
        ),
      },
      { name: '30 000 attributes', bytes: attributes(30_000) },
      { name: 'one namespace too many', bytes: bare(prefixes(limits.namespaces + 1)) },
      {
        name: 'one namespace too many, in two elements',
        bytes: bare(
          `<x${many(limits.namespaces / 2, (i) => ` xmlns:a${i}='u'`)}><y${many(limits.namespaces / 2 + 1, (i) => ` xmlns:b${i}='u'`)}/></x>`,
        ),
      },
      {
        name: 'a default namespace at each of 65 depths',
        bytes: bare(many(limits.namespaces + 1, (i) => `<x xmlns='u:${i}'>`) + '</x>'.repeat(limits.namespaces + 1)),
      },
    ],
  },
  {
    source: 'RFC 6120 §13.12: a limit is met at one more',
    at: stanzas,
    answer: 'passes',
    rows: [
      { name: 'a stanza of just as many bytes as may be', bytes: bodyOf(limits.stanza_bytes) },
      { name: 'elements just as deep as may be', bytes: bare(nested(limits.depth - 1)) },
      { name: 'just as many elements as may be', bytes: bare('<x/>'.repeat(limits.elements - 1)) },
      { name: 'just as many attributes as may be', bytes: attributes(limits.attributes) },
      { name: 'just as many namespaces as may be', bytes: bare(prefixes(limits.namespaces)) },
      { name: 'as many namespaces in each of three siblings', bytes: bare(prefixes(limits.namespaces).repeat(3)) },
      { name: 'an element of a name of 60 000 bytes', bytes: bare(`<${'x'.repeat(60_000)}/>`) },
      { name: 'ten thousand white space keepalives', bytes: '\n'.repeat(10_000) + bare(''), out: bare('') },
      { name: '64 KiB of white space of all kinds', bytes: ' \t\r\n'.repeat(1 << 14) + bare(''), out: bare('') },
      { name: 'white space inside tags', bytes: `<message\n\t${FROM}\r\n ${TO} ></message\n>` },
    ],
  },
  {
    source: 'RFC 6120 §13.12, bytes before the handshake; CVE-2021-32918',
    at: ['header'],
    answer: 'policy-violation',
    rows: [
      { name: 'white space without end before the header', bytes: ' '.repeat(limits.handshake_bytes + 1) },
      { name: 'a header without end', bytes: `<stream:stream x='${'y'.repeat(limits.handshake_bytes)}` },
      { name: 'an XML declaration without end', bytes: `<?xml version='${'1'.repeat(limits.handshake_bytes)}` },
      {
        name: 'a header of 129 attributes',
        bytes: head(`xmlns='${component}' to='plays.test'${many(127, (i) => ` a${i}=''`)}`),
      },
      {
        name: 'a header of 65 namespaces',
        bytes: head(`xmlns='${component}' to='plays.test'${many(63, (i) => ` xmlns:a${i}='u'`)}`),
      },
      {
        name: 'a header that is followed by white space without end',
        bytes: componentHeader('plays.test') + ' '.repeat(limits.handshake_bytes),
      },
    ],
  },
  {
    source: 'RFC 6120 §13.12, bytes before the handshake; CVE-2021-32918',
    at: ['handshake', 'link-handshake'],
    answer: 'policy-violation',
    rows: [
      { name: 'white space without end before the handshake', bytes: '\n'.repeat(limits.handshake_bytes) },
      { name: 'a handshake without end', bytes: `<handshake>${'0'.repeat(limits.handshake_bytes)}` },
      { name: 'an attribute without end in a handshake', bytes: `<handshake x='${'0'.repeat(limits.handshake_bytes)}` },
    ],
  },
  {
    source: 'RFC 6120 §13.12, bytes before the handshake; CVE-2021-32918',
    at: ['link-header'],
    answer: 'policy-violation',
    rows: [
      { name: 'a server that sends white space without end', bytes: ' '.repeat(limits.handshake_bytes + 1) },
      { name: "a server's header without end", bytes: `<stream:stream x='${'y'.repeat(limits.handshake_bytes)}` },
      {
        name: 'a server that announces features without end',
        bytes: serverHeader('s1') + '<stream:features/>'.repeat(500),
      },
    ],
  },
]
