import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemoteBarriers, RemoteStream, type Way } from '../src/remote-stream.ts'
import { Flusher } from '../src/stream/flusher.ts'
import type { Ticket } from '../src/stream/queue.ts'

const turn = () => new Promise(setImmediate)

/** A way to another node that says what it was given; nothing is written before the test says so. */
function way() {
  const given: string[] = []
  const unwritten: ((error?: Error) => void)[] = []
  const it: Way = {
    run: ({ domain, instance }, since, deaths, hops, stanzas, bytes, written) => {
      given.push(`${domain} ${instance} ${bytes} of ${stanzas} since ${since} deaths ${deaths} hops ${hops}`)
      unwritten.push(written)
    },
    barrier: (_to, number) => void given.push(`barrier ${number}`),
  }
  const parts = {
    flusher: new Flusher(),
    clock: { now: 5 },
    time: { epoch: 1000 },
    numbers: { last: 6 },
    marks: { soft: 1000, limit: 2000 },
  }
  const stream = new RemoteStream(it, { domain: 'a.test', instance: 'red' }, 'yard-2', parts)
  const append = (text: string, deaths = 0, ticket?: Ticket) =>
    stream.outbox.append(Buffer.from(text), 0, text.length, 7, deaths, ticket)
  return { given, unwritten, stream, append, outbox: stream.outbox }
}

test('what is appended goes as one run, with its past, and a barrier behind it', async () => {
  const { given, append, outbox } = way()
  append('<a/>')
  append('<b/>')
  await turn()
  assert.deepEqual(given, ['a.test red <a/><b/> of 2 since 1007 deaths 0 hops 0'])
  outbox.askToConfirm()
  assert.equal(given[1], 'barrier 7')
})

test('a stanza that has come from another node has gone one hop further', async () => {
  const { given, append } = way()
  append('<a/>', 1, { retain() {}, release() {}, hops: 3 })
  await turn()
  assert.deepEqual(given, ['a.test red <a/> of 1 since 1007 deaths 1 hops 4'])
})

test('what is written and not confirmed is not delivered, and comes back in order when the node is gone', async () => {
  const { unwritten, append, outbox, stream } = way()
  append('<a/>')
  await turn()
  outbox.askToConfirm()
  append('<b/>')
  await turn()
  for (const written of unwritten.splice(0)) written()
  await turn()
  assert.deepEqual([outbox.bytes, outbox.window.bytes, outbox.stanzas, outbox.delivered], [0, 9, 2, 0])
  assert.equal(stream.confirmed(7), true)
  assert.deepEqual([outbox.stanzas, outbox.delivered], [1, 1])
  append('<c/>')
  stream.die()
  await stream.gone
  assert.equal(stream.isOpen, false)
  assert.equal(outbox.detach().shift()?.bytes.toString(), '<b/>')
  assert.equal(outbox.take().shift()?.bytes.toString(), '<c/>')
})

test('what one is told that was meant for another of the same name, before or after it, confirms nothing', async () => {
  const { unwritten, append, outbox, stream } = way()
  append('<a/>')
  await turn()
  outbox.askToConfirm()
  for (const written of unwritten.splice(0)) written()
  await turn()
  assert.deepEqual(
    [stream.confirmed(1), stream.confirmed(6), stream.confirmed(8), outbox.delivered],
    [false, false, false, 0],
  )
  assert.deepEqual([stream.confirmed(7), stream.confirmed(7), outbox.delivered], [true, false, 1])
})

test('runs that are written out of order count in order, as a barrier is never before what it confirms', async () => {
  const { unwritten, append, outbox, stream } = way()
  append('<a/>', 0)
  append('<b/>', 1)
  await turn()
  outbox.askToConfirm()
  unwritten[1]!()
  await turn()
  assert.equal(outbox.bytes, 9, 'the first is not written yet')
  stream.confirmed(7)
  assert.equal(outbox.delivered, 0)
  unwritten[0]!()
  await turn()
  assert.deepEqual([outbox.bytes, outbox.delivered], [0, 2])
})

test('what could not be written stays unwritten', async () => {
  const { unwritten, append, outbox } = way()
  append('<a/>')
  await turn()
  unwritten[0]!(new Error('gone'))
  outbox.askToConfirm()
  await turn()
  assert.deepEqual([outbox.bytes, outbox.delivered, outbox.stanzas], [5, 0, 1])
})

test('while the node cannot be reached what comes waits here and pauses nobody', async () => {
  const { given, append, outbox, stream } = way()
  let paused = 0
  const source = { pause: () => void paused++, resume: () => void paused-- }
  append('x'.repeat(1001))
  outbox.waitForRoom(source)
  assert.equal(paused, 1)
  stream.hold()
  assert.equal(paused, 0)
  outbox.waitForRoom(source)
  await turn()
  assert.deepEqual([paused, given], [0, []])
  stream.proceed()
  await turn()
  assert.match(given[0] ?? '', /^a\.test red x+ of 1 /)
})

test('an answer to a barrier that was not written, or was answered, is none', () => {
  const clock = { now: 1 }
  const barriers = new RemoteBarriers(clock)
  assert.equal(barriers.owingSince, undefined)
  barriers.next()
  clock.now = 2
  barriers.next()
  assert.equal(barriers.answered(3), false)
  assert.equal(barriers.owingSince, 2)
  clock.now = 9
  assert.equal(barriers.answered(1), true)
  assert.deepEqual([barriers.owingSince, barriers.confirmed], [9, 1])
  assert.equal(barriers.answered(1), false)
  assert.equal(barriers.answered(2), true)
  assert.equal(barriers.owingSince, undefined)
})
