import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { phash2OfParts } from '../../balancing/phash2.ts'
import { has } from '../../src/xmpp/code-points.ts'
import { ejabberdForm } from '../../src/xmpp/ejabberd-jid.ts'
import { unassigned } from '../../src/xmpp/stringprep-tables.ts'
import { askEjabberd, type Request } from '../peers/ejabberd-keys.ts'

/** Each part on its own: the others are plain. */
const parts = {
  node: (text: string) => ejabberdForm(`${text}@s/r`)?.local,
  name: (text: string) => ejabberdForm(`u@${text}/r`)?.domain,
  resource: (text: string) => ejabberdForm(`u@s/${text}`)?.resource,
} as const

test('every code point of Unicode 3.2 that ejabberd accepts in a part of a JID is prepared as ejabberd prepares it', () => {
  // Those that would take the JID apart, and surrogates, are no single part.
  const points = Array.from({ length: 0x3_0000 }, (_, point) => point).filter((point) => {
    const isIdeograph = point >= 0x3400 && point < 0xa000 && point % 64 > 0
    const isPlain = isIdeograph || (point >= 0x2_0010 && point < 0x2_f800) || (point >= 0xac10 && point < 0xd7a0)
    return point > 0x20 && !(point >= 0xd800 && point < 0xf900) && !isPlain && !has(unassigned, point)
  })
  const requests = points
    .map((point) => String.fromCodePoint(point))
    .flatMap((text) =>
      (['node', 'name', 'resource'] as const).map((name): Request & readonly [keyof typeof parts, string] => [
        name,
        text,
      ]),
    )
    .filter(([, text]) => text !== '@' && text !== '/')
  const answers = askEjabberd(requests)
  const differing = requests.filter(([name, text], index) => {
    return answers[index] !== undefined && parts[name](text) !== answers[index]
  })
  assert.deepEqual(differing, [])
  assert.ok(answers.filter((answer) => answer !== undefined).length > 20_000)
})

// As in nodeprep.test.ts: what changes its neighbours, folds to several characters, or is another thing in a domain.
const lively =
  'aAzZ09.-_ß\u0130\u0131ſẞǅŉΐ\u0345\u0301\u0307\u0323\u0327\u0338ΣσςᾳͺΩKÅİﬁ™℡①ａＡ。．㏆¨' +
  '\u1100\u1161\u11a8가힣יהאבג\u05b0\u05bc\ufb1dابت\u0661\u0651\ufdfa\u200d\u00ad\ufe0fЖжЁё\u0306漢\u{10400}\u3099かカﾞ /@'
const character = fc.oneof(
  fc.constantFrom(...lively),
  fc.integer({ min: 0x21, max: 0x2fff }).map((point) => String.fromCodePoint(point)),
  fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789.@/'),
)
const text = fc.array(character, { maxLength: 9 }).map((characters) => characters.join(''))
const jid = fc.oneof(
  text,
  fc.tuple(text, text, text).map(([local, domain, resource]) => `${local}@${domain}/${resource}`),
)

test('law: random JIDs that ejabberd accepts have its phash2, full and bare', () => {
  const samples = fc
    .sample(jid, { numRuns: 40_000, seed: 4 })
    // ejabberd's library puts three marks in a row in another order than Unicode says.
    .filter((sample) => !/\p{M}{3}/u.test(sample.normalize('NFKD')))
  const answers = askEjabberd(samples.map((sample) => ['jid', sample]))
  let accepted = 0
  for (const [index, sample] of samples.entries()) {
    if (answers[index] === undefined) continue
    accepted++
    const form = ejabberdForm(sample)
    assert.ok(form !== undefined, JSON.stringify(sample))
    const { local, domain, resource } = form
    const hashes = `${phash2OfParts(local, domain, resource)} ${phash2OfParts(local, domain, '')}`
    assert.equal(hashes, answers[index], JSON.stringify(sample))
  }
  assert.ok(accepted > 5_000, `${accepted}`)
})

test('an ideographic or a last dot, and a resource in another spelling, are told apart as in ejabberd', () => {
  assert.deepEqual(ejabberdForm('A@Example.org./Ⅷ'), { local: 'a', domain: 'example.org.', resource: 'VIII' })
  assert.equal(ejabberdForm('a@example。org')?.domain, 'example。org')
  for (const none of ['', '@b', 'a@', 'b/', '/r', 'a@b/\u0007']) assert.equal(ejabberdForm(none), undefined, none)
})
