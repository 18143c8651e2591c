import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { EventStreams } from '../../src/admin/event-streams.ts'

function streams() {
  const told: number[] = []
  const counted = { dropped: 0 }
  const made = new EventStreams({ dropped: () => void counted.dropped++, told: (missed) => void told.push(missed) })
  return { streams: made, told, counted }
}

const event = (id: number, text = '') => ({ id, name: 'node_joined', time: 't', fields: { name: `yard-${id}${text}` } })
const open = (made: EventStreams) => made.open() ?? assert.fail('refused')
const read = (stream: { read(): unknown }): string => String(stream.read() ?? '')

test('every reader gets every event from when it came, with id, name and data', () => {
  const { streams: made } = streams()
  const early = open(made)
  made.send(event(1))
  const late = open(made)
  made.send(event(2))
  const second = 'id: 2\nevent: node_joined\ndata: {"time":"t","name":"yard-2"}\n\n'
  assert.equal(read(early), `retry: 3000\n\nid: 1\nevent: node_joined\ndata: {"time":"t","name":"yard-1"}\n\n${second}`)
  assert.equal(read(late), `retry: 3000\n\n${second}`)
})

test('a heartbeat is a comment', () => {
  const { streams: made } = streams()
  const stream = open(made)
  read(stream)
  made.beat()
  assert.equal(read(stream), ':\n\n')
})

test('a slow reader misses what does not fit, which is counted, and is told how many; the others miss nothing', () => {
  const { streams: made, told, counted } = streams()
  const slow = open(made)
  const quick = open(made)
  const long = 'x'.repeat(1000)
  let got = 0
  for (let id = 1; id <= 100; id++) {
    made.send(event(id, long))
    got += read(quick).split('event: node_joined').length - 1
  }
  assert.equal(got, 100)
  assert.ok(slow.readableLength <= 64 * 1024)
  const kept = read(slow).split('event: node_joined').length - 1
  assert.ok(kept > 50 && kept < 100)
  assert.equal(counted.dropped, 100 - kept)
  assert.deepEqual(told, [])
  made.send(event(101))
  assert.equal(
    read(slow),
    `event: dropped\ndata: {"count":${100 - kept}}\n\nid: 101\nevent: node_joined\ndata: {"time":"t","name":"yard-101"}\n\n`,
  )
  assert.deepEqual(told, [100 - kept])
  made.send(event(102))
  assert.doesNotMatch(read(slow), /dropped/)
})

test('a reader that is gone makes room for another; of too many the last is refused', async () => {
  const { streams: made } = streams()
  const all = Array.from({ length: 16 }, () => open(made))
  assert.equal(made.open(), undefined)
  const [first] = all
  first?.destroy()
  await once(first ?? assert.fail(), 'close')
  assert.equal(made.size, 15)
  open(made)
})

test('when it closes every stream ends in order', async () => {
  const { streams: made } = streams()
  const stream = open(made)
  made.send(event(1))
  made.close()
  let text = ''
  for await (const chunk of stream) text += chunk
  assert.match(text, /yard-1/)
  assert.equal(made.size, 0)
})
