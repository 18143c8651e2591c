import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENTRY_STANZAS } from '../../src/cluster/entry-codec.ts'
import { simulate } from './post-simulation.ts'
import { Lab, other, send, server, shop } from './posted.ts'

/** Of each kind; a failure names its seed. */
const SEEDS = 12
const usual = { milliseconds: 15_000, kept: 0.3, forgets: false, crashes: 0, nodes: 3 }

test('stanzas come as they were sent, with all that goes with them', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  a.post.to('b').run(shop, 1234.5, 2, 3, 2, Buffer.from('<a/><b/>'), () => {})
  await time.pass(10)
  assert.deepEqual(b.seen.runs, [
    { kind: 'run', to: shop, since: 1234.5, deaths: 2, hops: 3, stanzas: 2, bytes: Buffer.from('<a/><b/>') },
  ])
  await time.pass(100)
  assert.deepEqual(store.mails('b'), [])
  assert.deepEqual(store.mails('a'), [])
})

test('bytes that were handed over may be changed at once', async () => {
  const { time, node } = lab()
  const a = node('a')
  const b = node('b')
  const bytes = Buffer.from('<a/>')
  a.post.to('b').run(shop, 1, 0, 0, 1, bytes, () => {})
  bytes.fill(0)
  await time.pass(10)
  assert.deepEqual(b.seen.lines, ['a: <a/> for one'])
})

test('what is handed over in one turn is one entry, and what comes during an append leaves with the next one', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  await time.pass(10)
  for (let n = 0; n < 64; n++) send(a.post, 'b', `${n};`)
  for (let n = 64; n < 200; n++) time.later(() => send(a.post, 'b', `${n};`), (n - 64) / 500)
  await time.pass(20)
  assert.equal(
    b.seen.runs.map(({ bytes }) => `${bytes}`).join(''),
    Array.from({ length: 200 }, (_, n) => `${n};`).join(''),
  )
  assert.ok(b.seen.runs.length <= 5, `${b.seen.runs.length} entries`)
  assert.equal(store.appended[0], 1)
})

test('who may not act writes nothing, into its own inbox neither, and all of it in order when it may again', async () => {
  const { time, node, store } = lab()
  let mayWrite = true
  const a = node('a', () => mayWrite)
  const b = node('b')
  await time.pass(10)
  mayWrite = false
  const bytes = Buffer.from('<k/>')
  const kept = a.post.keep(shop, 1, 0, false, bytes, 0, bytes.length)
  kept.retain()
  send(a.post, 'b', '<a/>')
  await time.pass(3000)
  assert.deepEqual([b.seen.lines, store.mails('a'), kept.isStored], [[], [], false])
  mayWrite = true
  send(a.post, 'b', '<b/>')
  await time.pass(2000)
  assert.deepEqual(b.seen.lines, ['a: <a/> for one', 'a: <b/> for one'])
  assert.deepEqual([store.mails('a').length, kept.isStored], [1, true])
})

test('all that is not stanzas comes, in the order in which it was sent', async () => {
  const { time, node } = lab()
  const a = node('a')
  const b = node('b')
  const mailbox = a.post.to('b')
  send(a.post, 'b', '<a/>')
  mailbox.confirm(server, 7)
  mailbox.answered(shop, 'key')
  mailbox.news('task', '{"id":1}')
  send(a.post, 'b', '<b/>', other)
  await time.pass(10)
  const expected = ['a: <a/> for one', 'a: confirms 7 for shop.example', 'a: key answered for one', 'a: task {"id":1}']
  assert.deepEqual(b.seen.lines, [...expected, 'a: <b/> for two'])
})

