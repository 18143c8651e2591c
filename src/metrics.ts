import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { alone, type ClusterMetrics, clusterGauges } from './cluster-metrics.ts'
import {
  type DomainCounters,
  type DropReason,
  dropReasons,
  type InstanceCounts,
  refusalReasons,
  type StreamErrorCounters,
} from './counters.ts'
import type { Histogram } from './histogram.ts'
import { type LinkNumbers, linkMetrics } from './link-metrics.ts'
import type { Delay } from './loop-delay.ts'
import { type WaitingNumbers, waitingGauges } from './waiting-metrics.ts'

/** What the metrics ask of the node. It is read at each scrape, never in between. */
export interface MetricsSource {
  /** The domains that are served now; one that has been removed takes its series along. */
  domains(): Iterable<DomainMetrics>
  readonly streamErrors: StreamErrorCounters
  /** Connections that were closed at once, by reason. */
  refusals?(): Iterable<readonly [reason: string, count: number]>
  readonly routeSeconds: Histogram
  readonly iqSeconds: Histogram
  /** Undefined, or absent, for a node without a cluster. */
  cluster?(): ClusterMetrics | undefined
  /** Null where nothing that is held is to outlive the node. */
  holdStoreUp(): boolean | null
  readonly configReloads: { readonly ok: number; readonly refused: number }
  /** Requests of operators that were refused. */
  adminRefusals?(): Readonly<Record<'token' | 'rate' | 'jid' | 'connections', number>>
  /** 0, 1 or 2: `overload.ts`. */
  overload?(): number
  /** Undefined in the first seconds. */
  loopDelay?(): Delay | undefined
  /** Events that slow readers of /v1/events missed. */
  eventsDropped?(): number
}

export interface DomainMetrics extends WaitingNumbers, LinkNumbers {
  readonly counters: DomainCounters
  /** How many instances are in each state. Give states without an instance as 0, so that their series stay. */
  readonly states: Readonly<Record<string, number>>
  readonly bucketsUnassigned: number
  /** Requests to instances of this node that are unanswered. */
  readonly iqPending: number
  /** The instances that are connected to this node. */
  readonly instances: Iterable<InstanceCounts>
}

/** Takes one sample: its value, then its label values in the order of the metric's labels. */
type Sample = (value: number, ...labelValues: string[]) => void

type MetricSpec = { readonly name: string; readonly help: string } & (
  | {
      readonly type: 'counter' | 'gauge'
      readonly labels: readonly string[]
      readonly read: (source: MetricsSource, sample: Sample) => void
    }
  | { readonly type: 'histogram'; readonly labels: readonly []; readonly read: (source: MetricsSource) => Histogram }
)

