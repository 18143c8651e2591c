import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeEntry, encodeEntry } from '../../src/cluster/hold-entry.ts'

const entry = {
  id: '7-1',
  since: 1_700_000_000_123.456,
  deaths: 2,
  stanzas: 3,
  bytes: Buffer.from('<a/><b>\u00e9</b>\n\0'),
}
const fields = (changes: Readonly<Record<string, string>> = {}) => {
  const texts = encodeEntry(entry)
  return texts.map((text, index) => {
    const change = index % 2 === 1 ? changes[String(texts[index - 1])] : undefined
    return Buffer.from(change ?? text)
  })
}

test('an entry comes back from its fields as it was, to the byte and to the microsecond', () => {
  assert.deepEqual(decodeEntry('7-1', fields()), entry)
})

test('the form of an entry is pinned: nodes of neighbouring releases read what is there', () => {
  assert.deepEqual(encodeEntry({ ...entry, bytes: Buffer.from('<a/>') }), [
    ...['v', '1', 'since', '1700000000123.456', 'deaths', '2', 'stanzas', '3', 'bytes', Buffer.from('<a/>')],
  ])
})

test('fields of another form are no entry', () => {
  const wrong = [{ v: '2' }, { since: 'NaN' }, { since: '' }, { deaths: '-1' }, { deaths: '1.5' }, { stanzas: '0' }]
  for (const change of wrong) assert.equal(decodeEntry('7-1', fields(change)), undefined, JSON.stringify(change))
  assert.equal(decodeEntry('7-1', fields({ bytes: '' })), undefined)
  assert.equal(decodeEntry('7-1', []), undefined)
  assert.equal(decodeEntry('7-1', fields().slice(2)), undefined)
  assert.equal(decodeEntry('7-1', [...fields(), Buffer.from('x'), Buffer.from('y')]), undefined)
  assert.equal(decodeEntry('7-1', [...fields().slice(2), ...fields().slice(0, 2)]), undefined)
})