test('a barrier is confirmed when all stanzas before it, for its destination, have ended', async () => {
  const { time, node } = lab()
  const a = node('a')
  const b = node('b')
  b.seen.isKeeping = true
  send(a.post, 'b', '<a/>')
  a.post.to('b').barrier(shop, 1)
  send(a.post, 'b', '<b/>')
  send(a.post, 'b', '<x/>', other)
  a.post.to('b').barrier(shop, 2)
  a.post.to('b').barrier(other, 1)
  a.post.to('b').barrier(server, 9)
  await time.pass(50)
  assert.deepEqual(a.seen.lines, ['b: confirms 9 for shop.example'])
  const [first, second, third] = b.seen.tickets
  second?.release()
  await time.pass(50)
  assert.deepEqual(a.seen.lines.slice(1), [])
  first?.release()
  await time.pass(50)
  assert.deepEqual(a.seen.lines.slice(1), ['b: confirms 1 for one', 'b: confirms 2 for one'])
  third?.release()
  await time.pass(50)
  assert.deepEqual(a.seen.lines.slice(3), ['b: confirms 1 for two'])
})

test('an entry stays in the inbox until all its stanzas have ended and its requests are answered', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  b.seen.isKeeping = true
  send(a.post, 'b', '<iq/>')
  send(a.post, 'b', '<x/>', other)
  a.post.to('b').barrier(shop, 1)
  await time.pass(100)
  const [request, stanza] = b.seen.tickets
  assert.equal(request?.isStored, true)
  request?.asked?.()
  request?.release()
  await time.pass(100)
  assert.deepEqual(a.seen.lines, ['b: confirms 1 for one'], 'a request that is not answered holds up nobody')
  stanza?.release()
  await time.pass(100)
  assert.equal(store.mails('b').length, 1)
  request?.answered?.('key')
  await time.pass(100)
  assert.equal(store.mails('b').length, 0)
  assert.deepEqual(a.seen.lines, ['b: confirms 1 for one', 'b: key answered for one'])
})

test('a paused post hands out nothing, and goes on where it was', async () => {
  const { time, node } = lab()
  const a = node('a')
  const b = node('b')
  await time.pass(10)
  b.post.pause()
  for (let n = 0; n < 5; n++) {
    send(a.post, 'b', `${n}`)
    await time.pass(20)
  }
  assert.deepEqual(b.seen.lines, [])
  b.post.resume()
  await time.pass(20)
  assert.deepEqual(
    b.seen.runs.map(({ bytes }) => `${bytes}`),
    ['0', '1', '2', '3', '4'],
  )
})

test('a post that is paused by what it hands out stops there', async () => {
  const { time, node } = lab()
  const a = node('a')
  const b = node('b')
  b.seen.news = (_sender, _topic, text) => {
    b.seen.lines.push(text)
    if (text === '2') b.post.pause()
  }
  await time.pass(10)
  for (let n = 0; n < 5; n++) {
    a.post.to('b').news('t', `${n}`)
    for (let stanza = 0; stanza < ENTRY_STANZAS; stanza++) send(a.post, 'b', '.')
  }
  await time.pass(50)
  assert.equal(b.seen.lines.filter((line) => /^\d/.test(line)).join(''), '012')
  b.post.resume()
  await time.pass(50)
  assert.equal(b.seen.lines.filter((line) => /^\d/.test(line)).join(''), '01234')
})

test('what was handed over is written when the store has it, and not before', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  node('b')
  await time.pass(10)
  assert.equal(a.post.isWritten, true)
  store.isDown = true
  let isWritten = false
  let isAppended = false
  send(a.post, 'b', '<a/>', shop, () => {
    isAppended = true
  })
  a.post.keep(server, 1, 0, false, Buffer.from('<b/>'), 0, 4).retain()
  void a.post.written().then(() => {
    isWritten = true
  })
  await time.pass(5000)
  assert.deepEqual([a.post.isWritten, isWritten, isAppended], [false, false, false])
  store.isDown = false
  await time.pass(2000)
  assert.deepEqual([a.post.isWritten, isWritten, isAppended], [true, true, true])
})

test('written waits for what was handed over before, and not for what comes after', async () => {
  const { time, node } = lab()
  const a = node('a')
  node('b')
  node('c')
  await time.pass(10)
  let written = 0
  const more = (): void => {
    send(a.post, 'b', '.')
    send(a.post, 'c', '.')
    time.later(more, 0.1)
  }
  more()
  for (let n = 0; n < 5; n++) {
    void a.post.written().then(() => written++)
    await time.pass(20)
  }
  assert.equal(written, 5)
  assert.equal(a.post.isWritten, false)
})

