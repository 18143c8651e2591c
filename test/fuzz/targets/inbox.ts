import assert from 'node:assert/strict'
import type { Entry, Item } from '../../../src/cluster/entry.ts'
import { decodeEntry, decodeHeading, EntryWriter, readable } from '../../../src/cluster/entry-codec.ts'
import { type Target, words } from '../target.ts'

/** Entries of an inbox: refused in words, or read as what comes back when it is written again. */
export function inboxTarget(): Target {
  return {
    form: 'hex',
    mostBytes: 2048,
    tokens: [
      ...[
        '\x01',
        '\x02',
        '\x03',
        '\x04',
        '\x05',
        '\x41',
        '\x42',
        '\x43',
        '\x44',
        '\x00\x00\x00\x00\x00\x01',
        '\x00\x06a.test',
        '\x01\x00\x03red',
      ],
      ...[
        '\x00',
        '\xff\xff',
        '\xff\xff\xff\xff',
        '\x00\x00\x00\x01',
        '\x7f\xf0\x00\x00\x00\x00\x00\x00',
        '<iq/>',
        '\x02a1',
        '{"a":1}',
        '\xff',
      ],
    ],
    run: (input) => {
      let said = ''
      const heading = readable(() => decodeHeading(input))
      const entry = readable(
        () => decodeEntry(input),
        (reason) => {
          said = words(reason.replace(/it is of .*/s, ''))
        },
      )
      if (entry === undefined) return said
      const { items, ...rest } = entry
      assert.deepEqual(rest, heading)
      // Bytes that are no UTF-8 are other characters once they have been read.
      const again = decodeEntry(written(entry))
      assert.deepEqual(again, { ...rest, items: joined(items) })
      return [...new Set(items.map(({ kind }) => kind))].join(' ')
    },
  }
}

function written({ sender, items, ...heading }: Entry): Buffer {
  const writer = new EntryWriter(sender)
  for (const item of items) {
    if (item.kind === 'run') writer.run(item.to, item.since, item.deaths, item.hops, item.stanzas, item.bytes)
    else if (item.kind === 'news') writer.news(item.topic, item.text)
    else if (item.kind === 'answered') writer.answered(item.to, item.key)
    else writer[item.kind](item.to, item.number)
  }
  return writer.seal(heading)
}

/** Runs that follow each other and are alike are one when they are written. */
function joined(items: readonly Item[]): readonly Item[] {
  const all: Item[] = []
  for (const item of items) {
    const last = all.at(-1)
    const isAlike =
      item.kind === 'run' &&
      last?.kind === 'run' &&
      (['since', 'deaths', 'hops'] as const).every((key) => item[key] === last[key]) &&
      item.to.domain === last.to.domain &&
      item.to.instance === last.to.instance
    if (!isAlike) all.push(item)
    else {
      const bytes = Buffer.concat([last.bytes, item.bytes])
      all[all.length - 1] = { ...last, stanzas: last.stanzas + item.stanzas, bytes }
    }
  }
  return all
}
