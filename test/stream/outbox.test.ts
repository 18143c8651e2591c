import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Barriers } from '../../src/stream/barriers.ts'
import { Flusher } from '../../src/stream/flusher.ts'
import { Outbox, type Source } from '../../src/stream/outbox.ts'
import type { Sink } from '../../src/stream/sink.ts'

/** A socket that takes bytes when it is told to. */
class FakeSink implements Sink {
  readonly writableLength = 0
  readonly writes: { readonly text: string; readonly written: (error?: Error | null) => void }[] = []
  corks = 0
  /** Writes within a cork. */
  gathered = 0
  write(bytes: Uint8Array, written: (error?: Error | null) => void): boolean {
    this.writes.push({ text: Buffer.from(bytes).toString(), written })
    if (this.corks > 0) this.gathered++
    return true
  }
  cork(): void {
    this.corks++
  }
  uncork(): void {
    this.corks--
  }
  take(count = 1): void {
    for (const { written } of this.writes.splice(0, count)) written()
  }
}

class FakeSource implements Source {
  paused = 0
  pause(): void {
    this.paused++
  }
  resume(): void {
    this.paused--
  }
}

const turn = () => new Promise(setImmediate)
const outbox = (mark = 100, limit = 1000): Outbox => new Outbox(new Flusher(), mark, limit)
function append(to: Outbox, text: string, now?: number): void {
  to.append(Buffer.from(text), 0, text.length, now)
}

test('what is appended in one turn leaves in one write, behind what was appended before', async () => {
  const [box, sink] = [outbox(), new FakeSink()]
  box.attach(sink)
  box.appendControl('<header>')
  append(box, 'a')
  append(box, 'b')
  assert.deepEqual(sink.writes, [])
  await turn()
  assert.deepEqual(
    sink.writes.map(({ text }) => text),
    ['<header>', 'ab'],
  )
  assert.deepEqual([box.stanzas, box.delivered, box.bytes], [2, 0, 10])
  let told = 0
  box.onDelivered = (stanzas) => {
    told += stanzas
  }
  sink.take(2)
  assert.deepEqual([box.stanzas, box.delivered, box.bytes, box.progress, told], [0, 2, 0, 10, 2])
})

test('several writes of a turn are gathered in a cork, and one alone has none', async () => {
  const [box, sink] = [outbox(), new FakeSink()]
  box.attach(sink)
  append(box, 'a', 1)
  await turn()
  assert.deepEqual([sink.writes.length, sink.gathered], [1, 0])
  append(box, 'b', 1)
  append(box, 'c', 2)
  await turn()
  assert.deepEqual([sink.writes.length, sink.gathered, sink.corks], [3, 2, 0])
})

test('above the mark a source is paused once, until half of the mark is left', async () => {
  const [box, sink, source] = [outbox(100), new FakeSink(), new FakeSource()]
  box.attach(sink)
  append(box, 'x'.repeat(100), 1)
  box.waitForRoom(source)
  assert.equal(source.paused, 0)
  append(box, 'x', 2)
  box.waitForRoom(source)
  box.waitForRoom(source)
  assert.equal(source.paused, 1)
  await turn()
  sink.take(2)
  assert.equal(source.paused, 0)
})

test('a full outbox that pauses nobody lets its sources go, and takes in up to its limit', () => {
  const [box, source] = [outbox(100, 150), new FakeSource()]
  append(box, 'x'.repeat(120))
  box.waitForRoom(source)
  box.pausesSources = false
  box.releaseSources()
  box.waitForRoom(source)
  assert.equal(source.paused, 0)
  assert.deepEqual([box.hasRoom(30), box.hasRoom(31)], [true, false])
})

test('the first stanza always has room, however large', () => {
  assert.ok(outbox(100, 0).hasRoom(1e9))
})

test('a socket is handed a bounded amount; the rest can go elsewhere and its sources go on', async () => {
  const [box, sink, source] = [outbox(100, 1e9), new FakeSink(), new FakeSource()]
  box.attach(sink)
  for (let i = 0; i < 64; i++) append(box, `${i}`.padEnd(10_000, '.'), i)
  box.waitForRoom(source)
  await turn()
  const handed = sink.writes.length
  assert.ok(handed < 32, `${handed}`)
  const rest = box.take()
  assert.equal(rest.stanzas, 64 - handed)
  assert.deepEqual([source.paused, box.stanzas], [0, handed])
  const lost = box.detach()
  assert.equal(lost.stanzas, handed)
  sink.take(1)
  assert.deepEqual([box.delivered, box.bytes], [0, 0], 'a late callback changes nothing')
})

test('what a lost socket had not taken is written to the next one, before all else', async () => {
  const [box, old, next] = [outbox(), new FakeSink(), new FakeSink()]
  box.attach(old)
  append(box, 'a', 1)
  append(box, 'b', 2)
  await turn()
  old.take(1)
  append(box, 'c', 3)
  box.requeue(box.detach())
  box.attach(next)
  await turn()
  assert.equal(next.writes.map(({ text }) => text).join(''), 'bc')
  next.take(2)
  assert.equal(box.delivered, 3)
})

