import { streamHeader } from '../stub/instance.ts'

/** What a hostile or broken peer sends, and the stream error that it gets. */
export interface Attack {
  readonly what: string
  readonly bytes: string | Buffer
  readonly answer: string
}

const head = (attributes: string): string =>
  `<stream:stream ${attributes} xmlns:stream='http://etherx.jabber.org/streams'>`
const inComponent = "xmlns='jabber:component:accept'"

/** From the first byte of the connection: the answer is a whole stream. */
export const headers: readonly Attack[] = [
  {
    what: '[XEP-0114 §3] a name that is not served',
    bytes: streamHeader('nobody.test'),
    answer: 'host-unknown',
  },
  { what: 'a name that only ends as a served one', bytes: streamHeader('xplays.test'), answer: 'host-unknown' },
  { what: 'a name below a served one', bytes: streamHeader('a.plays.test'), answer: 'host-unknown' },
  { what: 'an address instead of a name', bytes: streamHeader('a@plays.test'), answer: 'host-unknown' },
  {
    what: 'our own address, which no instance serves',
    bytes: streamHeader('switchyard.localhost'),
    answer: 'host-unknown',
  },
  { what: '[RFC 6120 §4.9.3.7] no to', bytes: head(inComponent), answer: 'improper-addressing' },
  { what: 'an empty to', bytes: streamHeader(''), answer: 'improper-addressing' },
  {
    what: '[RFC 6120 §4.9.3.10] the default namespace of clients',
    bytes: head("xmlns='jabber:client' to='plays.test'"),
    answer: 'invalid-namespace',
  },
  {
    what: 'the default namespace of the other direction',
    bytes: head("xmlns='jabber:component:connect' to='plays.test'"),
    answer: 'invalid-namespace',
  },
  { what: 'no default namespace', bytes: head("to='plays.test'"), answer: 'invalid-namespace' },
  {
    what: 'another streams namespace',
    bytes: `<stream:stream ${inComponent} xmlns:stream='http://etherx.jabber.org/stream' to='plays.test'>`,
    answer: 'invalid-namespace',
  },
  {
    what: 'another element than stream',
    bytes: `<stream:features ${inComponent} xmlns:stream='http://etherx.jabber.org/streams' to='plays.test'>`,
    answer: 'invalid-namespace',
  },
  {
    what: 'a prefix that nobody declared',
    bytes: `<stream:stream ${inComponent} to='plays.test'>`,
    answer: 'not-well-formed',
  },
  {
    what: 'two attributes of one name',
    bytes: head(`${inComponent} to='plays.test' to='x'`),
    answer: 'not-well-formed',
  },
  { what: 'no XML', bytes: 'GET / HTTP/1.1\r\nHost: plays.test\r\n\r\n', answer: 'not-well-formed' },
  { what: 'a TLS hello on a plain port', bytes: Buffer.from('160301020001', 'hex'), answer: 'not-well-formed' },
  {
    what: '[RFC 6120 §11.1] a DTD',
    bytes: `<!DOCTYPE x [<!ENTITY a "b">]>${streamHeader('plays.test')}`,
    answer: 'restricted-xml',
  },
  { what: '[RFC 6120 §11.1] a comment', bytes: `<!-- -->${streamHeader('plays.test')}`, answer: 'restricted-xml' },
  {
    what: '[RFC 6120 §11.1] a processing instruction',
    bytes: `<?xml-stylesheet href='x'?>${streamHeader('plays.test')}`,
    answer: 'restricted-xml',
  },
  {
    what: '[RFC 6120 §11.6] UTF-16, little end first',
    bytes: Buffer.from(`\ufeff${streamHeader('plays.test')}`, 'utf16le'),
    answer: 'unsupported-encoding',
  },
  {
    what: '[RFC 6120 §11.6] UTF-16, big end first',
    bytes: Buffer.from(`\ufeff${streamHeader('plays.test')}`, 'utf16le').swap16(),
    answer: 'unsupported-encoding',
  },
  {
    what: '[RFC 6120 §11.6] another encoding by name',
    bytes: `<?xml version='1.0' encoding='ISO-8859-1'?>${head(`${inComponent} to='plays.test'`)}`,
    answer: 'unsupported-encoding',
  },
  { what: 'more bytes than may come before the handshake', bytes: ' '.repeat(2049), answer: 'policy-violation' },
  {
    what: 'a header of more bytes than may come before the handshake',
    bytes: head(`${inComponent} to='plays.test' x='${'y'.repeat(2048)}'`),
    answer: 'policy-violation',
  },
]

