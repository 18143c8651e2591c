import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamErrorCounters } from '../src/counters.ts'
import type { Link } from '../src/link.ts'
import { LinkEvents } from '../src/link-events.ts'
import { createLog } from '../src/log.ts'
import { Flusher } from '../src/stream/flusher.ts'
import { Outbox } from '../src/stream/outbox.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { ClusterYard } from './stub/cluster-yard.ts'
import { LogBook } from './stub/log-book.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const advert =
  "<message from='test' to='a.test'><privilege xmlns='urn:xmpp:privilege:2'><perm access='message'/></privilege></message>"

function yard() {
  const { routes, router, domain } = new ClusterYard('domains: {a.test: {secret: s}}')
  const told: string[] = []
  const book = new LogBook()
  const streamErrors = new StreamErrorCounters()
  const events = new LinkEvents({
    ...{ routes, streamErrors, router: () => router, log: createLog({ level: 'info', node: 'yard' }, book) },
    retrying: (link, milliseconds) => void told.push(`retry ${link.domain} ${milliseconds}`),
    forgotten: (name) => void told.push(`forgotten ${name}`),
  })
  const link = {
    domain: 'a.test',
    outbox: new Outbox(new Flusher(), 10, 100),
    pause() {},
    resume() {},
  } as unknown as Link
  const read = (of: Link, text: string) =>
    new Reframer(limits).stanzas(Buffer.from(text), (head) => events.linkStanza(of, head))
  return { events, link, told, book, domain, read, streamErrors }
}

test('what a link brings goes to its domain, and to nobody when that is served no more', () => {
  const { link, read, domain } = yard()
  read(link, "<message from='u@x.test' to='a.test' id='1'/>")
  assert.equal(domain.hold.stanzas, 1)
  read({ ...link, domain: 'gone.test' } as Link, "<message from='u@x.test' to='a.test' id='2'/>")
  assert.equal(domain.hold.stanzas, 1)
})

test('a full link pauses whoever sends to it only while it is up', () => {
  const { events, link } = yard()
  let paused = 0
  const source = { pause: () => void paused++, resume: () => void paused-- }
  events.linkUp(link)
  link.outbox.append(Buffer.alloc(50), 0, 50)
  link.outbox.waitForRoom(source)
  assert.equal(paused, 1)
  events.linkDown(link, 'gone')
  assert.equal(paused, 0)
  link.outbox.waitForRoom(source)
  assert.equal(paused, 0)
})

test('what the server has told of its rights is forgotten with the link, here and at the other nodes', () => {
  const { events, link, read, domain, told, book } = yard()
  read(link, advert)
  assert.equal(domain.adverts.all.length, 1)
  events.linkDown(link, 'a\nb')
  assert.deepEqual([domain.adverts.all.length, told], [0, ['forgotten a.test']])
  assert.deepEqual(
    book.all('link-down').map(({ reason }) => reason),
    ['a\\u{a}b'],
  )
})

test('what another node was told, by a link that is gone, holds no more when this one is up', () => {
  const { events, link, domain, told } = yard()
  events.linkUp(link)
  assert.deepEqual(told, [], 'there was nothing to forget')
  domain.adverts.replace([Buffer.from(advert)])
  events.linkUp(link)
  assert.deepEqual([domain.adverts.all.length, told], [0, ['forgotten a.test']])
})

test('a retry is told, with its time', () => {
  const { events, link, told, book } = yard()
  events.linkRetry(link, 'refused', 1260, false)
  assert.deepEqual(told, ['retry a.test 1260'])
  assert.deepEqual(
    book.all('link-retry').map(({ seconds }) => seconds),
    [1.3],
  )
})

test('a link that the server refuses is a warning at once, and once for each reason until it is up', () => {
  const { events, link, book } = yard()
  for (const reason of ['not-authorized', 'not-authorized', 'host-unknown\n'])
    events.linkRetry(link, reason, 30_000, true)
  const refused = () => book.all('link-refused').map(({ reason }) => reason)
  assert.deepEqual(refused(), ['not-authorized', 'host-unknown\\u{a}'])
  events.linkUp(link)
  events.linkDown(link, 'conflict')
  events.linkRetry(link, 'conflict', 30_000, true)
  assert.equal(refused().length, 2, 'link-down has said it')
  events.linkRetry(link, 'not-authorized', 30_000, true)
  assert.equal(refused().length, 3)
})

test('a link that cannot be reached is a warning the third time, and not while a server restarts', () => {
  const { events, link, book } = yard()
  const tries = (reasons: readonly string[]) => {
    for (const reason of reasons) events.linkRetry(link, reason, 1000, false)
    return book.all('link-refused').length
  }
  assert.equal(tries(['no route', 'no route']), 0)
  assert.equal(tries(['no route', 'no route']), 1)
  events.linkUp(link)
  events.linkDown(link, 'closed')
  assert.equal(tries(['closed', 'no route', 'no route']), 1)
  assert.equal(tries(['no route']), 2)
  assert.equal(tries(Array.from({ length: 100 }, (_, index) => `reason ${index}`)), 8, 'and not without end')
})