test('taking the stanzas leaves what the peer must be told', async () => {
  const box = outbox()
  box.appendControl('<handshake/>')
  append(box, 'a')
  assert.equal(box.take().stanzas, 1)
  assert.equal(box.takeControl().toString(), '<handshake/>')
  assert.equal(box.bytes, 0)
})

test('only what is old is taken as old', () => {
  const box = outbox()
  append(box, 'a', 1)
  append(box, 'b', 2)
  assert.equal(box.takeOlderThan(1), undefined)
  assert.equal(box.takeOlderThan(2)?.bytes.toString(), 'a')
  assert.equal(box.takeOlderThan(2), undefined)
})

test('passed resolves when all that was there has left, when it has been taken away, and at once when there is nothing or no time', async () => {
  const [box, sink] = [outbox(), new FakeSink()]
  await box.passed(1e6)
  box.attach(sink)
  append(box, 'a')
  await box.passed(0)
  const written = box.passed(1e6)
  await turn()
  append(box, 'later')
  sink.take(1)
  await written
  assert.equal(box.stanzas, 1, 'what came later was not waited for')
  append(box, 'b')
  const gone = box.passed(1e6)
  box.detach()
  box.take()
  await gone
  await box.passed(1)
})

test('a write that failed delivers nothing', async () => {
  const [box, sink] = [outbox(), new FakeSink()]
  box.attach(sink)
  append(box, 'a')
  await turn()
  sink.writes[0]!.written(new Error('EPIPE'))
  assert.deepEqual([box.delivered, box.stanzas], [0, 1])
})

/** An outbox whose peer confirms, with its clock, and the socket that it writes to. */
function confirming(mark = 100): { readonly box: Outbox; readonly sink: FakeSink; readonly clock: { now: number } } {
  const [box, sink, clock] = [outbox(mark, 1e9), new FakeSink(), { now: 0 }]
  box.attach(sink)
  box.confirmBy(new Barriers(clock, 'yard.test', 'a.test'))
  return { box, sink, clock }
}

/** What has been written and not been taken: stanzas as they are, barriers as their ids. */
const written = ({ writes }: FakeSink): string =>
  writes.map(({ text }) => text.replace(/^<iq type='get' id='(sy\.\d+)'.*$/, '[$1]')).join('')

test('what the kernel has taken is delivered once a barrier behind it is answered, and not before', async () => {
  const { box, sink } = confirming()
  append(box, 'a')
  append(box, 'b')
  await turn()
  assert.equal(written(sink), 'ab')
  sink.take(1)
  assert.deepEqual([box.delivered, box.stanzas, box.bytes, box.window.bytes], [0, 2, 0, 2])
  box.askToConfirm()
  assert.equal(written(sink), '[sy.1]')
  sink.take(1)
  assert.equal(box.delivered, 0)
  box.confirm(1)
  assert.deepEqual([box.delivered, box.stanzas, box.window.bytes], [2, 0, 0])
})

test('a later answer confirms all before it, and an answer that is repeated or made up nothing', async () => {
  const { box, sink } = confirming(1e6)
  const told: number[] = []
  box.onDelivered = (stanzas) => void (stanzas > 0 && told.push(stanzas))
  for (const text of ['a', 'b', 'c']) {
    append(box, text)
    await turn()
    if (text !== 'c') box.askToConfirm()
  }
  assert.equal(written(sink), 'a[sy.1]b[sy.2]c')
  sink.take(5)
  box.confirm(7)
  assert.equal(box.delivered, 0)
  box.confirm(2)
  assert.deepEqual([box.delivered, box.stanzas], [2, 1], 'what was written behind it is not confirmed')
  box.confirm(1)
  box.confirm(2)
  assert.deepEqual([box.delivered, told], [2, [1, 1]])
})

test('an answer may come before the callback of the write', async () => {
  const { box, sink } = confirming()
  append(box, 'a')
  await turn()
  box.askToConfirm()
  box.confirm(1)
  assert.equal(box.delivered, 0)
  sink.take(2)
  assert.deepEqual([box.delivered, box.stanzas], [1, 0])
})

test('what has come in a turn is written at its end, not when an answer comes in the midst of it', async () => {
  const { box, sink } = confirming()
  append(box, 'a')
  await turn()
  box.askToConfirm()
  sink.take(2)
  append(box, 'b')
  box.confirm(1)
  assert.equal(sink.writes.length, 0)
  append(box, 'c')
  await turn()
  assert.deepEqual(
    sink.writes.map(({ text }) => text),
    ['bc'],
  )
})

