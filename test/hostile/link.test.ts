import assert from 'node:assert/strict'
import { test } from 'node:test'
import { xml } from '@xmpp/component'
import { LinkParser, type LinkReader } from '../../src/link-parser.ts'
import { scannersBy } from '../../src/scanning.ts'
import { type Case, goesOn, isError, type Place } from './case.ts'
import { casesAt } from './catalogue/catalogue.ts'
import { limits } from './catalogue/limits.ts'
import { bare, serverHeader } from './catalogue/write.ts'
import { chunkings } from './chunkings.ts'

/** Behind each case: it gets through where the stream goes on, and nowhere else. */
const trailing = bare('', " id='trailing'")
const nothing = Buffer.alloc(0)
const scanners = scannersBy(
  () => limits,
  (why) => assert.fail(why),
)

/** What a link's parser has said: the stanzas that it has handed out, and how the stream has ended. */
interface Hearing {
  stanzas: string
  end: string
}

const peers: readonly (readonly [what: string, place: Place, before: string])[] = [
  ['a server from the first byte', 'link-header', ''],
  ['a server before it has let us in', 'link-handshake', serverHeader('s1')],
  ['a server', 'link', `${serverHeader('s1')}<handshake/>`],
]

for (const [what, place, before] of peers) {
  for (const one of casesAt(place)) {
    test(`[${one.source}] ${one.name}, ${what}: ${one.answer}`, () => {
      const isLast = one.answer === 'waits' || place === 'link-header'
      for (const { name, chunks } of chunkings(one.bytes, isLast ? nothing : Buffer.from(trailing))) {
        const { parser, heard } = listening()
        parser.write(Buffer.from(before))
        for (const chunk of chunks) parser.write(chunk)
        // To the parser, what the router is to refuse is a stanza like any other.
        if (goesOn(one) && one.answer !== 'passes') heard.stanzas = heard.stanzas.slice(-trailing.length)
        assert.deepEqual(heard, expected(one), name)
      }
    })
  }
}

function listening(): { readonly parser: LinkParser; readonly heard: Hearing } {
  const heard: Hearing = { stanzas: '', end: '' }
  const reader: LinkReader = {
    opened: () => {},
    accepted: () => {},
    stanza: (head) => {
      heard.stanzas += head.bytes.toString('utf8')
    },
    serverError: () => {
      heard.end += 'closes'
    },
    footer: () => {
      heard.end += 'closes'
    },
    broken: (condition) => {
      heard.end += condition
    },
  }
  return {
    parser: new LinkParser({ scanners: scanners(), handshake_bytes: limits.handshake_bytes }, reader, xml),
    heard,
  }
}

function expected(one: Case): Hearing {
  const passed = (one.out ?? (one.answer === 'passes' ? one.bytes : '')).toString('utf8')
  const end = isError(one) || one.answer === 'closes' ? one.answer : ''
  return { stanzas: goesOn(one) ? passed + trailing : passed, end }
}
