import type { Group } from '../case.ts'
import { bare, componentHeader, FROM, message, TO } from './write.ts'

const stanzas = ['instance', 'link'] as const
/** An XML declaration may stand at the very beginning only. */
const undeclared = componentHeader('plays.test').replace(/<\?.*\?>/, '')

/** RFC 6120 §11.1: no comment, no processing instruction, no DTD, no entity beyond the five, anywhere. */
export const restricted: readonly Group[] = [
  {
    source: 'RFC 6120 §11.1, document type declarations',
    at: stanzas,
    answer: 'restricted-xml',
    rows: [
      { name: 'a DTD between stanzas', bytes: '<!DOCTYPE x>', expat: 'refuses' },
      { name: 'a DTD inside a stanza', bytes: message('<!DOCTYPE x>'), expat: 'refuses' },
      { name: 'an entity declaration inside a stanza', bytes: message('<!ENTITY a "b">'), expat: 'refuses' },
      { name: 'an element declaration inside a stanza', bytes: message('<!ELEMENT a ANY>'), expat: 'refuses' },
      { name: 'an attribute list inside a stanza', bytes: message('<!ATTLIST a b CDATA #IMPLIED>'), expat: 'refuses' },
      { name: 'a conditional section inside a stanza', bytes: message('<![INCLUDE[ x ]]>'), expat: 'refuses' },
      { name: 'a CDATA section in small letters', bytes: message('<![cdata[x]]>'), expat: 'refuses' },
      { name: 'a declaration that has only begun', bytes: message('<!'), expat: 'refuses' },
    ],
  },
  {
    source: 'RFC 6120 §11.1, document type declarations; CVE-2011-1753, CVE-2011-2205',
    at: ['header'],
    answer: 'restricted-xml',
    rows: [
      { name: 'a DTD before the header', bytes: `<!DOCTYPE stream:stream>${undeclared}` },
      {
        name: 'a DTD that declares an entity',
        bytes: `<!DOCTYPE x [<!ENTITY a "b">]>${undeclared}`,
      },
      {
        name: 'a billion laughs',
        bytes: `<!DOCTYPE x [<!ENTITY a "ha">${'bcdefghij'.replace(/./g, (c) => `<!ENTITY ${c} "${`&${String.fromCharCode(c.charCodeAt(0) - 1)};`.repeat(10)}">`)}]>`,
      },
      { name: 'a DTD that names a file', bytes: "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" },
      { name: 'a DTD that names an address', bytes: "<!DOCTYPE x PUBLIC '-//x//y' 'http://127.0.0.1:9/x.dtd'>" },
      {
        name: 'a DTD with an external entity',
        bytes: "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
      },
      {
        name: 'a DTD with a parameter entity',
        bytes: "<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/x.dtd'> %a;]>",
      },
      {
        name: 'a DTD with a default attribute',
        bytes: "<!DOCTYPE x [<!ATTLIST message from CDATA 'evil.test'>]>",
      },
      { name: 'a DTD behind an XML declaration', bytes: "<?xml version='1.0'?>\n<!DOCTYPE x>" },
      { name: 'a comment before the header', bytes: `<!-- x -->${undeclared}` },
      { name: 'a style sheet before the header', bytes: "<?xml-stylesheet href='x'?>" },
      { name: 'an instruction before the header', bytes: '<?x?>' },
    ],
  },
  {
    source: 'RFC 6120 §11.1, document type declarations',
    at: ['link-header'],
    answer: 'restricted-xml',
    rows: [
      { name: 'a server that sends a DTD', bytes: '<!DOCTYPE x [<!ENTITY a "b">]>' },
      { name: 'a server that sends a comment first', bytes: '<!-- jabberd -->' },
      { name: 'a server that sends an instruction first', bytes: '<?x?>' },
    ],
  },
  {
    source: 'RFC 6120 §11.1, comments',
    at: stanzas,
    answer: 'restricted-xml',
    rows: [
      { name: 'a comment in a body', bytes: message('<!-- x -->') },
      { name: 'a comment between stanzas', bytes: '<!-- x -->' },
      { name: 'a comment that holds a stanza', bytes: `<!-- <message ${FROM} ${TO}/> -->` },
      { name: 'a comment between the children of a stanza', bytes: bare('<a/><!----><b/>') },
      { name: 'a comment with two hyphens in it', bytes: message('<!-- a -- b -->'), expat: 'refuses' },
      { name: 'a comment that does not end', bytes: message('<!-- x') },
      { name: 'a comment that has only begun', bytes: '<!-' },
    ],
  },
  {
    source: 'RFC 6120 §11.1, processing instructions',
    at: stanzas,
    answer: 'restricted-xml',
    rows: [
      { name: 'a processing instruction in a body', bytes: message('<?x y?>') },
      { name: 'a processing instruction between stanzas', bytes: '<?x y?>' },
      { name: 'a processing instruction without a target', bytes: message('<? x ?>'), expat: 'refuses' },
      { name: 'a processing instruction that does not end', bytes: bare('').replace('</message>', '<?x') },
      { name: 'an XML declaration between stanzas', bytes: "<?xml version='1.0'?>", expat: 'refuses' },
      { name: 'an XML declaration in a body', bytes: message("<?xml version='1.0'?>"), expat: 'refuses' },
      { name: 'PHP', bytes: message('<?php phpinfo(); ?>') },
    ],
  },
  {
    source: 'RFC 6120 §11.1, entity references; XML 1.0 §4.6',
    at: stanzas,
    answer: 'restricted-xml',
    rows: [
      { name: 'an entity of HTML', bytes: message('&nbsp;'), expat: 'refuses' },
      { name: 'an entity that nobody declared', bytes: message('&foo;'), expat: 'refuses' },
      { name: 'an entity in an attribute', bytes: message('', " id='&foo;'"), expat: 'refuses' },
      { name: 'an entity in a from', bytes: `<message from='a@&foo;/r' ${TO}/>`, expat: 'refuses' },
      { name: 'an entity in a namespace', bytes: message("<x xmlns='&foo;'/>"), expat: 'refuses' },
      { name: 'one of the five in capitals', bytes: message('&AMP;'), expat: 'refuses' },
      { name: 'one of the five with a tail', bytes: message('&amplify;'), expat: 'refuses' },
      { name: 'one of the five cut short', bytes: message('&am;'), expat: 'refuses' },
      { name: 'an entity beyond ASCII', bytes: message('&é;'), expat: 'refuses' },
    ],
  },
]
