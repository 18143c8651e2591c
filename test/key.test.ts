import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooserFor } from '../balancing/chooser.ts'
import { bareDomains, criteria, type HashName, hashes, keyingFor } from '../balancing/criterion.ts'
import { policyFor } from '../balancing/policy.ts'
import { hashOfKey, keyText } from '../src/key.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { escapeText } from '../src/xmpp/stream-error.ts'
import { askEjabberd } from './peers/ejabberd-keys.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }

/** The hash of a stanza's key, as a router would have it. */
function hashOf(xml: string, ...[criterion, bareDomain, hash]: Parameters<typeof keyingFor>): number | undefined {
  let found: number | undefined
  new Reframer(limits).stanzas(Buffer.from(xml), (head) => {
    found = hashOfKey(keyingFor(criterion, bareDomain, hash), head)
  })
  return found
}

const message = (from: string, to: string) => `<message from='${attribute(from)}' to='${attribute(to)}'/>`
const attribute = (text: string) => escapeText(text).replaceAll("'", '&apos;')

const jids = [
  'juliet@example.com/balcony',
  'Juliet@Example.COM/Balcony',
  'juliet@example.com',
  'example.com',
  'Example.com/Room',
  'example.com/a@b/c',
  'o&k@example.com/it\'s <a> & "b"',
  'zoë@example.com/Küche',
  'STRAẞE@example.com/ﬁ',
  'straße@example.de/Ⅷ Ａ',
  'юлия@Пример.РФ/Телефон',
  '山田太郎@例え.jp/ｶﾞ',
  'a@example.org./r',
  'a@example。org/r',
  'שלום@example.com/بيت',
  `${'long'.repeat(200)}@example.com/${'ресурс'.repeat(60)}`,
  ...Array.from({ length: 3000 }, (_, n) => `user${n}@host${n % 7}.example/r${n % 3}`),
]

test('with erlang_phash2 a key has the hash that ejabberd gives it, under each criterion', () => {
  const answers = askEjabberd(jids.map((jid) => ['jid', jid]))
  let compared = 0
  for (const [index, jid] of jids.entries()) {
    if (answers[index] === undefined) continue
    compared++
    const [full, bare] = answers[index].split(' ').map(Number)
    const hash = (...[criterion]: Parameters<typeof keyingFor>) => {
      const xml = criterion.endsWith('source') ? message(jid, 'a.test') : message('u@b.test', jid)
      return hashOf(xml, criterion, 'destination', 'erlang_phash2')
    }
    assert.deepEqual([hash('source'), hash('bare_source')], [full, bare], jid)
    assert.deepEqual([hash('destination'), hash('bare_destination')], [full, bare], jid)
  }
  assert.ok(compared > 3010, `${compared}`)
})

test('what explain and simulate say of a key is what a stanza meets, whatever the hash', () => {
  const seen = new Set<number | undefined>()
  for (const name of hashes) {
    for (const criterion of criteria.filter((criterion) => criterion !== 'random')) {
      for (const bareDomain of bareDomains) {
        const policy = policyFor({ type: criterion, component_number: 1000 }, bareDomain, name)
        const choose = chooserFor({ policy, instances: [] }, keyText)
        for (const jid of jids.slice(0, 40)) {
          if (keyText(jid, name) === undefined) continue
          for (const [from, to] of [
            [jid, 'a.test'],
            ['u@b.test/r', jid],
          ] as const) {
            const met = hashOf(message(from, to), criterion, bareDomain, name)
            assert.equal(choose({ from, to })?.hash, met, `${name} ${criterion} ${from} ${to}`)
            seen.add(met)
          }
        }
      }
    }
  }
  assert.ok(seen.size > 100, `${seen.size}`)
})

test('a delegated request is keyed by whom it is for; with erlang_phash2 by the server, as in ejabberd', () => {
  const iq = (user: string) =>
    `<iq type='set' id='1' from='example.com' to='a.test'><delegation xmlns='urn:xmpp:delegation:2'>` +
    `<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' id='2' from='${user}'/></forwarded></delegation></iq>`
  const hashesOf = (hash: HashName) =>
    new Set(['a@x.test', 'b@x.test'].map((user) => hashOf(iq(user), 'bare_source', 'destination', hash)))
  assert.equal(hashesOf('murmur3').size, 2)
  assert.deepEqual(
    [...hashesOf('erlang_phash2')],
    [hashOf(message('example.com', 'a.test'), 'source', 'destination', 'erlang_phash2')],
  )
})
