import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Count } from '../src/census.ts'
import { DomainCounters } from '../src/counters.ts'
import { Histogram, routeBounds } from '../src/histogram.ts'
import { Recent } from '../src/recent.ts'
import { statsOf } from '../src/stats.ts'

/** A domain with one instance, a clock, and how busy the node was. */
function recent() {
  const clock = { now: 0 }
  const loop = { idle: 0, active: 0 }
  const outbox = { delivered: 0, bytes: 7, window: { stanzas: 1, bytes: 2 } }
  const instance = { name: 'red', state: 'active', stream: { outbox }, requests: { size: 3 }, answerSeconds: undefined }
  const counters = new DomainCounters()
  const config = { upstream: undefined }
  const domain = { name: 'a.test', counters, hold: { stanzas: 4, bytes: 5 }, holders: [undefined, instance], config }
  const count = {
    ...{ domain, instances: [instance], states: {}, link: undefined },
    ...{ waiting: 6, waitingBytes: 8, linkWaiting: { stanzas: 0, bytes: 0 } },
  } as unknown as Count
  const routeSeconds = new Histogram(routeBounds)
  const made = new Recent({ census: () => [count], routeSeconds, now: () => clock.now, loop: () => ({ ...loop }) })
  const pass = (milliseconds: number): void => {
    for (let left = milliseconds; left > 0; left -= 100) {
      clock.now += 100
      made.tick()
    }
  }
  return { recent: made, count, counters, outbox, routeSeconds, loop, pass, instance: count.instances[0]! }
}

test('rates are of the last five to ten seconds: what was before is forgotten', () => {
  const { recent: made, count, counters, outbox, pass, instance } = recent()
  assert.equal(made.rates(count), null)
  pass(5000)
  counters.receivedFromLink += 100
  outbox.delivered += 50
  counters.dropped('loop', 10)
  pass(5000)
  assert.deepEqual(made.rates(count), { received: 20, delivered: 10, forwarded: 0, bounced: 0, dropped: 2 })
  assert.equal(made.deliveredPerSecond(instance), 10)
  pass(5000)
  assert.deepEqual(made.rates(count)?.received, 0)
})

test('latencies are of the same span, and none where nothing was observed', () => {
  const { recent: made, routeSeconds, pass } = recent()
  routeSeconds.observe(0.5)
  pass(5000)
  assert.equal(made.routing?.count, 1)
  pass(5000)
  assert.equal(made.routing, null)
  for (let n = 0; n < 98; n++) routeSeconds.observe(0.00002)
  routeSeconds.observe(0.4)
  routeSeconds.observe(0.4)
  const { count, p50, p99 } = made.routing!
  assert.equal(count, 100)
  assert.ok(p50 > 0.00001 && p50 <= 0.000025, `${p50}`)
  assert.ok(p99 > 0.25 && p99 <= 0.5, `${p99}`)
})

test('the load is the share of that time that the thread was busy', () => {
  const { recent: made, loop, pass } = recent()
  assert.equal(made.load, 0)
  loop.idle += 3000
  loop.active += 1000
  assert.equal(made.load, 0.25)
  pass(5000)
  pass(5000)
  assert.equal(made.load, 0)
})

test('the counts for an event are of every domain and its instances, as far as there is room', () => {
  const { recent: made, count, counters } = recent()
  counters.receivedFromLink = 9
  const { domains, omitted } = statsOf([count], made)
  assert.equal(omitted, 0)
  assert.deepEqual(domains['a.test'], {
    ...{ received: 9, delivered: 0, forwarded: 0, bounced: 0, dropped: 0 },
    ...{ held: { stanzas: 6, bytes: 8 }, hold: { stanzas: 4, bytes: 5 }, window: { stanzas: 1, bytes: 2 } },
    ...{ unassigned: 1, link: null, answers: null },
    instances: {
      red: {
        ...{ state: 'active', delivered: 0, outboxBytes: 7, window: { stanzas: 1, bytes: 2 } },
        ...{ unanswered: 3, answers: null },
      },
    },
  })
  const named = (name: string): Count => ({ ...count, domain: { ...count.domain, name } as Count['domain'] })
  const many = Array.from({ length: 200 }, (_, n) => named(`${n}.test`))
  const bounded = statsOf([named('x'.repeat(300)), ...many], made)
  assert.deepEqual([Object.keys(bounded.domains).length, bounded.omitted], [64, 137])
  assert.ok(JSON.stringify(bounded).length < 48 * 1024)
})
