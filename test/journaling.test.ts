import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainRoutes } from '../src/domain-routes.ts'
import { Journaling } from '../src/journaling.ts'
import type { Keeper } from '../src/past.ts'
import type { Ticket } from '../src/stream/queue.ts'
import { Reframer } from '../src/stream/reframe.ts'
import type { Head } from '../src/xmpp/head.ts'
import { configOf } from './stub/gateway.ts'

const reframer = new Reframer({ stanza_bytes: 1e6, depth: 8, elements: 16, attributes: 8, namespaces: 4 })

/** Writes down what it is given when the test says so, as a store does: all that came before, whoever asks. */
class Book implements Keeper {
  readonly kept: string[] = []
  readonly ticket: Ticket = { retain() {}, release() {} }
  #waiting: (() => void)[] = []

  keep(domain: string, isForServer: boolean, head: Head, since: number): Ticket {
    this.kept.push(`${domain} ${isForServer ? 'out' : 'in'} ${since}: ${head.bytes}`)
    return this.ticket
  }
  whenKept(then: () => void): void {
    this.#waiting.push(then)
  }
  write(): void {
    for (const then of this.#waiting.splice(0)) then()
  }
}

function bench(keeper: Keeper = new Book()) {
  const config = configOf(`
listen: [{port: 0}]
cluster: {redis: 'redis://127.0.0.1'}
domains:
  a.test: {secret: s, delivery: journal}
  b.test: {secret: s, delivery: journal}
  c.test: {secret: s}
`)
  const [a, b, c] = [...config.domains.values()].map((domain) => new DomainRoutes(domain, () => 0))
  /** What has gone on. */
  const gone: string[] = []
  const state: { keeper: Keeper | undefined } = { keeper }
  const journaling = new Journaling({
    keeper: () => state.keeper,
    clock: { now: 9 },
    reroute: (_domain, queue) => reframer.queue(queue, ({ bytes }) => void gone.push(bytes.toString())),
  })
  const write = (domain: DomainRoutes, text: string, since?: number): boolean => {
    let isTaken = false
    reframer.stanzas(Buffer.from(text), (head) => {
      const past = since === undefined ? undefined : { since, deaths: 0 }
      isTaken = journaling.write(domain, head, undefined, past)
    })
    return isTaken
  }
  const keepForServer = (domain: DomainRoutes, text: string): Ticket | undefined => {
    let ticket: Ticket | undefined
    reframer.stanzas(Buffer.from(text), (head) => {
      ticket = journaling.keepForServer(domain, head, 4)
    })
    return ticket
  }
  return { journaling, gone, state, write, keepForServer, a: a!, b: b!, c: c! }
}

test('a stanza goes on when it has been written down, with those that came before it', () => {
  const book = new Book()
  const { write, gone, a } = bench(book)
  assert.equal(write(a, '<message/>'), true)
  assert.equal(write(a, '<presence/>', 3), true)
  assert.deepEqual(book.kept, ['a.test in 9: <message/>', 'a.test in 3: <presence/>'])
  assert.deepEqual(gone, [])
  book.write()
  assert.deepEqual(gone, ['<message/>'], 'the other came when the store had been asked already')
  book.write()
  assert.deepEqual(gone, ['<message/>', '<presence/>'])
  assert.equal(a.unwritten.stanzas, 0)
})

test('each domain goes on by itself, however often it writes', () => {
  const book = new Book()
  const { write, gone, a, b } = bench(book)
  write(a, '<message/>')
  write(b, '<presence/>')
  for (let n = 0; n < 3; n++) write(a, `<iq id='${n}'/>`)
  book.write()
  book.write()
  assert.deepEqual(gone, ['<message/>', '<presence/>', ...[0, 1, 2].map((n) => `<iq id='${n}'/>`)])
})

test('where nothing outlives the node nothing waits', () => {
  const { journaling, write, keepForServer, gone, state, a } = bench()
  state.keeper = undefined
  assert.equal(write(a, '<message/>'), false)
  assert.equal(keepForServer(a, '<message/>'), undefined)
  journaling.whenKept(() => gone.push('answer'))
  assert.deepEqual(gone, ['answer'])
})

test('an answer waits for all that was written down before it, of whatever domain and for whomever', () => {
  const book = new Book()
  const { journaling, write, keepForServer, gone, a, b } = bench(book)
  write(a, '<message/>')
  journaling.whenKept(() => gone.push('one'))
  assert.equal(gone.length, 0)
  book.write()
  assert.equal(gone.join(' '), '<message/> one')
  keepForServer(b, '<presence/>')
  journaling.whenKept(() => gone.push('two'))
  assert.equal(gone.length, 2)
  book.write()
  assert.equal(gone.join(' '), '<message/> one two')
})

test('before anything was ever written down an answer asks nobody', () => {
  const book = new Book()
  const { journaling, gone } = bench(book)
  journaling.whenKept(() => gone.push('answer'))
  assert.deepEqual(gone, ['answer'])
})

test('for a server only what its domain wants to be written down is', () => {
  const book = new Book()
  const { keepForServer, a, c } = bench(book)
  assert.equal(keepForServer(c, '<message/>'), undefined)
  assert.equal(keepForServer(a, '<message/>'), book.ticket)
  assert.deepEqual(book.kept, ['a.test out 4: <message/>'])
})

test('what came last goes on by the next life of the node, when that is the one that writes', () => {
  const [old, next] = [new Book(), new Book()]
  const { write, gone, state, a } = bench(old)
  write(a, '<message/>')
  write(a, '<presence/>')
  state.keeper = next
  old.write()
  assert.deepEqual(gone, ['<message/>'])
  next.write()
  assert.deepEqual(gone, ['<message/>', '<presence/>'])
})