test('an inbox that does not exist is written to when it does', async () => {
  const { time, node } = lab()
  const a = node('a')
  let isWritten = false
  send(a.post, 'b', '<a/>', shop, () => {
    isWritten = true
  })
  await time.pass(5000)
  assert.equal(isWritten, false)
  const b = node('b')
  await time.pass(2000)
  assert.equal(isWritten, true)
  assert.deepEqual(b.seen.lines, ['a: <a/> for one'])
})

test('a store that has forgotten is given again what was not taken, and nothing is handed out twice', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  b.seen.isKeeping = true
  send(a.post, 'b', '1')
  await time.pass(100)
  b.post.pause()
  await time.pass(2000)
  for (const text of ['2', '3']) {
    send(a.post, 'b', text)
    await time.pass(20)
  }
  store.forget()
  b.post.resume()
  await time.pass(8000)
  assert.deepEqual(
    b.seen.runs.map(({ bytes }) => `${bytes}`),
    ['1', '2', '3'],
  )
  for (const ticket of b.seen.tickets) ticket.release()
  await time.pass(2000)
  assert.equal(store.mails('b').length, 0)
})

test('what was lost on the way is sent again, though nothing failed', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  await time.pass(100)
  b.post.pause()
  await time.pass(2000)
  for (const text of ['1', '2', '3', '4']) {
    send(a.post, 'b', text)
    await time.pass(20)
  }
  // The reader has the first one already.
  store.lose('b', 1)
  b.post.resume()
  await time.pass(1500)
  assert.deepEqual(
    b.seen.runs.map(({ bytes }) => `${bytes}`),
    ['1', '2', '3', '4'],
  )
  await time.pass(1000)
  assert.equal(store.mails('b').length, 0)
})

test('the last entry is sent again when it was lost, though nothing came after it', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  await time.pass(100)
  b.post.pause()
  await time.pass(2000)
  send(a.post, 'b', '1')
  await time.pass(20)
  send(a.post, 'b', '2')
  await time.pass(20)
  store.lose('b', 1)
  b.post.resume()
  await time.pass(5000)
  assert.deepEqual(
    b.seen.runs.map(({ bytes }) => `${bytes}`),
    ['1', '2'],
  )
})

test('a node that is gone is sent nothing more, and who waits for it is told', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const errors: string[] = []
  const note = (error?: Error | null): void => void errors.push(error?.message ?? 'written')
  a.post.to('b').run(shop, 1, 0, 0, 1, Buffer.from('1'), note)
  await time.pass(100)
  a.post.to('b').run(shop, 1, 0, 0, 1, Buffer.from('2'), note)
  let isWritten = false
  void a.post.written().then(() => {
    isWritten = true
  })
  a.post.forget('b')
  assert.deepEqual(errors, ['the node b is gone', 'the node b is gone'])
  // Sent elsewhere in the same turn: that is waited for, too.
  store.isDown = true
  send(a.post, 'c', '1')
  await time.pass(1000)
  assert.equal(isWritten, false)
  node('c')
  store.isDown = false
  await time.pass(3000)
  assert.equal(isWritten, true)
  a.post.to('b').run(shop, 1, 0, 0, 1, Buffer.from('3'), note)
  await time.pass(10)
  assert.equal(errors.length, 3)
  assert.equal(a.post.to('b').bytes, 0)
})

test('what a node that is gone has sent is handed out, though something before it is missing', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  await time.pass(100)
  b.post.pause()
  await time.pass(2000)
  for (const text of ['1', '2', '3']) {
    send(a.post, 'b', text)
    await time.pass(20)
  }
  a.post.stop()
  store.lose('b', 1)
  b.post.resume()
  await time.pass(3000)
  assert.deepEqual(
    b.seen.runs.map(({ bytes }) => `${bytes}`),
    ['1'],
  )
  b.post.forget('a')
  await time.pass(3000)
  assert.deepEqual(
    b.seen.runs.map(({ bytes }) => `${bytes}`),
    ['1', '3'],
  )
  assert.equal(store.mails('b').length, 0)
})

