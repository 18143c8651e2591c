import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deliveryOfAll, MOST_HOPS, presentTaker } from '../src/passed-on.ts'
import type { Past } from '../src/past.ts'
import { LocalRegistry } from '../src/registry.ts'
import type { Ticket } from '../src/stream/queue.ts'
import { InnerNode } from './stub/inner-node.ts'

function bench() {
  const node: InnerNode = new InnerNode('domains: {a.test: {secret: s}}', {
    clock: { now: 50 },
    registry: () => registry,
    keeper: () => undefined,
  })
  const { router, shares, log } = node
  const registry = new LocalRegistry({ shares, router, log, seated: () => {} })
  return { node, domain: node.domain, red: node.join('red') }
}
const ticket = (fields: Partial<Ticket> = {}): Ticket => ({ hops: 0, retain() {}, release() {}, ...fields })
const past = (fields: Partial<Past> = {}): Past => ({ since: 20, deaths: 0, ticket: ticket(), ...fields })
const messages = (...ids: string[]): Buffer =>
  Buffer.from(ids.map((id) => `<message from='u@x.test' to='a.test' id='${id}'/>`).join(''))

test('all messages at once are for an instance that is here, be it not seated yet; not for one that is drained or gone', () => {
  const { domain, red } = bench()
  assert.ok(deliveryOfAll(domain, 'red', past()))
  domain.leave(red)
  assert.equal(deliveryOfAll(domain, 'red', past()), undefined)
  domain.joining.set('red', red)
  assert.ok(deliveryOfAll(domain, 'red', past()))
  red.state = 'draining'
  assert.equal(presentTaker(domain, 'red'), undefined)
  assert.equal(deliveryOfAll(domain, 'red', past()), undefined)
  assert.equal(deliveryOfAll(domain, undefined, past()), undefined, 'what is for a server')
})

test('each is looked at where something is held, where instances have died, and where it goes round in a circle', () => {
  const { node, domain } = bench()
  assert.ok(deliveryOfAll(domain, 'red', past({ deaths: 1 })))
  assert.equal(deliveryOfAll(domain, 'red', past({ deaths: 2 })), undefined)
  assert.ok(deliveryOfAll(domain, 'red', past({ ticket: ticket({ hops: MOST_HOPS }) })))
  assert.equal(deliveryOfAll(domain, 'red', past({ ticket: ticket({ hops: MOST_HOPS + 1 }) })), undefined)
  assert.equal(deliveryOfAll(domain, 'red', past({ ticket: undefined })), undefined)
  node.reframer.stanzas(messages('1'), (head) => void domain.hold.add(3, head, 0))
  assert.equal(deliveryOfAll(domain, 'red', past()), undefined)
})

test('all are delivered as they came, with their ticket and their time, and are counted', async () => {
  const { node, domain, red } = bench()
  let carriers = 0
  const carried = ticket({ retain: () => void carriers++, release: () => void carriers-- })
  const bytes = messages('1', '2', '3')
  node.reframer.stanzas(bytes.subarray(0, bytes.length / 3), (head) => {
    head.buffer = bytes
    head.end = bytes.length
    deliveryOfAll(domain, 'red', past({ since: 7, ticket: carried }))?.(head, 3)
  })
  assert.deepEqual([carriers, red.stream.outbox.stanzas, domain.counters.receivedFromNodes], [1, 3, 3])
  assert.deepEqual(await node.received('red'), ['1', '2', '3'])
  assert.equal(carriers, 0)
})
