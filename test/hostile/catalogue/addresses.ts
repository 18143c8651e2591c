import type { Group } from '../case.ts'
import { bare, FROM, from, TO, to } from './write.ts'

/** Who says that a stanza is from whom, and who it is for. */
export const addresses: readonly Group[] = [
  {
    source: 'XEP-0114 §3, RFC 6120 §4.9.3.9',
    at: ['instance'],
    answer: 'invalid-from',
    rows: [
      { name: 'no from', bytes: `<message ${TO}/>` },
      { name: 'an empty from', bytes: from('') },
      { name: 'an iq without a from', bytes: `<iq ${TO} type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>` },
      { name: 'a presence of somebody else', bytes: `<presence from='juliet@home.test' ${TO}/>` },
      { name: 'another served domain as from', bytes: from('a@other.test') },
      { name: 'a name that is not served as from', bytes: from('a@evil.test') },
      { name: 'our own address as from', bytes: from('switchyard.localhost') },
      { name: 'a from below the domain', bytes: from('a@x.plays.test') },
      { name: 'a from above the domain', bytes: from('a@test') },
      { name: 'a from that ends as the domain does', bytes: from('a@xplays.test') },
      { name: 'a from that begins as the domain does', bytes: from('a@plays.test.evil.test') },
      { name: 'a from with the domain in its resource', bytes: from('evil.test/plays.test') },
      { name: 'a from whose resource looks like an address of the domain', bytes: from('evil.test/@plays.test') },
      { name: 'a from whose localpart is the domain', bytes: from('plays.test@evil.test') },
      { name: 'a from with two signs', bytes: from('a@b@plays.test') },
      { name: 'a from with two signs, the domain first', bytes: from('a@plays.test@evil.test') },
      { name: 'a from with two dots at its end', bytes: from('a@plays.test..') },
      { name: 'a from with a port', bytes: from('a@plays.test:5347') },
      { name: 'a from with a space before it', bytes: from(' a@plays.test') },
      { name: 'a from with a line end in its domain', bytes: from('a@plays.test&#10;') },
      { name: 'a from with letters of another alphabet', bytes: from('a@plаys.test') },
      { name: 'a from with an empty localpart', bytes: from('@plays.test'), source: 'RFC 7622 §3.3' },
      { name: 'a from with an empty resource', bytes: from('plays.test/'), source: 'RFC 7622 §3.4' },
      { name: 'a from with a forbidden localpart', bytes: from('a&apos;b@plays.test'), source: 'RFC 7622 §3.3.1' },
      {
        name: 'a from with a localpart of 1024 bytes',
        bytes: from(`${'x'.repeat(1024)}@plays.test`),
        source: 'RFC 7622 §3.3',
      },
      {
        name: 'a from with a resource of 1024 bytes',
        bytes: from(`plays.test/${'x'.repeat(1024)}`),
        source: 'RFC 7622 §3.4',
      },
      {
        name: 'a from by a prefix beside another',
        bytes: `<message xmlns:p='u' p:from='a@plays.test' from='evil.test' ${TO}/>`,
      },
      { name: 'a From in a capital', bytes: `<message From='a@plays.test' ${TO}/>` },
      { name: 'a good stanza and then one of somebody else', bytes: bare('') + from('evil.test'), out: bare('') },
    ],
  },
  {
    source: 'RFC 7622 §3.2, normalised domain, exact',
    at: ['instance'],
    answer: 'passes',
    rows: [
      { name: 'a from in capitals', bytes: from('A@PLAYS.test'), out: from('A@plays.test') },
      { name: 'a from with a dot at its end', bytes: from('a@plays.test.'), out: from('a@plays.test') },
      { name: 'a from whose letters are full width', bytes: from('a@ｐｌａｙｓ.test'), out: from('a@plays.test') },
      { name: 'a from whose resource looks like another address', bytes: from('plays.test/@evil.test') },
      { name: 'a from whose resource has slashes', bytes: from('plays.test/a/b/c') },
      { name: 'a from with a reference in its domain', bytes: from('a@plays&#46;test'), out: from('a@plays.test') },
      {
        name: 'a from by a prefix that says otherwise',
        bytes: `<message xmlns:p='u' p:from='evil.test' ${FROM} ${TO}/>`,
      },
      { name: 'a from in double quotes', bytes: `<message from="a@plays.test" ${TO}/>` },
      { name: 'a from behind the to', bytes: `<message ${TO} ${FROM}/>` },
      { name: 'a from with a resource of 1023 bytes', bytes: from(`plays.test/${'x'.repeat(1023)}`) },
    ],
  },
  {
    source: 'RFC 6120 §8.1.1, RFC 7622',
    at: ['instance'],
    answer: 'bad-request',
    rows: [
      { name: 'no to', bytes: `<message ${FROM}/>` },
      { name: 'an empty to', bytes: to('') },
      { name: 'a to with two signs', bytes: to('a@b@other.test') },
      { name: 'a to with an empty resource', bytes: to('other.test/') },
      { name: 'a to with a forbidden localpart', bytes: to('a&lt;b@other.test') },
      {
        name: 'a request whose id is too long to carry',
        bytes: `<iq ${FROM} ${TO} type='get' id='${'x'.repeat(1025)}'><x xmlns='u'/></iq>`,
      },
    ],
  },
  {
    source: 'RFC 6120 §8.3.1: no error answers an error',
    at: ['instance'],
    answer: 'nothing',
    rows: [
      { name: 'an error without a to', bytes: `<message ${FROM} type='error'/>` },
      { name: 'a presence without a to', bytes: `<presence ${FROM}/>` },
    ],
  },
  {
    source: 'RFC 6120 §8.1.1: without it the domain itself would be asked',
    at: ['link'],
    answer: 'bad-request',
    rows: [{ name: 'a server that names no addressee', bytes: `<message ${FROM}/>` }],
  },
]
