import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { DomainCounters, StreamErrorCounters } from '../src/counters.ts'
import { Histogram } from '../src/histogram.ts'
import { type DomainMetrics, Metrics, type MetricsSource, metricsTable } from '../src/metrics.ts'

type Open<T> = { -readonly [K in keyof T]: T[K] }

function domain(name: string, changes: Partial<DomainMetrics> = {}): Open<DomainMetrics> {
  const counters = new DomainCounters()
  const states = { live: 0, stalled: 0 }
  return {
    ...{ name, counters, held: 0, holdBytes: 0, holdLimit: 0, holdUnsaved: null, windows: [], states },
    ...{ bucketsUnassigned: 0, linkUp: null, linkWanted: false, iqPending: 0, instances: [] },
    ...changes,
  }
}

function source(domains: DomainMetrics[]): Open<MetricsSource> {
  return {
    domains: () => domains,
    streamErrors: new StreamErrorCounters(),
    routeSeconds: new Histogram([0.25, 1]),
    iqSeconds: new Histogram([1]),
    holdStoreUp: () => null,
    configReloads: { ok: 0, refused: 0 },
  }
}

/** The samples of Switchyard's own metrics, by what stands before the value. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const samples = new Map<string, number>()
  for (const line of (await metrics.text()).split('\n')) {
    if (!line.startsWith('switchyard_')) continue
    const end = line.lastIndexOf(' ')
    assert.ok(!samples.has(line.slice(0, end)), `twice: ${line}`)
    samples.set(line.slice(0, end), Number(line.slice(end + 1)))
  }
  return samples
}

/** The sum of all samples that start so. */
function sum(samples: Map<string, number>, prefix: string): number {
  let total = 0
  for (const [name, value] of samples) if (name.startsWith(prefix)) total += value
  return total
}

test('every number of a domain is published under its labels', async () => {
  const echo = domain('echo.localhost', {
    held: 2,
    states: { live: 2, stalled: 1 },
    bucketsUnassigned: 1,
    linkUp: true,
    linkWanted: true,
    iqPending: 7,
    holdBytes: 900,
    holdLimit: 1000,
    windows: [{ name: 'yard/1', bytes: 300 }],
    instances: [
      { name: 'yard/1', delivered: 40, outboxBytes: 512, weight: 1.5 },
      { name: 'canary', delivered: 0, outboxBytes: 0, weight: null },
    ],
  })
  echo.counters.receivedFromLink = 60
  echo.counters.deliveredToLink = 3
  echo.counters.deliveredToSelf = 1
  echo.counters.deliveredToGone = 5
  echo.counters.forwarded = 6
  echo.counters.suspected = 2
  echo.counters.linksUnread = 4
  echo.counters.bounced('recipient-unavailable', 'unassigned')
  echo.counters.dropped('error_bounce')
  const samples = await scrape(new Metrics(source([echo])))
  const at = (metric: string, labels = '') => samples.get(`switchyard_${metric}{domain="echo.localhost"${labels}}`)
  assert.equal(at('stanzas_received_total', ',side="link"'), 60)
  assert.equal(at('stanzas_received_total', ',side="instance"'), 0)
  assert.equal(at('stanzas_delivered_total', ',instance=""'), 4)
  assert.equal(at('stanzas_delivered_total', ',instance="gone"'), 5)
  assert.equal(at('stanzas_delivered_total', ',instance="yard/1"'), 40)
  assert.deepEqual(
    [at('instance_weight', ',instance="yard/1"'), at('instance_weight', ',instance="canary"')],
    [1.5, undefined],
  )
  assert.equal(at('stanzas_forwarded_total'), 6)
  assert.equal(at('stanzas_bounced_total', ',condition="recipient-unavailable",reason="unassigned"'), 1)
  assert.equal(at('stanzas_dropped_total', ',reason="error_bounce"'), 1)
  assert.equal(at('stanzas_dropped_total', ',reason="loop"'), 0)
  assert.equal(at('stanzas_held'), 2)
  assert.equal(at('hold_bytes'), 900)
  assert.equal(at('hold_limit_bytes'), 1000)
  assert.equal(at('window_bytes', ',instance="yard/1"'), 300)
  assert.equal(at('instances_suspected_total'), 2)
  assert.equal(at('instances', ',state="live"'), 2)
  assert.equal(at('instances', ',state="stalled"'), 1)
  assert.equal(at('buckets_unassigned'), 1)
  assert.equal(at('link_up'), 1)
  assert.equal(at('link_wanted'), 1)
  assert.equal(at('links_unread_total'), 4)
  assert.equal(at('iq_pending'), 7)
  assert.equal(at('outbox_bytes', ',instance="yard/1"'), 512)
})