/** Every metric of Switchyard's own. Labels hold names of the configuration and words of closed sets, never a JID. */
const metrics: readonly MetricSpec[] = [
  {
    name: 'switchyard_stanzas_received_total',
    type: 'counter',
    labels: ['domain', 'side'],
    help: 'Stanzas read, by where from: instance, link, node (forwarded to this one), self (made by Switchyard), store (held before a restart).',
    read: perDomain(({ name, counters }, sample) => {
      sample(counters.receivedFromInstances, name, 'instance')
      sample(counters.receivedFromLink, name, 'link')
      sample(counters.receivedFromNodes, name, 'node')
      sample(counters.receivedFromSelf, name, 'self')
      sample(counters.receivedFromStore, name, 'store')
    }),
  },
  {
    name: 'switchyard_stanzas_delivered_total',
    type: 'counter',
    labels: ['domain', 'instance'],
    help: 'Stanzas delivered to an instance; "" is the XMPP server or Switchyard itself, "gone" all instances that have left.',
    read: perDomain(({ name, counters, instances }, sample) => {
      sample(counters.deliveredToLink + counters.deliveredToSelf, name, '')
      sample(counters.deliveredToGone, name, 'gone')
      for (const instance of instances) sample(instance.delivered, name, instance.name)
    }),
  },
  {
    name: 'switchyard_stanzas_forwarded_total',
    type: 'counter',
    labels: ['domain'],
    help: 'Stanzas handed to another node.',
    read: perDomain(({ name, counters }, sample) => sample(counters.forwarded, name)),
  },
  {
    name: 'switchyard_stanzas_bounced_total',
    type: 'counter',
    labels: ['domain', 'condition', 'reason'],
    help: 'Stanzas answered with a stanza error, by its condition and by why.',
    read: perDomain(({ name, counters }, sample) => {
      for (const { condition, reason, count } of counters.bounces()) sample(count, name, condition, reason)
    }),
  },
  {
    name: 'switchyard_stanzas_dropped_total',
    type: 'counter',
    labels: ['domain', 'reason'],
    help: 'Stanzas that could not be delivered and must not be answered, by why.',
    read: perDomain(({ name, counters }, sample) => {
      const counts = new Map([...counters.drops()].map(({ reason, count }) => [reason, count]))
      // Each reason from the start: of a series that begins with 1, Prometheus sees no increase.
      for (const reason of Object.keys(dropReasons) as DropReason[]) sample(counts.get(reason) ?? 0, name, reason)
    }),
  },
  ...waitingGauges.map((gauge) => ({ ...gauge, type: 'gauge' as const, read: perDomain(gauge.read) })),
  {
    name: 'switchyard_hold_store_up',
    type: 'gauge',
    labels: ['store'],
    help: '1 while Redis takes what domains with hold.store redis hold, else 0; absent without a cluster.',
    read: (source, sample) => {
      const isUp = source.holdStoreUp()
      if (isUp !== null) sample(isUp ? 1 : 0, 'redis')
    },
  },
  {
    name: 'switchyard_instances',
    type: 'gauge',
    labels: ['domain', 'state'],
    help: 'Instances connected to this node, by state.',
    read: perDomain(({ name, states }, sample) => {
      for (const [state, count] of Object.entries(states)) sample(count, name, state)
    }),
  },
  {
    name: 'switchyard_instances_suspected_total',
    type: 'counter',
    labels: ['domain'],
    help: 'How often an instance of this node became suspect: it is so for ten seconds at most, which a scrape may miss.',
    read: perDomain(({ name, counters }, sample) => sample(counters.suspected, name)),
  },
  {
    name: 'switchyard_buckets_unassigned',
    type: 'gauge',
    labels: ['domain'],
    help: 'Buckets without a holder.',
    read: perDomain(({ name, bucketsUnassigned }, sample) => sample(bucketsUnassigned, name)),
  },
  ...linkMetrics.map((metric) => ({ ...metric, labels: ['domain'], read: perDomain(metric.read) })),
  {
    name: 'switchyard_outbox_bytes',
    type: 'gauge',
    labels: ['domain', 'instance'],
    help: 'Bytes that wait to be accepted by an instance.',
    read: perDomain(({ name, instances }, sample) => {
      for (const instance of instances) sample(instance.outboxBytes, name, instance.name)
    }),
  },
  {
    name: 'switchyard_instance_weight',
    type: 'gauge',
    labels: ['domain', 'instance'],
    help: 'Weight of an instance beside the others, slow start included, for domains that use weights or the like.',
    read: perDomain(({ name, instances }, sample) => {
      for (const one of instances) if (typeof one.weight === 'number') sample(one.weight, name, one.name)
    }),
  },
  {
    name: 'switchyard_iq_pending',
    type: 'gauge',
    labels: ['domain'],
    help: 'Requests (iq get and set) that instances have not answered yet.',
    read: perDomain(({ name, iqPending }, sample) => sample(iqPending, name)),
  },
  {
    name: 'switchyard_iq_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from a request reaching an instance to its answer, in seconds.',
    read: (source) => source.iqSeconds,
  },
  {
    name: 'switchyard_route_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time to route one stanza, in seconds.',
    read: (source) => source.routeSeconds,
  },
  {
    name: 'switchyard_stream_errors_total',
    type: 'counter',
    labels: ['condition'],
    help: 'Stream errors sent or received, by condition (RFC 6120, 4.9.3).',
    read: (source, sample) => {
      for (const { condition, count } of source.streamErrors.entries()) sample(count, condition)
    },
  },
  {
    name: 'switchyard_shaper_pauses_total',
    type: 'counter',
    labels: ['domain'],
    help: 'Times that an instance was not read for a while, as it had sent faster than its shaper lets it.',
    read: perDomain(({ name, counters }, sample) => sample(counters.shaped, name)),
  },
  {
    name: 'switchyard_overload',
    type: 'gauge',
    labels: [],
    help: '0; 1 while no new connections are taken as memory is short (limits.memory_bytes); 2 while sources are read less, too.',
    read: (source, sample) => sample(source.overload?.() ?? 0),
  },
  {
    name: 'switchyard_event_loop_delay_seconds',
    type: 'gauge',
    labels: ['quantile'],
    help: 'How late the node got to what was due, in the last 5 s: half of the time, 99 % of it, and the worst (1).',
    read: (source, sample) => {
      const delay = source.loopDelay?.()
      if (delay === undefined) return
      sample(delay.p50, '0.5')
      sample(delay.p99, '0.99')
      sample(delay.max, '1')
    },
  },
  {
    name: 'switchyard_connections_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: `Connections to listeners that were closed before a stream began, by reason: ${Object.keys(refusalReasons).join(', ')}.`,
    read: (source, sample) => {
      for (const [reason, count] of source.refusals?.() ?? []) sample(count, reason)
    },
  },
  ...clusterGauges.map(({ read, ...gauge }) => ({
    ...gauge,
    type: 'gauge' as const,
    read: (source: MetricsSource, sample: Sample): void => read(source.cluster?.() ?? alone, sample),
  })),
  {
    name: 'switchyard_events_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Events that slow readers of /v1/events missed.',
    read: (source, sample) => sample(source.eventsDropped?.() ?? 0),
  },
  {
    name: 'switchyard_admin_refused_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Requests to change or see something that were refused: token (missing or wrong), rate (too many wrong ones from that address), jid (a command of somebody who is no admin), connections (too many at once, closed).',
    read: (source, sample) => {
      for (const [reason, count] of Object.entries(source.adminRefusals?.() ?? {})) sample(count, reason)
    },
  },
  {
    name: 'switchyard_config_reloads_total',
    type: 'counter',
    labels: ['result'],
    help: 'Reloads of the configuration, by result: ok or refused.',
    read: (source, sample) => {
      sample(source.configReloads.ok, 'ok')
      sample(source.configReloads.refused, 'refused')
    },
  },
]