test('a barrier follows 64 stanzas at once, and none is asked for when nothing waits', async () => {
  const { box, sink } = confirming(1e6)
  for (let i = 0; i < 63; i++) append(box, 'x', i)
  await turn()
  assert.doesNotMatch(written(sink), /sy\./)
  append(box, 'y', 64)
  await turn()
  assert.match(written(sink), /^x{63}y\[sy\.1\]$/)
  box.askToConfirm()
  assert.match(written(sink), /y\[sy\.1\]$/)
})

test('a barrier follows a quarter of the window at once, however few stanzas that is', async () => {
  const { box, sink } = confirming(4000)
  append(box, 'x'.repeat(999))
  await turn()
  assert.equal(written(sink), 'x'.repeat(999))
  append(box, 'y', 1)
  await turn()
  assert.equal(written(sink).slice(999), 'y[sy.1]')
})

test('no more than the window holds is handed until some of it is confirmed', async () => {
  const { box, sink } = confirming(4000)
  for (let i = 0; i < 10; i++) append(box, `${i}`.padEnd(1600, '.'), i)
  await turn()
  const first = written(sink).replace(/\.{2,}/g, '')
  assert.equal(first, '0[sy.1]1[sy.2]2[sy.3]', 'the mark is passed by the last one only')
  sink.take(sink.writes.length)
  await turn()
  assert.deepEqual([sink.writes.length, box.stanzas], [0, 10])
  box.confirm(1)
  assert.deepEqual([written(sink).replace(/\.{2,}/g, ''), box.delivered], ['3[sy.4]', 1])
})

test('a stanza that two instances died with is handed alone, and nothing follows before it is confirmed', async () => {
  const { box, sink } = confirming(1e6)
  const add = (text: string, deaths: number) => box.append(Buffer.from(text), 0, text.length, 7, deaths)
  for (const [text, deaths] of [
    ['a', 0],
    ['S', 2],
    ['T', 2],
    ['b', 0],
  ] as const)
    add(text, deaths)
  await turn()
  assert.equal(written(sink), 'a')
  box.askToConfirm()
  sink.take(2)
  box.confirm(1)
  assert.equal(written(sink), 'S[sy.2]', 'its barrier comes with it')
  sink.take(2)
  assert.equal(written(sink), '')
  box.confirm(2)
  assert.equal(written(sink), 'T[sy.3]')
  sink.take(2)
  box.confirm(3)
  assert.equal(written(sink), 'b')
})

test('a peer that does not confirm has had what the kernel has taken, and is asked nothing more', async () => {
  const { box, sink } = confirming(10)
  append(box, 'x'.repeat(20), 1)
  append(box, 'y', 2)
  await turn()
  sink.take(1)
  assert.deepEqual([box.delivered, written(sink)], [0, '[sy.1]'])
  sink.take(1)
  box.stopConfirming()
  assert.deepEqual([box.delivered, box.isConfirming], [1, false])
  await turn()
  assert.equal(written(sink), 'y', 'the window keeps nothing back any more')
  box.askToConfirm()
  box.probe()
  sink.take(1)
  assert.deepEqual([box.delivered, written(sink)], [2, ''])
})

test('parting from the socket gives what was not confirmed, in order: first the window, then what was handed', async () => {
  const { box, sink } = confirming(1e6)
  for (const [i, text] of ['a', 'b', 'c'].entries()) append(box, text, i)
  await turn()
  sink.take(1)
  append(box, 'd', 9)
  const sent = box.detach()
  assert.deepEqual([sent.stanzas, box.stanzas, box.isConfirming], [3, 1, false])
  let text = ''
  for (let slab = sent.shift(); slab !== undefined; slab = sent.shift()) text += slab.bytes.toString()
  assert.equal(text, 'abc')
})

test('passed asks for a barrier at once and resolves with its answer, whatever has come since', async () => {
  const { box, sink } = confirming()
  append(box, 'a')
  await turn()
  let isOver = false
  const passed = box.passed(1e6).then(() => {
    isOver = true
  })
  assert.equal(written(sink), 'a[sy.1]')
  sink.take(2)
  append(box, 'b')
  await turn()
  assert.equal(isOver, false)
  box.confirm(1)
  await passed
  assert.equal(box.stanzas, 1)
})

test('a socket that is being ended is handed nothing more, and settling delivers what it had been handed', async () => {
  const { box, sink } = confirming(1e6)
  for (const [i, text] of ['a', 'b'].entries()) append(box, text, i)
  await turn()
  sink.take(1)
  box.stopHanding()
  append(box, 'c', 9)
  box.probe()
  await turn()
  assert.equal(written(sink), 'b')
  box.settle()
  assert.deepEqual([box.delivered, box.stanzas], [2, 1])
  assert.equal(box.take().stanzas, 1)
})

test('a peer owes from its oldest unanswered barrier on', async () => {
  const { box, clock } = confirming()
  clock.now = 50
  box.probe()
  assert.deepEqual([box.owingSince, box.askedAt], [50, 50])
  box.confirm(1)
  assert.equal(box.owingSince, undefined)
})
