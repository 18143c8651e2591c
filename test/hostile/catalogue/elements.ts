import type { Group } from '../case.ts'
import { bare, component, componentHeader, FROM, head, iq, message, serverHeader, streams, TO } from './write.ts'

const stanzas = ['instance', 'link'] as const
const nestedStream = `<x xmlns='${streams}'/>`

/** What stands where a stanza should. */
export const elements: readonly Group[] = [
  {
    source: 'RFC 6120 §4.9.3.24',
    at: stanzas,
    answer: 'unsupported-stanza-type',
    rows: [
      { name: 'an element that is no stanza', bytes: '<query/>' },
      { name: 'an element that is no stanza, with a stanza in it', bytes: `<x>${bare('')}</x>` },
      { name: 'a message of clients', bytes: bare('', " xmlns='jabber:client'") },
      { name: 'an iq of servers', bytes: iq("type='get' id='1' xmlns='jabber:server'") },
      { name: 'a message of no namespace', bytes: bare('', " xmlns=''") },
      {
        name: 'a message of another namespace, by a prefix',
        bytes: `<c:message xmlns:c='jabber:client' ${FROM} ${TO}/>`,
      },
      { name: 'a message in the namespace of streams', bytes: `<stream:message ${FROM} ${TO}/>` },
      { name: 'a message in capitals', bytes: `<MESSAGE ${FROM} ${TO}/>` },
      { name: 'a name that begins as one of the three', bytes: `<messages ${FROM} ${TO}/>` },
      { name: 'a name that one of the three begins with', bytes: `<messag ${FROM} ${TO}/>` },
      { name: 'a name that looks like one of the three', bytes: `<мessage ${FROM} ${TO}/>` },
      { name: 'a second handshake', bytes: '<handshake/>' },
      { name: 'features in the middle of a stream', bytes: '<stream:features/>' },
      { name: 'a request for TLS', bytes: "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { name: 'a request for SASL', bytes: "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>" },
      {
        name: 'a binding of another name (XEP-0225)',
        bytes: "<bind xmlns='urn:xmpp:component:0'><hostname>evil.test</hostname></bind>",
      },
      {
        name: 'a route of jabberd',
        bytes: "<route xmlns='http://jabberd.jabberstudio.org/ns/component/1.0' to='c2s' from='other.test'/>",
      },
      { name: 'a request for stream management', bytes: "<enable xmlns='urn:xmpp:sm:3'/>" },
    ],
  },
  {
    source: 'RFC 6120 §4.4 and §4.9.3.1, nothing but white space between stanzas',
    at: stanzas,
    answer: 'bad-format',
    rows: [
      { name: 'text between stanzas', bytes: 'hello' },
      { name: 'one character between stanzas', bytes: `${bare('')}x`, out: bare('') },
      { name: "a '>' between stanzas", bytes: '>' },
      { name: "']]>' between stanzas", bytes: ']]>', expat: 'refuses' },
      { name: 'a reference between stanzas', bytes: '&amp;' },
      { name: 'a reference to white space between stanzas', bytes: '&#32;' },
      { name: 'a CDATA section between stanzas', bytes: '<![CDATA[x]]>' },
      { name: 'a CDATA section of white space between stanzas', bytes: '<![CDATA[ ]]>' },
      { name: 'a no-break space between stanzas', bytes: '\u00a0' },
      { name: 'HTTP between stanzas', bytes: 'GET / HTTP/1.1\r\n\r\n' },
    ],
  },
  {
    source: 'RFC 6120 §4.2, one header per stream',
    at: stanzas,
    answer: 'not-well-formed',
    rows: [
      { name: 'a second header', bytes: head(`xmlns='${component}' to='plays.test'`), expat: 'takes' },
      { name: 'a second header that ends itself', bytes: '<stream:stream/>', expat: 'takes' },
      { name: 'a second header without a prefix', bytes: `<stream xmlns='${streams}'/>`, expat: 'takes' },
      { name: 'a second header of clients', bytes: head("xmlns='jabber:client' to='evil.test'"), expat: 'takes' },
    ],
  },
  {
    source: 'RFC 6120 §4.8.1, an element of the streams namespace inside a stanza; CVE-2022-20917',
    at: stanzas,
    answer: 'bad-request',
    rows: [
      { name: 'a stream inside a message', bytes: bare(nestedStream) },
      { name: 'a stream header inside a message', bytes: bare('<stream:stream/>') },
      { name: 'a stream error inside a message', bytes: bare('<stream:error/>') },
      { name: 'features deep inside a message', bytes: bare('<a><b><c><stream:features/></c></b></a>') },
      { name: 'a stream by another prefix', bytes: bare(`<s:stream xmlns:s='${streams}'/>`) },
      {
        name: 'a stream whose namespace is written with references',
        bytes: bare("<x xmlns='http&#58;//etherx.jabber.org/streams'/>"),
      },
      { name: 'a stream inside an iq', bytes: iq("type='get' id='1'", nestedStream) },
    ],
  },
  {
    source: 'RFC 6120 §4.8.1, an element of the streams namespace inside a stanza, again',
    at: ['instance'],
    answer: 'policy-violation',
    rows: [
      { name: 'a stream inside a stanza, twice', bytes: bare(nestedStream).repeat(2) },
      {
        name: 'a stream inside a stanza, and again behind others',
        bytes: bare(nestedStream) + bare('').repeat(3) + bare(nestedStream),
        out: bare('').repeat(3),
      },
    ],
  },
  {
    source: 'RFC 6120 §4.8.1: a user behind the server could end the link of all, so a link only bounces',
    at: ['link'],
    answer: 'bad-request',
    rows: [{ name: 'a stream inside a stanza, ten times', bytes: bare(nestedStream).repeat(10) }],
  },
  {
    source: 'RFC 6120 §8.2.3',
    at: stanzas,
    answer: 'bad-request',
    rows: [
      { name: 'an iq without an id', bytes: iq("type='get'") },
      { name: 'an iq without a type', bytes: iq("id='1'") },
      { name: 'an iq of an unknown type', bytes: iq("type='fetch' id='1'") },
      { name: 'an iq of a type in capitals', bytes: iq("type='GET' id='1'") },
      { name: 'a get without a child', bytes: iq("type='get' id='1'", '') },
      { name: 'a get of nothing but text', bytes: iq("type='get' id='1'", 'ping') },
      { name: 'a set without a child', bytes: iq("type='set' id='1'", '') },
      { name: 'a get with two children', bytes: iq("type='get' id='1'", '<a/><b/>') },
      { name: 'a set with two children', bytes: iq("type='set' id='1'", '<a/><b/>') },
    ],
  },
  {
    source: 'RFC 6120 §8.2.3 and §8.3.1: no error answers a result or an error',
    at: stanzas,
    answer: 'nothing',
    rows: [
      { name: 'a result with two children', bytes: iq("type='result' id='1'", '<a/><b/>') },
      { name: 'a result without an id', bytes: iq("type='result'", '') },
      { name: 'an error without an id', bytes: iq("type='error'", '') },
      { name: 'a result with a stream inside', bytes: iq("type='result' id='1'", nestedStream) },
      { name: 'a message of type error with a stream inside', bytes: bare(nestedStream, " type='error'") },
      { name: 'a result that nobody waits for', bytes: iq("type='result' id='sy.1'", '') },
    ],
  },
  {
    source: 'RFC 6120 §4.4, the end of a stream',
    at: stanzas,
    answer: 'closes',
    rows: [
      { name: 'the end of the stream', bytes: '</stream:stream>' },
      { name: 'the end of the stream with white space in its tag', bytes: '</stream:stream \n>' },
      { name: 'the end of the stream behind white space', bytes: ' \n</stream:stream>' },
      {
        name: 'a stream error of the peer',
        bytes: "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
      },
      { name: 'a stream error without a condition', bytes: '<stream:error/>' },
      {
        name: 'a stream error that would lead elsewhere',
        bytes:
          "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>evil.test:1</see-other-host></stream:error>",
      },
      { name: 'a stream error by another prefix', bytes: `<e:error xmlns:e='${streams}'/>` },
    ],
  },
  {
    source: 'RFC 6120 §4.4, the end of a stream',
    at: ['handshake', 'link-handshake'],
    answer: 'closes',
    rows: [
      { name: 'the end of the stream before the handshake', bytes: '</stream:stream>' },
      {
        name: 'a stream error before the handshake',
        bytes: "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
      },
    ],
  },
  {
    source: 'RFC 6120 §4.4, the end of a stream',
    at: ['header'],
    answer: 'closes',
    rows: [
      {
        name: 'a stream that ends where it begins',
        bytes: head(`xmlns='${component}' to='plays.test'`).replace('>', '/>'),
      },
      { name: 'a stream that ends at once', bytes: `${componentHeader('plays.test')}</stream:stream>` },
    ],
  },
  {
    source: 'RFC 6120 §4.4, the end of a stream',
    at: ['link-header'],
    answer: 'closes',
    rows: [{ name: "a server's stream that ends at once", bytes: `${serverHeader('s1')}</stream:stream>` }],
  },
  {
    source: 'XML 1.0 §2.8, Namespaces in XML §6: well-formed, so it passes; what lax parsers misread is written anew',
    at: stanzas,
    answer: 'passes',
    rows: [
      { name: 'a stanza with its namespace', bytes: bare('', ` xmlns='${component}'`) },
      { name: 'a CDATA section', bytes: message('<![CDATA[<b>&amp;]]>'), out: message('&lt;b>&amp;amp;') },
      {
        name: 'a CDATA section that holds the end of a stanza',
        bytes: message('<![CDATA[</body></message>]]>'),
        out: message('&lt;/body>&lt;/message>'),
      },
      {
        name: 'two CDATA sections that make an end of one',
        bytes: message('<![CDATA[]]]]><![CDATA[>]]>'),
        out: message(']]&gt;'),
      },
      { name: 'the five entities', bytes: message('&amp;&lt;&gt;&apos;&quot;') },
      { name: 'references by number', bytes: message('&#65;&#x42;&#x1F600;') },
      { name: 'the prefix stream for something else', bytes: bare("<x xmlns:stream='urn:evil'/>") },
      { name: 'xml:lang', bytes: bare('', " xml:lang='en'") },
      { name: 'a message that says what a stanza is', bytes: message('&lt;message/&gt;') },
      {
        name: 'a stream that nobody declares as one',
        bytes: bare("<stream xmlns='http://etherx.jabber.org/stream'/>"),
      },
      { name: 'two stanzas at once', bytes: bare('<a/>') + bare('<b/>') },
      { name: 'a quote in the other quotes', bytes: bare('', ` id="it's"`) },
      { name: "a '>' in a value", bytes: bare('', " id='>'") },
    ],
  },
  {
    source: 'RFC 6120 §4.4: half of something is not yet anything',
    at: stanzas,
    answer: 'waits',
    rows: [
      { name: 'half a tag', bytes: `<message ${FROM}` },
      { name: 'half a stanza', bytes: `<message ${FROM} ${TO}><body>x` },
      { name: 'a stanza without the last byte', bytes: bare('').slice(0, -1) },
      {
        name: 'half a character',
        bytes: Buffer.concat([Buffer.from(`<message ${FROM} ${TO}><body>`), Buffer.from('e282', 'hex')]),
      },
      { name: 'half a reference', bytes: `<message ${FROM} ${TO}><body>&am` },
      { name: 'half the end of the stream', bytes: '</stream:str' },
      { name: 'nothing but white space', bytes: ' \t\r\n' },
    ],
  },
]