/** Behind the header, before the handshake. */
export const handshakes: readonly Attack[] = [
  {
    what: 'a stanza before the handshake',
    bytes: "<message from='plays.test' to='other.test'/>",
    answer: 'not-authorized',
  },
  {
    what: '[XEP-0114 §3] a wrong digest',
    bytes: `<handshake>${'0'.repeat(40)}</handshake>`,
    answer: 'not-authorized',
  },
  { what: 'a digest that is none', bytes: '<handshake>swordfish</handshake>', answer: 'not-authorized' },
  { what: 'an empty handshake', bytes: '<handshake/>', answer: 'not-authorized' },
  { what: 'another element than a handshake', bytes: '<auth>a</auth>', answer: 'not-authorized' },
  { what: 'white space without end before the handshake', bytes: ' '.repeat(2049), answer: 'policy-violation' },
  {
    what: 'a handshake without end',
    bytes: `<handshake>${'0'.repeat(2048)}`,
    answer: 'policy-violation',
  },
  { what: 'text before the handshake', bytes: 'hello', answer: 'bad-format' },
]

export const message = (inside: string, attributes = ''): string =>
  `<message from='a@plays.test/r' to='other.test'${attributes}><body>${inside}</body></message>`
export const nested = (depth: number): string => `<x>`.repeat(depth) + '</x>'.repeat(depth)
export const many = (count: number, each: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => each(index)).join('')