test('a node removes what it wrote into the inbox of one that is gone, and nothing else', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const c = node('c')
  const b = node('b')
  await time.pass(10)
  b.post.stop()
  for (let n = 0; n < 200; n++) {
    send(a.post, 'b', 'a'.repeat(20_000))
    send(c.post, 'b', `${n}`)
    await time.pass(5)
  }
  assert.ok(store.mails('b').length > 100)
  a.post.forget('b')
  const purged = a.post.purge('b')
  store.faults = { lost: 0.1, silent: 0.1, late: 0 }
  let isPurged = false
  void purged.then(() => {
    isPurged = true
  })
  assert.ok(await time.pass(60_000, () => isPurged))
  const senders = new Set(store.mails('b').map(({ bytes }) => bytes.toString('latin1', 15, 16)))
  assert.deepEqual([...senders], ['c'])
})

test('an entry that cannot be read is told and removed, and what comes after it is handed out', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  await time.pass(10)
  void store.append('b', [Buffer.from('nonsense')])
  send(a.post, 'b', '<a/>')
  await time.pass(100)
  assert.match(b.seen.lines.join('\n'), /unreadable/)
  assert.ok(b.seen.lines.includes('a: <a/> for one'))
  assert.equal(store.mails('b').length, 0)
})

test('it is told when the store cannot be reached, and when it can again', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  await time.pass(10)
  store.isDown = true
  await time.pass(3000)
  assert.deepEqual(a.seen.lines, ['down'])
  store.isDown = false
  await time.pass(3000)
  assert.deepEqual(a.seen.lines, ['down', 'up'])
})

test('closing waits for what is being written, and no longer than it may', async () => {
  const { time, node, store } = lab()
  const a = node('a')
  const b = node('b')
  await time.pass(10)
  send(a.post, 'b', '<a/>')
  let isClosed = false
  void a.post.closed(1000).then(() => {
    isClosed = true
  })
  assert.ok(await time.pass(100, () => isClosed))
  await time.pass(100)
  assert.deepEqual(b.seen.lines, ['a: <a/> for one'])
  store.isDown = true
  send(b.post, 'c', '<a/>')
  isClosed = false
  void b.post.closed(1000).then(() => {
    isClosed = true
  })
  await time.pass(900)
  assert.equal(isClosed, false)
  assert.ok(await time.pass(200, () => isClosed))
})

test('whatever the store loses or does late, each stanza is handed out once, in order, and nothing is left', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { sent, ...outcome } = await simulate({ ...usual, seed })
    assert.ok(sent > 2000)
    assert.deepEqual({ seed, ...outcome }, { seed, again: 0, behind: 0, lost: [], left: [] })
  }
})

test('the same when it forgets, all of it or a part', async () => {
  for (let seed = 101; seed <= 100 + SEEDS; seed++) {
    const { sent, ...outcome } = await simulate({ ...usual, seed, forgets: true })
    assert.ok(sent > 2000)
    assert.deepEqual({ seed, ...outcome }, { seed, again: 0, behind: 0, lost: [], left: [] })
  }
})

test('when two of four nodes crash, nothing that was kept is lost, and what comes for the first time comes in order', async () => {
  for (let seed = 201; seed <= 200 + SEEDS; seed++) {
    const { sent, again, ...outcome } = await simulate({ ...usual, seed, nodes: 4, crashes: 2, kept: 1 })
    assert.ok(sent > 2000)
    assert.ok(again < sent / 4, `${again} of ${sent} were handed out again with seed ${seed}`)
    assert.deepEqual({ seed, ...outcome }, { seed, behind: 0, lost: [], left: [] })
  }
})

function lab(): Pick<Lab, 'time' | 'store'> & { node: Lab['node'] } {
  const made = new Lab()
  return { time: made.time, store: made.store, node: (me, mayWrite) => made.node(me, mayWrite) }
}
