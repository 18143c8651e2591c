import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Destination, Heading, Item } from '../../src/cluster/entry.ts'
import { decodeEntry, decodeHeading, EntryError, EntryWriter, readable } from '../../src/cluster/entry-codec.ts'

const heading: Heading = { sender: 'a1', number: 7, taken: 3, isNote: false, isAsking: false, isMissing: false }

function written(items: readonly Item[], { sender, ...rest }: Heading = heading): Buffer {
  const writer = new EntryWriter(sender)
  for (const item of items) write(writer, item)
  return writer.seal(rest)
}

function write(writer: EntryWriter, item: Item): void {
  if (item.kind === 'run') {
    writer.run(item.to, item.since, item.deaths, item.hops, item.stanzas, item.bytes)
  } else if (item.kind === 'news') writer.news(item.topic, item.text)
  else if (item.kind === 'answered') writer.answered(item.to, item.key)
  else writer[item.kind](item.to, item.number)
}

const plain = { noNullPrototype: true } as const
const text = fc.string({ unit: 'binary', maxLength: 40 })
const to: fc.Arbitrary<Destination> = fc.record(
  {
    domain: fc.constantFrom('a.example', 'b.example', 'ü.example'),
    instance: fc.option(text, { nil: undefined }),
  },
  plain,
)
const number = fc.nat({ max: 2 ** 48 - 1 })
const run = fc.record(
  {
    kind: fc.constant('run' as const),
    to,
    since: fc.double({ min: 0, max: 1e14, noNaN: true }),
    deaths: fc.nat(0xffff),
    hops: fc.nat(0xff),
    stanzas: fc.integer({ min: 1, max: 20 }),
    bytes: fc.uint8Array({ minLength: 20, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  },
  plain,
)
const item: fc.Arbitrary<Item> = fc.oneof(
  run,
  fc.record({ kind: fc.constantFrom('barrier' as const, 'confirm' as const), to, number }, plain),
  fc.record({ kind: fc.constant('answered' as const), to, key: text }, plain),
  fc.record({ kind: fc.constant('news' as const), topic: text, text }, plain),
)
const anyHeading: fc.Arbitrary<Heading> = fc.record(
  {
    sender: fc.stringMatching(/^[a-z0-9]{1,30}$/),
    number: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
    taken: number,
    isNote: fc.boolean(),
    isAsking: fc.boolean(),
    isMissing: fc.boolean(),
  },
  plain,
)

/** As one that merges what may be merged would write it. */
function merged(items: readonly Item[]): readonly Item[] {
  const result: Item[] = []
  for (const next of items) {
    const last = result.at(-1)
    const isLike =
      last?.kind === 'run' &&
      next.kind === 'run' &&
      last.to.domain === next.to.domain &&
      last.to.instance === next.to.instance &&
      last.since === next.since &&
      last.deaths === next.deaths &&
      last.hops === next.hops
    if (!isLike) result.push(next)
    else {
      const bytes = Buffer.concat([last.bytes, next.bytes])
      result[result.length - 1] = { ...last, stanzas: last.stanzas + next.stanzas, bytes }
    }
  }
  return result
}

test('an entry is read as it was written, one after the other by one writer', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(item, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      anyHeading,
      (many, first) => {
        const { sender, ...rest } = first
        const writer = new EntryWriter(sender)
        for (const items of many) {
          for (const each of items) write(writer, each)
          const bytes = writer.seal(rest)
          assert.deepEqual(decodeEntry(bytes), { ...first, items: merged(items) })
          assert.deepEqual(decodeHeading(bytes), first)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('stanzas that are alike in all else join the run before them', () => {
  const like = { kind: 'run' as const, to: { domain: 'a', instance: 'x' }, since: 5, deaths: 0, hops: 1, stanzas: 2 }
  const entry = decodeEntry(
    written([
      { ...like, bytes: Buffer.from('<a/><b/>') },
      { ...like, bytes: Buffer.from('<c/><d/>') },
      { ...like, deaths: 1, bytes: Buffer.from('<e/><f/>') },
    ]),
  )
  const runs = entry.items.map((run) => (run.kind === 'run' ? [run.stanzas, run.bytes.toString(), run.deaths] : []))
  assert.deepEqual(runs, [
    [4, '<a/><b/><c/><d/>', 0],
    [2, '<e/><f/>', 1],
  ])
})

test('the stanzas of an entry are parts of it, not copies', () => {
  const bytes = written([
    {
      kind: 'run',
      to: { domain: 'a', instance: undefined },
      since: 5,
      deaths: 0,
      hops: 1,
      stanzas: 1,
      bytes: Buffer.from('<a/>'),
    },
  ])
  const [only] = decodeEntry(bytes).items
  assert.ok(only?.kind === 'run' && only.bytes.buffer === bytes.buffer)
})

test('a writer is full with 512 stanzas, or 256 KiB', () => {
  const where = { domain: 'a', instance: undefined }
  const many = new EntryWriter('a1')
  many.run(where, 1, 0, 0, 511, Buffer.alloc(511))
  assert.equal(many.isFull, false)
  many.run(where, 1, 0, 0, 1, Buffer.alloc(1))
  assert.equal(many.isFull, true)
  const large = new EntryWriter('a1')
  large.run(where, 1, 0, 0, 1, Buffer.alloc(256 * 1024 - 100))
  assert.equal(large.isFull, false)
  large.run(where, 1, 0, 0, 1, Buffer.alloc(100))
  assert.equal(large.isFull, true)
  large.seal(heading)
  assert.equal(large.isFull, false)
  assert.equal(large.isEmpty, true)
})

test('an entry that was cut anywhere, but between items, cannot be read, and says so', () => {
  const items: readonly Item[] = [
    {
      kind: 'run',
      to: { domain: 'a.example', instance: 'x' },
      since: 5,
      deaths: 0,
      hops: 1,
      stanzas: 1,
      bytes: Buffer.from('<a/>'),
    },
    { kind: 'barrier', to: { domain: 'a.example', instance: 'x' }, number: 4 },
    { kind: 'answered', to: { domain: 'a.example', instance: undefined }, key: 'k' },
    { kind: 'news', topic: 't', text: '{}' },
  ]
  const whole = written(items)
  const betweenItems = items.map((_, index) => written(items.slice(0, index)).length)
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.subarray(0, length)
    if (betweenItems.includes(length)) assert.ok(decodeEntry(cut).items.length < items.length)
    else assert.throws(() => decodeEntry(cut), EntryError, `cut at ${length}`)
  }
})

test('an entry that was damaged is read, or refused with an EntryError, and never anything else', () => {
  let refused = 0
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 6 }), flips, (items, places) => {
      const bytes = written(items)
      for (const [place, bits] of places) bytes[place % bytes.length]! ^= bits
      try {
        decodeEntry(bytes)
      } catch (error) {
        assert.ok(error instanceof EntryError, String(error))
        refused++
      }
    }),
    { numRuns: 2000 },
  )
  assert.ok(refused > 100)
})

test('bytes that nobody wrote are refused with an EntryError, or read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeEntry(Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof EntryError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('of an entry of another form the heading is read, and the items are not', () => {
  const bytes = written([{ kind: 'news', topic: 't', text: '{}' }])
  bytes[0] = 2
  assert.deepEqual(decodeHeading(bytes), heading)
  assert.throws(() => decodeEntry(bytes), /form 2: this release reads form 1/)
})

test('what cannot be read is nothing, and why is told; any other error is a bug', () => {
  const told: string[] = []
  const nonsense = Buffer.from('nonsense')
  assert.equal(
    readable(
      () => decodeEntry(nonsense),
      (reason) => told.push(reason),
    ),
    undefined,
  )
  assert.match(told.join(), /^the entry ends at 8/)
  assert.equal(
    readable(() => decodeHeading(Buffer.alloc(0))),
    undefined,
  )
  assert.equal(
    readable(() => 7),
    7,
  )
  const flaw = () => {
    throw new RangeError('a flaw')
  }
  assert.throws(() => readable(flaw), /a flaw/)
})