/** From an instance that has been let in. */
export const stanzas: readonly Attack[] = [
  {
    what: '[RFC 6120 §13.12] a stanza above the limit',
    bytes: message('x'.repeat(10_000 - message('').length + 1)),
    answer: 'policy-violation',
  },
  {
    what: 'a tag without end',
    bytes: `<message from='plays.test' to='${'x'.repeat(10_000)}`,
    answer: 'policy-violation',
  },
  { what: 'an element nested too deep', bytes: message(nested(7)), answer: 'policy-violation' },
  { what: 'too many elements', bytes: message('<x/>'.repeat(15)), answer: 'policy-violation' },
  {
    what: 'too many attributes',
    bytes: message(`<x${many(9, (i) => ` a${i}=''`)}/>`),
    answer: 'policy-violation',
  },
  {
    what: 'too many namespace declarations',
    bytes: message(`<x${many(5, (i) => ` xmlns:a${i}='u'`)}/>`),
    answer: 'policy-violation',
  },
  { what: '[RFC 6120 §11.1] a DTD', bytes: '<!DOCTYPE x>', answer: 'restricted-xml' },
  { what: '[RFC 6120 §11.1] a comment', bytes: message('<!-- x -->'), answer: 'restricted-xml' },
  { what: '[RFC 6120 §11.1] a comment between stanzas', bytes: '<!-- x -->', answer: 'restricted-xml' },
  { what: '[RFC 6120 §11.1] a processing instruction', bytes: message('<?x y?>'), answer: 'restricted-xml' },
  { what: '[RFC 6120 §11.1] a second XML declaration', bytes: "<?xml version='1.0'?>", answer: 'restricted-xml' },
  { what: '[RFC 6120 §11.1] an entity beyond the five', bytes: message('&nbsp;'), answer: 'restricted-xml' },
  {
    what: 'a closing tag of another name',
    bytes: '<message from="plays.test" to="other.test"></x>',
    answer: 'not-well-formed',
  },
  { what: 'two attributes of one name', bytes: message('', " x='1' x='2'"), answer: 'not-well-formed' },
  {
    what: 'two attributes of one name by their namespace',
    bytes: message("<x xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>"),
    answer: 'not-well-formed',
  },
  { what: 'a prefix that nobody declared', bytes: message('<a:x/>'), answer: 'not-well-formed' },
  { what: 'an ampersand alone', bytes: message('a & b'), answer: 'not-well-formed' },
  { what: 'a reference to a forbidden character', bytes: message('&#0;'), answer: 'not-well-formed' },
  { what: 'a control character', bytes: message('\u0001'), answer: 'not-well-formed' },
  { what: 'a NUL', bytes: message('\0'), answer: 'not-well-formed' },
  { what: 'U+FFFE', bytes: message('\ufffe'), answer: 'not-well-formed' },
  { what: 'U+FFFF', bytes: message('\uffff'), answer: 'not-well-formed' },
  { what: 'an overlong form', bytes: Buffer.from(message('\xc0\xaf'), 'latin1'), answer: 'not-well-formed' },
  { what: 'a surrogate in UTF-8', bytes: Buffer.from(message('\xed\xa0\x80'), 'latin1'), answer: 'not-well-formed' },
  {
    what: 'a character that is cut short',
    bytes: Buffer.from(message('\xe2\x82'), 'latin1'),
    answer: 'not-well-formed',
  },
  {
    what: 'a second stream header',
    bytes: streamHeader('plays.test').replace(/<\?.*\?>/, ''),
    answer: 'not-well-formed',
  },
  { what: 'text between stanzas', bytes: 'hello', answer: 'bad-format' },
  { what: '[XEP-0114 §3] no from', bytes: "<message to='other.test'/>", answer: 'invalid-from' },
  { what: 'an empty from', bytes: "<message from='' to='other.test'/>", answer: 'invalid-from' },
  {
    what: "another served domain's name as from",
    bytes: "<message from='other.test' to='other.test'/>",
    answer: 'invalid-from',
  },
  {
    what: 'a name that is not served as from',
    bytes: "<message from='a@evil.test' to='other.test'/>",
    answer: 'invalid-from',
  },
  {
    what: 'our own address as from',
    bytes: "<message from='switchyard.localhost' to='other.test'/>",
    answer: 'invalid-from',
  },
  {
    what: 'a from whose resource looks like an address of the domain',
    bytes: "<message from='evil.test/@plays.test' to='other.test'/>",
    answer: 'invalid-from',
  },
  {
    what: 'a from below the domain',
    bytes: "<message from='a@x.plays.test' to='other.test'/>",
    answer: 'invalid-from',
  },
  { what: 'a from with two signs', bytes: "<message from='a@b@plays.test' to='other.test'/>", answer: 'invalid-from' },
  {
    what: '[RFC 7622 §3.3] a from with an empty localpart',
    bytes: "<message from='@plays.test' to='other.test'/>",
    answer: 'invalid-from',
  },
  {
    what: '[RFC 7622 §3.4] a from with an empty resource',
    bytes: "<message from='plays.test/' to='other.test'/>",
    answer: 'invalid-from',
  },
  {
    what: '[RFC 7622 §3.3] a from with a forbidden localpart',
    bytes: "<message from='a&apos;b@plays.test' to='other.test'/>",
    answer: 'invalid-from',
  },
  { what: '[RFC 6120 §4.9.3.24] an element that is no stanza', bytes: '<query/>', answer: 'unsupported-stanza-type' },
  {
    what: '[RFC 6120 §4.9.3.24] a message of another namespace',
    bytes: "<message xmlns='jabber:client' from='plays.test' to='other.test'/>",
    answer: 'unsupported-stanza-type',
  },
  { what: 'a second handshake', bytes: '<handshake/>', answer: 'unsupported-stanza-type' },
  {
    what: 'a stream inside a stanza, twice',
    bytes: message("<x xmlns='http://etherx.jabber.org/streams'/>").repeat(2),
    answer: 'policy-violation',
  },
]