test('received = delivered + forwarded + bounced + dropped + held can be read off one scrape', async () => {
  const one = domain('a.localhost', { held: 3, instances: [{ name: 'blue', delivered: 10, outboxBytes: 0 }] })
  one.counters.receivedFromInstances = 4
  one.counters.receivedFromLink = 14
  one.counters.receivedFromNodes = 2
  one.counters.receivedFromSelf = 1
  one.counters.receivedFromStore = 1
  one.counters.deliveredToLink = 2
  one.counters.deliveredToSelf = 1
  one.counters.deliveredToGone = 2
  one.counters.forwarded = 1
  one.counters.bounced('recipient-unavailable', 'hold_full')
  one.counters.dropped('loop')
  one.counters.dropped('foreign_reply')
  assert.equal(one.counters.receivedTotal, 22)
  const samples = await scrape(new Metrics(source([one])))
  const ends = ['delivered_total', 'forwarded_total', 'bounced_total', 'dropped_total', 'held']
  const ended = ends.reduce((total, end) => total + sum(samples, `switchyard_stanzas_${end}`), 0)
  assert.equal(ended, sum(samples, 'switchyard_stanzas_received_total'))
})

test('a scrape reads the numbers of its moment, and counts nothing twice', async () => {
  const one = domain('a.localhost')
  const from = source([one])
  const metrics = new Metrics(from)
  const forwarded = async () => (await scrape(metrics)).get('switchyard_stanzas_forwarded_total{domain="a.localhost"}')
  one.counters.forwarded = 5
  assert.equal(await forwarded(), 5)
  assert.equal(await forwarded(), 5)
  one.counters.forwarded = 6
  assert.equal(await forwarded(), 6)
})

test('the series of an instance that left vanish, and what it was delivered stays in the sum of its domain', async () => {
  const one = domain('a.localhost', { instances: [{ name: 'blue', delivered: 9, outboxBytes: 77 }] })
  const metrics = new Metrics(source([one]))
  assert.equal(sum(await scrape(metrics), 'switchyard_stanzas_delivered_total'), 9)
  one.instances = []
  one.counters.deliveredToGone = 9
  const samples = await scrape(metrics)
  assert.equal(sum(samples, 'switchyard_stanzas_delivered_total'), 9)
  assert.deepEqual(
    [...samples.keys()].filter((name) => name.includes('blue')),
    [],
  )
})

test('an instance that is named "gone" adds to the series of those that are', async () => {
  const one = domain('a.localhost', { instances: [{ name: 'gone', delivered: 2, outboxBytes: 0 }] })
  one.counters.deliveredToGone = 3
  const samples = await scrape(new Metrics(source([one])))
  assert.equal(samples.get('switchyard_stanzas_delivered_total{domain="a.localhost",instance="gone"}'), 5)
})

test('the series of a domain that was removed vanish', async () => {
  const domains = [domain('a.localhost', { linkUp: true }), domain('b.localhost', { linkUp: false })]
  const metrics = new Metrics(source(domains))
  assert.equal((await scrape(metrics)).get('switchyard_link_up{domain="b.localhost"}'), 0)
  domains.pop()
  assert.deepEqual(
    [...(await scrape(metrics)).keys()].filter((name) => name.includes('b.localhost')),
    [],
  )
})

test('a domain without upstream has no link to be up or down', async () => {
  const samples = await scrape(new Metrics(source([domain('a.localhost')])))
  assert.equal(samples.has('switchyard_link_up{domain="a.localhost"}'), false)
})

