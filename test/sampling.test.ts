import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MOST_CHARACTERS, Sample } from '../src/sampling.ts'
import { Reframer } from '../src/stream/reframe.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }

/** A random source that is the same each time. */
function seeded(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function note(sample: Sample, from: string): void {
  const stanza = Buffer.from(`<message from='${from}' to='bot@plays.test'/>`)
  new Reframer(limits).stanzas(stanza, (head) => sample.note(head))
}

test('as long as there is room every stanza is counted', () => {
  const sample = new Sample(seeded())
  for (const from of ['a@x.test', 'b@x.test/&lt;1', 'a@x.test']) note(sample, from)
  assert.deepEqual(sample.seen(), {
    stanzas: 3,
    kept: 3,
    items: [
      { from: 'a@x.test', to: 'bot@plays.test', weight: 2 },
      { from: 'b@x.test/<1', to: 'bot@plays.test', weight: 1 },
    ],
  })
})

test('of more stanzas than there is room for a fair draw is kept, which weighs as much as all', () => {
  const sample = new Sample(seeded(), 500)
  // Every fifth is from one user, and those come in the second half only.
  for (let n = 0; n < 5000; n++) note(sample, n >= 2500 && n % 5 < 2 ? 'hot@x.test' : `user${n}@x.test`)
  const { stanzas, kept, items } = sample.seen()
  assert.deepEqual([stanzas, kept], [5000, 500])
  assert.equal(Math.round(items.reduce((sum, { weight }) => sum + weight, 0)), 5000)
  const hot = items.find(({ from }) => from === 'hot@x.test')!.weight / stanzas
  assert.ok(hot > 0.15 && hot < 0.25, `${hot}`)
})

test('of long addresses fewer are kept', () => {
  const sample = new Sample(seeded())
  const long = 'x'.repeat(1000)
  for (let n = 0; n < 6000; n++) note(sample, `u${n}@x.test/${long}`)
  const { stanzas, kept, items } = sample.seen()
  assert.equal(stanzas, 6000)
  assert.ok(kept < 4200 && kept > 1000 && kept * 1000 <= MOST_CHARACTERS, `${kept}`)
  assert.equal(Math.round(items.reduce((sum, { weight }) => sum + weight, 0)), 6000)
})
