import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainRoutes } from '../src/domain-routes.ts'
import { Instance } from '../src/instance.ts'
import { createLog } from '../src/log.ts'
import type { Redelivery } from '../src/redelivery.ts'
import { LocalRegistry } from '../src/registry.ts'
import type { Router } from '../src/router.ts'
import { Shares } from '../src/shares.ts'
import { Flusher } from '../src/stream/flusher.ts'
import { Outbox } from '../src/stream/outbox.ts'
import type { StanzaQueue } from '../src/stream/queue.ts'
import type { Stream } from '../src/stream/stream.ts'
import { Head } from '../src/xmpp/head.ts'
import { configOf } from './e2e/node.ts'
import { LogBook } from './stub/log-book.ts'

const owner = { opened() {}, fromInstance() {}, footer() {}, left() {} }

function yard() {
  const config = configOf(`
listen: [{port: 0}]
domains: {a.test: {secret: s}}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
`)
  const domain = new DomainRoutes(config.domains.get('a.test')!, () => 0)
  const told: string[] = []
  const router = {
    reroute: (_: DomainRoutes, queue: StanzaQueue) => void told.push(`rerouted ${queue.shift()?.bytes}`),
  } as unknown as Router
  const book = new LogBook()
  const log = createLog({ level: 'info', node: 'yard' }, book)
  const shares = new Shares({ router, redelivery: {} as Redelivery, log })
  const registry = new LocalRegistry({
    ...{ shares, router, log },
    seated: (_, { name, bucket }) => void told.push(`seated ${name} in ${bucket}`),
  })
  const join = (name: string): Instance => {
    const stream = {
      outbox: new Outbox(new Flusher(), 1000, 1000),
      close: (condition: string) => void told.push(`closed ${name}: ${condition}`),
    } as unknown as Stream
    const instance = new Instance(owner, domain, stream, { name, route: name }, 0)
    registry.join(domain, instance)
    return instance
  }
  return { domain, told, registry, join, book }
}

function hold(domain: DomainRoutes, place: number, text: string): void {
  const head = new Head()
  head.buffer = Buffer.from(text)
  head.start = 0
  head.end = text.length
  domain.hold.add(place, head, 0)
}

test('an instance has its place at once, and another inherits what it leaves', () => {
  const { told, registry, join, domain, book } = yard()
  const red = join('red')
  join('blue')
  const spare = join('spare')
  assert.deepEqual(told, ['seated red in 0', 'seated blue in 1', 'seated spare in undefined'])
  registry.leave(domain, red)
  assert.equal(spare.bucket, 0)
  registry.leave(domain, spare)
  assert.deepEqual(
    [...book.all('bucket-moved'), ...book.all('bucket-unassigned')].map(({ bucket, from, to }) => [bucket, from, to]),
    [
      [0, 'red', 'spare'],
      [0, 'spare', undefined],
    ],
  )
})

test('a second stream under a name has the bucket, what waits for its place goes on, and the first is closed', () => {
  const { told, join, domain } = yard()
  const red = join('red')
  domain.keepBack(red)
  hold(domain, 0, 'waits')
  told.length = 0
  const second = join('red')
  assert.deepEqual([domain.members.get('red'), second.bucket, red.isLeaving], [second, 0, true])
  assert.deepEqual(told, ['closed red: conflict', 'rerouted waits', 'seated red in 0'])
})

test('a suspect spare inherits nothing until it answers again, and then takes what is free', () => {
  const { registry, join, domain } = yard()
  const red = join('red')
  join('blue')
  const spare = join('spare')
  registry.sideline(domain, spare)
  registry.leave(domain, red)
  assert.equal(spare.bucket, undefined)
  hold(domain, 0, 'waits')
  registry.reinstate(domain, spare)
  assert.equal(spare.bucket, 0)
  assert.deepEqual([domain.hold.stanzas], [0])
})