test('a store of holds, and what it does not have yet, is published where there is one', async () => {
  const from = source([domain('a.localhost'), domain('b.localhost', { held: 5, holdUnsaved: 2 })])
  const names = async () =>
    [...(await scrape(new Metrics(from))).keys()].filter((name) => /_hold_(?:unsaved|store)/.test(name))
  assert.deepEqual(await names(), ['switchyard_hold_unsaved{domain="b.localhost"}'])
  from.holdStoreUp = () => false
  const samples = await scrape(new Metrics(from))
  assert.equal(samples.get('switchyard_hold_unsaved{domain="b.localhost"}'), 2)
  assert.equal(samples.get('switchyard_hold_store_up{store="redis"}'), 0)
})

test('what belongs to the whole node has no domain', async () => {
  const from = source([])
  from.cluster = () => ({ nodes: 3, isUp: false, isSenior: true, isHeld: true, epoch: 1, inboxes: [] })
  from.configReloads = { ok: 2, refused: 1 }
  from.streamErrors.count('conflict')
  const samples = await scrape(new Metrics(from))
  assert.equal(samples.get('switchyard_cluster_nodes'), 3)
  assert.equal(samples.get('switchyard_cluster_up'), 0)
  assert.equal(samples.get('switchyard_config_reloads_total{result="ok"}'), 2)
  assert.equal(samples.get('switchyard_config_reloads_total{result="refused"}'), 1)
  assert.equal(samples.get('switchyard_stream_errors_total{condition="conflict"}'), 1)
})

test('histograms are cumulative and end with +Inf, sum and count', async () => {
  const from = source([])
  for (const seconds of [0.125, 0.5, 2]) from.routeSeconds.observe(seconds)
  const text = await new Metrics(from).text()
  const block = [
    '# TYPE switchyard_route_seconds histogram',
    'switchyard_route_seconds_bucket{le="0.25"} 1',
    'switchyard_route_seconds_bucket{le="1"} 2',
    'switchyard_route_seconds_bucket{le="+Inf"} 3',
    'switchyard_route_seconds_sum 2.625',
    'switchyard_route_seconds_count 3',
  ]
  assert.ok(text.includes(`${block.join('\n')}\n`), text)
  assert.ok(text.includes('switchyard_iq_seconds_count 0\n'))
})

test("Node's own metrics are there, and two sets of metrics do not meet", async () => {
  const [one, other] = [new Metrics(source([domain('a.localhost')])), new Metrics(source([]))]
  assert.match(await one.text(), /^nodejs_eventloop_lag_seconds /m)
  assert.match(await other.text(), /^process_resident_memory_bytes /m)
  assert.doesNotMatch(await other.text(), /a\.localhost/)
})

test('every metric of the table is announced with its type, and none is missing from the table', async () => {
  const text = await new Metrics(source([])).text()
  const announced = [...text.matchAll(/^# TYPE (switchyard_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
  const listed = [...metricsTable().matchAll(/^\| `(\w+)[^`]*` \| (\w+) \|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  )
  assert.equal(listed.length, 36)
  assert.deepEqual(announced.sort(), listed.sort())
})

test('the table in dashboards/README.md is the one that the code gives', async () => {
  const readme = await readFile(new URL('../dashboards/README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(`\n${metricsTable()}\n`))
})

test('a node without a cluster is its senior and always held; one with a cluster says how it stands', async () => {
  const of = (samples: Map<string, number>) =>
    ['senior', 'held', 'epoch'].map((name) => samples.get(`switchyard_cluster_${name}`))
  const alone = await scrape(new Metrics(source([])))
  assert.deepEqual(of(alone), [1, 1, 0])
  assert.ok(![...alone.keys()].some((key) => key.startsWith('switchyard_inbox_bytes')))
  const inboxes = [
    { node: 'yard-2', bytes: 512 },
    { node: 'yard-3', bytes: 0 },
  ]
  const cluster = () => ({ nodes: 3, isUp: true, isSenior: false, isHeld: false, epoch: 42, inboxes })
  const samples = await scrape(new Metrics({ ...source([]), cluster, eventsDropped: () => 3 }))
  assert.deepEqual(of(samples), [0, 0, 42])
  assert.equal(samples.get('switchyard_inbox_bytes{node="yard-2"}'), 512)
  assert.equal(samples.get('switchyard_inbox_bytes{node="yard-3"}'), 0)
  assert.equal(samples.get('switchyard_events_dropped_total'), 3)
})