/** The metrics of one node, with Node's own, in a registry of their own. Make one per process. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #source: MetricsSource

  constructor(source: MetricsSource) {
    this.#source = source
    for (const spec of metrics) publish(spec, source, this.#registry)
    collectDefaultMetrics({ register: this.#registry })
  }

  /** All metrics in Prometheus' text format 0.0.4. */
  async text(): Promise<string> {
    const blocks = [await this.#registry.metrics()]
    for (const spec of metrics) {
      if (spec.type === 'histogram') blocks.push(histogramText(spec.name, spec.help, spec.read(this.#source)))
    }
    return blocks.join('\n')
  }
}

/** The table of metrics as Markdown. */
export function metricsTable(): string {
  const rows = metrics.map(({ name, type, labels, help }) => {
    const labelled = labels.length === 0 ? name : `${name}{${labels.join(',')}}`
    return `| \`${labelled}\` | ${type} | ${help} |`
  })
  return ['| metric | type | meaning |', '|---|---|---|', ...rows].join('\n')
}

function perDomain(read: (domain: DomainMetrics, sample: Sample) => void) {
  return (source: MetricsSource, sample: Sample): void => {
    for (const domain of source.domains()) read(domain, sample)
  }
}

/** Makes the metric anew at each scrape, so that what has left vanishes, and the stanza path adds to plain numbers only. */
function publish(spec: MetricSpec, source: MetricsSource, registry: Registry): void {
  if (spec.type === 'histogram') return
  const { read, labels } = spec
  const settings = { name: spec.name, help: spec.help, labelNames: [...labels], registers: [registry] }
  const metric = spec.type === 'counter' ? new Counter({ ...settings, collect }) : new Gauge({ ...settings, collect })
  function collect(): void {
    metric.reset()
    // Adding, not setting: an instance that is named "gone" shares a series with those that are.
    read(source, (value, ...values) =>
      metric.inc(Object.fromEntries(labels.map((l, i) => [l, values[i] ?? ''])), value),
    )
  }
}

/** prom-client's own histogram cannot be given counts, only observations, at 130 to 240 ns each. */
function histogramText(name: string, help: string, histogram: Histogram): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`]
  let total = 0
  for (const { le, count } of histogram.buckets()) {
    lines.push(`${name}_bucket{le="${le === Number.POSITIVE_INFINITY ? '+Inf' : le}"} ${count}`)
    total = count
  }
  lines.push(`${name}_sum ${histogram.sum}`, `${name}_count ${total}`, '')
  return lines.join('\n')
}
