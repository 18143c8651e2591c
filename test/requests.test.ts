import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MOST_REQUEST_BYTES, MOST_REQUESTS, Requests } from '../src/requests.ts'
import { Reframer } from '../src/stream/reframe.ts'
import type { Envelope } from '../src/xmpp/stanza-error.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }

function envelope(id: string, from = 'u@x.test/r', to = 'a.test'): Envelope {
  return { name: 'iq', from, to, id }
}

/** Answers, and says when the request that it answers was given. */
function answer(requests: Requests, id: string, to = 'u@x.test/r', from = 'a.test'): number | undefined {
  let since: number | undefined
  new Reframer(limits).stanzas(Buffer.from(`<iq type='result' id='${id}' from='${from}' to='${to}'/>`), (head) => {
    since = requests.answer(head)?.since
  })
  return since
}

test('a reply answers the request of the same requester, asked and id, once', () => {
  const requests = new Requests()
  requests.add(envelope('1'), 10)
  requests.add(envelope('1', 'v@x.test'), 20)
  requests.add(envelope('1', 'v@x.test', 'room@a.test'), 30)
  assert.equal(requests.size, 3)
  assert.equal(answer(requests, '2'), undefined)
  assert.equal(answer(requests, '1', 'v@x.test'), 20)
  assert.equal(answer(requests, '1', 'v@x.test'), undefined)
  assert.equal(answer(requests, '1', 'v@x.test', 'room@a.test'), 30)
  assert.equal(answer(requests, '1'), 10)
})

test('a reply answers also when it writes an address or an id in another way', () => {
  const requests = new Requests()
  requests.add(envelope('it&apos;s', 'U@X.test/r', 'Room@A.test'), 10)
  const since: (number | undefined)[] = []
  const reply = `<iq type='result' id="it's" from='room@a.test' to='u@x.test/r'/>`
  new Reframer(limits).stanzas(Buffer.from(reply), (head) => since.push(requests.answer(head)?.since))
  assert.deepEqual(since, [10])
})

test('requests are taken in order of age, and only the old ones', () => {
  const requests = new Requests()
  requests.add(envelope('1'), 10)
  requests.add(envelope('2'), 20)
  requests.add(envelope('1'), 30, Buffer.from('again'))
  assert.equal(requests.takeOlderThan(20), undefined)
  assert.equal(requests.takeOlderThan(21)?.envelope.id, '2')
  assert.equal(requests.takeOlderThan(21), undefined, 'what was asked again is young again')
  assert.deepEqual(
    [...requests.takeAll()].map(({ envelope, bytes }) => [envelope.id, bytes?.toString()]),
    [['1', 'again']],
  )
  assert.equal(requests.size, 0)
})

test('a request that goes elsewhere is forgotten', () => {
  const requests = new Requests()
  requests.add(envelope('1'), 10)
  requests.forget(envelope('1'))
  assert.equal(requests.size, 0)
})

test('an instance is given so many requests and no more', () => {
  const requests = new Requests()
  for (let i = 0; i < MOST_REQUESTS - 1; i++) requests.add(envelope(`${i}`), i)
  assert.equal(requests.isFull, false)
  requests.add(envelope('last'), 0)
  assert.equal(requests.isFull, true)
})

test('an instance is given requests of so many bytes and no more, until it has answered some', () => {
  const requests = new Requests()
  const half = Buffer.alloc(MOST_REQUEST_BYTES / 2)
  requests.add(envelope('1'), 1, half)
  requests.add(envelope('1'), 2, half)
  assert.equal(requests.isFull, false, 'what is asked again weighs once')
  requests.add(envelope('2'), 3, half)
  assert.equal(requests.isFull, true)
  assert.equal(answer(requests, '1'), 2)
  assert.equal(requests.isFull, false)
  requests.forget(envelope('2'))
  requests.add(envelope('x'.repeat(MOST_REQUEST_BYTES)), 4)
  assert.equal(requests.isFull, true)
})

test('whoever passed a request on is told when it is over with it here, but not when it goes elsewhere', () => {
  const requests = new Requests()
  const told: string[] = []
  const ticket = {
    retain() {},
    release() {},
    asked: () => void told.push('asked'),
    unasked: () => void told.push('unasked'),
    answered: (key: string) => void told.push(`answered ${key.replaceAll('\n', ' ')}`),
  }
  requests.add(envelope('1'), 1, undefined, ticket)
  requests.add(envelope('1'), 2, undefined, ticket)
  assert.deepEqual(told.splice(0), ['asked', 'unasked', 'asked'], 'what is asked again is asked once')
  assert.equal(requests.forget(envelope('1')), true)
  assert.deepEqual(told.splice(0), ['unasked'])
  requests.add(envelope('2'), 3, undefined, ticket)
  requests.add(envelope('3'), 4, undefined, ticket)
  told.length = 0
  answer(requests, '2')
  requests.takeOlderThan(5)
  assert.deepEqual(told.splice(0), ['answered u@x.test/r a.test 2', 'answered u@x.test/r a.test 3'])
})

test('a request that another node says is answered waits for nothing more', () => {
  const requests = new Requests()
  requests.add(envelope('1'), 1)
  requests.answeredElsewhere('u@x.test/r\na.test\n2')
  assert.equal(requests.size, 1)
  requests.answeredElsewhere('u@x.test/r\na.test\n1')
  assert.equal(requests.size, 0)
})

test('one request is timed at a time, until its answer, or its end', () => {
  const requests = new Requests()
  requests.add(envelope('1'), 10, undefined, undefined, 10.5)
  assert.equal(requests.isTiming, true)
  requests.add(envelope('2'), 10)
  assert.equal(requests.forget(envelope('2')), true)
  assert.equal(requests.isTiming, true)
  requests.forget(envelope('1'))
  assert.equal(requests.isTiming, false)
})
