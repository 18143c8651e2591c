import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flusher } from '../../src/stream/flusher.ts'
import { Outbox } from '../../src/stream/outbox.ts'
import type { Sink } from '../../src/stream/sink.ts'
import { type Standstill, standingFor } from '../../src/stream/standstill.ts'

const MARK = 100
const stanza = Buffer.alloc(60)

/** An outbox above its mark, with a source that waits; `take` lets the kernel take the next of its two stanzas. */
function fullOutbox() {
  const writes: ((error?: Error | null) => void)[] = []
  const sink: Sink = {
    writableLength: 0,
    write: (_, written) => writes.push(written) > 0,
    cork: () => {},
    uncork: () => {},
  }
  const outbox = new Outbox(new Flusher(), MARK, 10 * MARK)
  outbox.attach(sink)
  for (let n = 0; n < 2; n++) {
    outbox.append(stanza, 0, stanza.length)
    outbox.flush()
  }
  let pauses = 0
  outbox.waitForRoom({ pause: () => void pauses++, resume: () => void pauses-- })
  return { outbox, take: () => writes.shift()?.(), isPaused: () => pauses > 0 }
}

const fresh = (): Standstill => ({ progress: 0, since: undefined })

test('a full outbox that moves nothing stands, and for how long is counted from when it was first seen to', () => {
  const { outbox } = fullOutbox()
  const standstill = fresh()
  assert.deepEqual(
    [1_000, 1_500, 4_000].map((now) => standingFor(standstill, outbox, now)),
    [0, 500, 3_000],
  )
})

test('an outbox below its mark that still keeps a source waiting stands too', () => {
  const { outbox, take, isPaused } = fullOutbox()
  const standstill = fresh()
  take()
  assert.deepEqual([outbox.isFull, isPaused()], [false, true])
  assert.deepEqual(
    [1_000, 2_000, 5_000].map((now) => standingFor(standstill, outbox, now)),
    [0, 0, 3_000],
  )
})

test('one that stands goes on standing when its sources are let go, and stops with the first byte that moves', () => {
  const { outbox, take, isPaused } = fullOutbox()
  const standstill = fresh()
  take()
  for (const now of [1_000, 2_000]) standingFor(standstill, outbox, now)
  outbox.pausesSources = false
  outbox.releaseSources()
  assert.equal(isPaused(), false)
  assert.equal(standingFor(standstill, outbox, 5_000), 3_000)
  take()
  assert.equal(standingFor(standstill, outbox, 6_000), 0)
  assert.equal(standingFor(standstill, outbox, 9_000), 0)
})
