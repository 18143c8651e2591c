import type { Group } from '../case.ts'
import { bare, component, componentHeader, FROM, head, message, serverHeader, TO, withBytes } from './write.ts'

const stanzas = ['instance', 'link'] as const
const refused = { at: stanzas, answer: 'not-well-formed' } as const
const inValue = (inside: string): string => bare('', ` id='${inside}'`)
const inName = (inside: string): string => bare(`<a${inside}/>`)
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le')
const declared = (encoding: string): string =>
  `<?xml version='1.0' encoding='${encoding}'?>${head(`xmlns='${component}' to='plays.test'`)}`

/** RFC 6120 §11.3 and §11.6: characters that are none, and bytes that are no characters. */
export const characters: readonly Group[] = [
  {
    ...refused,
    source: 'XML 1.0 §2.2, characters',
    rows: [
      { name: 'a NUL in a body', bytes: message('\0') },
      { name: 'a NUL in a value', bytes: inValue('\0') },
      { name: 'a NUL in a name', bytes: inName('\0') },
      { name: 'a NUL between stanzas', bytes: '\0' },
      { name: 'a control character in a body', bytes: message('\u0001') },
      { name: 'a control character in a value', bytes: inValue('\u0002') },
      { name: 'a control character between stanzas', bytes: '\u0003' },
      { name: 'a backspace', bytes: message('\b') },
      { name: 'a vertical tab', bytes: message('\v') },
      { name: 'a vertical tab between attributes', bytes: `<message ${FROM}\v${TO}/>` },
      { name: 'a form feed', bytes: message('\f') },
      { name: 'an escape', bytes: message('\u001b[2J') },
      { name: 'the last control character', bytes: message('\u001f') },
      { name: 'U+FFFE', bytes: message('\ufffe') },
      { name: 'U+FFFF', bytes: message('\uffff') },
      { name: 'U+FFFF in a value', bytes: inValue('\uffff') },
      { name: 'a control character in a CDATA section', bytes: message('<![CDATA[\u0001]]>') },
    ],
  },
  {
    ...refused,
    source: 'RFC 3629 §3, UTF-8',
    rows: [
      { name: 'NUL in two bytes', bytes: withBytes('c080') },
      { name: "'/' in two bytes", bytes: withBytes('c0af') },
      { name: "'<' in two bytes", bytes: withBytes('c1bc') },
      { name: "'<' in three bytes", bytes: withBytes('e080bc') },
      { name: "'<' in four bytes", bytes: withBytes('f08080bc') },
      { name: 'a quote in two bytes, in a value', bytes: withBytes('c0a7', inValue) },
      { name: 'a high surrogate in UTF-8', bytes: withBytes('eda080') },
      { name: 'a low surrogate in UTF-8', bytes: withBytes('edbfbf') },
      { name: 'CESU-8: a pair of surrogates', bytes: withBytes('eda0bdedb880') },
      { name: 'a character beyond U+10FFFF', bytes: withBytes('f4908080') },
      { name: 'a character of F5', bytes: withBytes('f5808080') },
      { name: 'a character of five bytes', bytes: withBytes('f888808080') },
      { name: 'a character of six bytes', bytes: withBytes('fc8480808080') },
      { name: 'FE', bytes: withBytes('fe') },
      { name: 'FF', bytes: withBytes('ff') },
      { name: 'a continuation alone', bytes: withBytes('80') },
      { name: 'a character cut short by a tag', bytes: withBytes('e282') },
      { name: 'four bytes cut short by a tag', bytes: withBytes('f09f98') },
      { name: 'a character cut short by another', bytes: withBytes('e2c3a9') },
      { name: 'Latin-1', bytes: withBytes('e9') },
      { name: 'Latin-1 in a value', bytes: withBytes('e9', inValue) },
      { name: 'Latin-1 in a name', bytes: withBytes('e9', inName) },
      { name: 'a character cut short by the quote that ends its value', bytes: withBytes('e282', inValue) },
      { name: 'an overlong form in a CDATA section', bytes: withBytes('c080', (x) => message(`<![CDATA[${x}]]>`)) },
    ],
  },
  {
    source: 'RFC 3629 §3, UTF-8; RFC 6120 §4.4: no text between stanzas, good or bad',
    at: stanzas,
    answer: 'bad-format',
    rows: [
      { name: 'an overlong form between stanzas', bytes: Buffer.from('c080', 'hex'), expat: 'refuses' },
      { name: 'a byte order mark between stanzas', bytes: '\ufeff', source: 'RFC 6120 §11.6' },
    ],
  },
  {
    source: 'RFC 6120 §11.6, UTF-8 only',
    at: ['header'],
    answer: 'unsupported-encoding',
    rows: [
      {
        name: 'UTF-16 with its mark, little end first',
        bytes: utf16(`\ufeff${componentHeader('plays.test')}`),
        expat: 'takes',
      },
      {
        name: 'UTF-16 with its mark, big end first',
        bytes: utf16(`\ufeff${componentHeader('plays.test')}`).swap16(),
        expat: 'takes',
      },
      { name: 'UTF-16 without a mark, little end first', bytes: utf16(componentHeader('plays.test')), expat: 'takes' },
      {
        name: 'UTF-16 without a mark, big end first',
        bytes: utf16(componentHeader('plays.test')).swap16(),
        expat: 'takes',
      },
      { name: 'UTF-32', bytes: Buffer.from('0000feff0000003c', 'hex') },
      { name: 'UTF-16 behind white space', bytes: utf16(' <stream'), expat: 'takes' },
      { name: 'a declaration of ISO-8859-1', bytes: declared('ISO-8859-1'), expat: 'takes' },
      { name: 'a declaration of US-ASCII', bytes: declared('US-ASCII'), expat: 'takes' },
      { name: 'a declaration of UTF-16 in UTF-8', bytes: declared('UTF-16') },
      { name: 'a declaration of UTF-7', bytes: declared('UTF-7') },
      { name: 'a declaration of EBCDIC', bytes: declared('EBCDIC-CP-US') },
      { name: 'a declaration of no encoding that there is', bytes: declared('bogus') },
    ],
  },
  {
    source: 'RFC 6120 §11.6, UTF-8 only',
    at: ['link-header'],
    answer: 'unsupported-encoding',
    rows: [
      { name: 'a server that speaks UTF-16', bytes: utf16(`\ufeff${serverHeader('s1')}`), expat: 'takes' },
      {
        name: 'a server that declares ISO-8859-1',
        bytes: serverHeader('s1').replace("'?>", "' encoding='ISO-8859-1'?>"),
        expat: 'takes',
      },
    ],
  },
  {
    source: 'RFC 6120 §11.6, a byte order mark is text',
    at: ['header'],
    answer: 'not-well-formed',
    rows: [
      { name: 'a byte order mark before the header', bytes: `\ufeff${componentHeader('plays.test')}`, expat: 'takes' },
      { name: 'half a byte order mark', bytes: Buffer.from('efbb3c', 'hex') },
    ],
  },
  {
    source: 'XML 1.0 §2.2, RFC 3629 §3: these are characters like any other',
    at: stanzas,
    answer: 'passes',
    rows: [
      { name: 'a delete', bytes: message('\u007f') },
      { name: 'a next line (C1)', bytes: message('\u0085') },
      { name: 'a line separator', bytes: message('\u2028') },
      { name: 'a byte order mark in a body', bytes: message('\ufeff') },
      { name: 'the last character before the surrogates', bytes: message('\ud7ff') },
      { name: 'U+FFFD', bytes: message('\ufffd') },
      { name: 'U+1FFFE', bytes: message('\u{1fffe}') },
      { name: 'the last character', bytes: message('\u{10ffff}') },
      { name: 'text from right to left', bytes: message('\u202eabc') },
      { name: 'a tab and a line end', bytes: message('\t\n') },
      { name: 'an emoji in an id', bytes: inValue('😀') },
    ],
  },
]
