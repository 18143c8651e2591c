import assert from 'node:assert/strict'
import { ejabberdForm } from '../../../src/xmpp/ejabberd-jid.ts'
import {
  bareEnd,
  domainStart,
  fullText,
  isJid,
  isPlain,
  type Jid,
  maxPartBytes,
  normalise,
  normalText,
} from '../../../src/xmpp/jid.ts'
import { nameprep, nodeprep } from '../../../src/xmpp/nodeprep.ts'
import type { Target } from '../target.ts'

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

/** JIDs: to prepare what is prepared changes nothing, its text is read as itself, and what the bytes say, the text says. */
export function jidTarget(): Target {
  return {
    form: 'text',
    mostBytes: 3100,
    tokens: [
      ...[
        '@',
        '/',
        '.',
        'a',
        'A',
        'example.org',
        'xn--',
        '\\20',
        '\\40',
        ' ',
        '"',
        '&',
        "'",
        ':',
        '<',
        '>',
        '&amp;',
        '&lt;',
      ],
      ...[
        'ß',
        'ﬁ',
        'İ',
        'ı',
        'Σς',
        '\u00ad',
        '\u200b',
        '\u200d',
        '\ufeff',
        '\u0301',
        'a\u0323\u0307',
        '。',
        '．',
        '／',
        '＠',
        '☃',
      ].map(utf8),
      ...[
        '\u0085',
        '\u00a0',
        '\u2028',
        '\u3000',
        'א',
        'ا',
        '١',
        '가',
        'Å',
        '\u1e9b\u0323',
        '𝐀',
        '😀',
        '\ud7ff',
        '\ue000',
        '\ufdd0',
        '\u0340',
      ].map(utf8),
    ],
    run: (input) => {
      const text = input.toString('utf8')
      const bytes = Buffer.from(text)
      // That of ejabberd is whatever ejabberd makes of it, as its own tests compare.
      const said = [checkForm(normalise(text), text), `${ejabberdForm(text) === undefined}`]
      checkNormal(text, bytes)
      for (const prepare of [nodeprep, nameprep]) {
        const prepared = prepare(text)
        if (prepared !== undefined) assert.equal(prepare(prepared), prepared, 'to prepare twice changes something')
      }
      return said.join(' ')
    },
  }
}

function checkForm(parts: Jid | undefined, text: string): string {
  if (parts === undefined) return 'none'
  for (const part of Object.values(parts)) assert.ok(Buffer.byteLength(part as string) <= maxPartBytes)
  assert.notEqual(parts.domain, '')
  assert.doesNotMatch(parts.local, /[@/]/)
  assert.doesNotMatch(parts.domain, /[@/]/)
  assert.deepEqual(normalise(fullText(parts)), parts, 'what is in normal form has another')
  return `${parts.local !== ''} ${parts.resource !== ''} ${fullText(parts) === text}`
}

function checkNormal(text: string, bytes: Buffer): void {
  const bare = bareEnd(bytes, 0, bytes.length)
  const domain = domainStart(bytes, 0, bytes.length)
  const [bareText = '', ...resource] = text.split('/')
  assert.equal(bytes.toString('utf8', 0, bare), bareText)
  assert.equal(bytes.toString('utf8', domain, bare), bareText.slice(bareText.indexOf('@') + 1))
  // As an attribute's value, which holds no reference, and no tab or line end.
  if (/[&\t\n\r]/.test(text)) return
  assert.equal(isJid(bytes, 0, bytes.length), normalise(text) !== undefined)
  if (!isPlain(bytes, 0, bytes.length)) return
  assert.equal(normalText(text), text, 'what is plain is not in normal form')
  assert.equal(normalise(text)?.resource, resource.join('/'))
}
