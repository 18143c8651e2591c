import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flusher } from '../../src/stream/flusher.ts'
import { Outbox, type Sink, type Source } from '../../src/stream/outbox.ts'

/** A socket that takes bytes when it is told to. */
class FakeSink implements Sink {
  readonly writableLength = 0
  readonly writes: { readonly text: string; readonly written: (error?: Error | null) => void }[] = []
  corks = 0
  write(bytes: Uint8Array, written: (error?: Error | null) => void): boolean {
    assert.equal(this.corks, 1)
    this.writes.push({ text: Buffer.from(bytes).toString(), written })
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

test('drained resolves when all has left, when the socket is gone, and at once when there is nothing or no time', async () => {
  const [box, sink] = [outbox(), new FakeSink()]
  await box.drained(1e6)
  box.attach(sink)
  append(box, 'a')
  await box.drained(0)
  const written = box.drained(1e6)
  await turn()
  sink.take(1)
  await written
  append(box, 'b')
  const gone = box.drained(1e6)
  box.detach()
  await gone
  await box.drained(1)
})

test('a write that failed delivers nothing', async () => {
  const [box, sink] = [outbox(), new FakeSink()]
  box.attach(sink)
  append(box, 'a')
  await turn()
  sink.writes[0]!.written(new Error('EPIPE'))
  assert.deepEqual([box.delivered, box.stanzas], [0, 1])
})
