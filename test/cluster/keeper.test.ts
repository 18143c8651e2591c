import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeEntry } from '../../src/cluster/entry-codec.ts'
import type { Post } from '../../src/cluster/post.ts'
import type { Ticket } from '../../src/stream/queue.ts'
import { Lab, other, send, shop } from './posted.ts'

interface Bench {
  readonly lab: Lab
  readonly post: Post
  /** Keeps a stanza, and retains its ticket. */
  readonly keep: (text: string, isRequest?: boolean) => Ticket
  /** What the node's inbox has, entry by entry. */
  readonly stored: () => readonly string[]
}

async function bench(): Promise<Bench> {
  const lab = new Lab()
  const { post } = lab.node('a')
  await lab.time.pass(10)
  return {
    lab,
    post,
    keep: (text, isRequest = false) => {
      const ticket = post.keep(shop, 1, 0, isRequest, Buffer.from(`(${text})`), 1, 1 + text.length)
      ticket.retain()
      return ticket
    },
    stored: () =>
      lab.store.mails('a').map(({ bytes }) =>
        decodeEntry(bytes)
          .items.map((item) => (item.kind === 'run' ? `${item.stanzas}:${item.bytes}` : item.kind))
          .join(' '),
      ),
  }
}

test('stanzas of one turn are one entry up to a request, which is in another, and each goes when all of it has ended', async () => {
  const { lab, keep, stored } = await bench()
  const [one, two, request, later] = [keep('a'), keep('b'), keep('?', true), keep('c')]
  assert.equal(one, two)
  assert.equal(one.isStored, false)
  await lab.time.pass(50)
  assert.deepEqual(stored(), ['2:ab', '1:?', '1:c'])
  assert.equal(one.isStored, true)
  later.release()
  one.release()
  await lab.time.pass(50)
  assert.deepEqual(stored(), ['2:ab', '1:?'])
  two.release()
  await lab.time.pass(50)
  assert.deepEqual(stored(), ['1:?'])
  request.asked?.()
  request.release()
  await lab.time.pass(50)
  assert.deepEqual(stored(), ['1:?'])
  request.answered?.('key')
  await lab.time.pass(50)
  assert.deepEqual(stored(), [])
})

test('what has ended within its turn is not written, and what ends while it is being written is removed', async () => {
  const { lab, post, keep, stored } = await bench()
  keep('a').release()
  await lab.time.pass(50)
  assert.deepEqual(lab.store.appended, [])
  const ticket = keep('b')
  lab.time.soon(() => ticket.release())
  await lab.time.pass(50)
  assert.deepEqual(lab.store.appended, [1])
  assert.deepEqual(stored(), [])
  assert.equal(post.keptBytes, 0)
})

test('an entry has 512 stanzas, and its ticket holds until the last of them has ended', async () => {
  const { lab, keep, stored } = await bench()
  const tickets = Array.from({ length: 513 }, () => keep('x'))
  await lab.time.pass(50)
  assert.deepEqual(stored(), [`512:${'x'.repeat(512)}`, '1:x'])
  for (const ticket of tickets) ticket.release()
  await lab.time.pass(50)
  assert.deepEqual(stored(), [])
})

test('a stanza that ends while its entry is being made does not end it', async () => {
  const { lab, keep, stored } = await bench()
  keep('a').release()
  const ticket = keep('b')
  await lab.time.pass(50)
  assert.deepEqual(stored(), ['2:ab'])
  ticket.release()
  await lab.time.pass(50)
  assert.deepEqual(stored(), [])
})

test('the node is not handed what it keeps itself', async () => {
  const lab = new Lab()
  const { post, seen } = lab.node('a')
  post.keep(shop, 1, 0, false, Buffer.from('x'), 0, 1).retain()
  await lab.time.pass(2000)
  assert.deepEqual(seen.lines, [])
  assert.equal(lab.store.mails('a').length, 1)
})

test('a store that has forgotten is given again what has not ended, and nothing else', async () => {
  const { lab, post, keep, stored } = await bench()
  const gone = keep('a')
  await lab.time.pass(5)
  const stays = keep('b')
  await lab.time.pass(5)
  gone.release()
  lab.store.forget()
  await lab.time.pass(5000)
  assert.deepEqual(stored(), ['1:b'])
  stays.release()
  await lab.time.pass(100)
  assert.deepEqual(stored(), [])
  assert.equal(post.keptBytes, 0)
})

test('a store that has forgotten after trouble, with another’s entry first, is given again what has not ended', async () => {
  const { lab, keep, stored } = await bench()
  const stays = keep('b')
  await lab.time.pass(50)
  lab.store.isDown = true
  await lab.time.pass(2000)
  lab.store.forget()
  lab.store.isDown = false
  void lab.store.openInbox('a')
  await lab.time.pass(3)
  const b = lab.node('b')
  send(b.post, 'a', 'x', other)
  await lab.time.pass(3000)
  assert.deepEqual(stored(), ['1:b'])
  stays.release()
  await lab.time.pass(100)
  assert.deepEqual(stored(), [])
})

test('what the store did not say it had is removed all the same, every copy of it', async () => {
  const { lab, post, keep, stored } = await bench()
  lab.store.faults = { lost: 0, silent: 0.4, late: 0.2 }
  const tickets = new Map<string, Ticket>()
  for (let n = 0; n < 50; n++) {
    tickets.set(`<${n}>`, keep(`<${n}>`))
    await lab.time.pass(200)
    if (n % 3 > 0) continue
    for (const [text, ticket] of [...tickets].slice(0, 1)) {
      ticket.release()
      tickets.delete(text)
    }
  }
  lab.store.faults = { lost: 0, silent: 0, late: 0 }
  await lab.time.pass(5000)
  assert.ok(stored().length > tickets.size, 'some are there twice')
  for (const text of tickets.keys()) assert.ok(stored().join().includes(text))
  for (const ticket of tickets.values()) ticket.release()
  await lab.time.pass(5000)
  assert.deepEqual(stored(), [])
  assert.equal(post.keptBytes, 0)
})

test('it counts what has not ended, though it is written, until it is removed', async () => {
  const { lab, post, keep } = await bench()
  const tickets = Array.from({ length: 5 }, () => keep('x'.repeat(1024 * 1024)))
  const kept = post.keptBytes
  assert.ok(kept >= 5 * 1024 * 1024 && kept < 5 * 1024 * 1024 + 1000, `${kept}`)
  await lab.time.pass(5000)
  assert.ok(post.keptBytes >= 5 * 1024 * 1024)
  for (const ticket of tickets) ticket.release()
  await lab.time.pass(1000)
  assert.equal(post.keptBytes, 0)
})
