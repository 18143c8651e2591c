import type { Static, TSchema } from '@sinclair/typebox'
import { Type } from '../../config/type.ts'

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const count = () => Type.Integer({ minimum: 0 })
const time = () => Type.String({ format: 'date-time', description: 'ISO 8601, UTC' })

export const CountersView = Type.Object({
  received: Type.Object({ instance: count(), link: count(), node: count(), self: count(), store: count() }),
  delivered: Type.Object({
    instances: Type.Integer({ minimum: 0, description: 'to those connected now' }),
    gone: Type.Integer({ minimum: 0, description: 'to those that have left' }),
    link: count(),
    self: count(),
  }),
  forwarded: count(),
  bounced: Type.Array(Type.Object({ condition: Type.String(), reason: Type.String(), count: count() })),
  dropped: Type.Array(Type.Object({ reason: Type.String(), count: count() })),
})
export type CountersView = Static<typeof CountersView>

const names = (description: string) => Type.Array(Type.String(), { description })
const waiting = (description: string) => Type.Object({ stanzas: count(), bytes: count() }, { description })
const seconds = (description: string) => Type.Number({ minimum: 0, description })

export const LatencyView = Type.Object(
  {
    count: Type.Integer({ minimum: 0, description: 'observations; the rest is about these' }),
    p50: seconds('seconds that half of them were within'),
    p95: seconds('seconds that 95 of 100 were within'),
    p99: seconds('seconds that 99 of 100 were within'),
  },
  { description: 'of the last 5 to 10 s' },
)
export type LatencyView = Static<typeof LatencyView>

const rate = () => Type.Number({ minimum: 0 })
export const RatesView = Type.Object(
  { received: rate(), delivered: rate(), forwarded: rate(), bounced: rate(), dropped: rate() },
  { description: 'stanzas per second, over the last 5 to 10 s' },
)
export type RatesView = Static<typeof RatesView>

export const InstanceView = Type.Object({
  name: Type.String(),
  state: Type.String({ description: 'joining, active, spare, stalled, suspect, draining or unconfirmed' }),
  node: Type.String({
    description: 'the node that it is connected to; what follows is what the node that answers knows',
  }),
  bucket: nullable(count()),
  spare: Type.Boolean(),
  weight: nullable(
    Type.Number({ description: 'beside the others, slow start included; null where it decides nothing' }),
  ),
  remote: Type.String({ description: 'address and port' }),
  connectedSince: time(),
  delivered: count(),
  deliveredPerSecond: nullable(rate()),
  outboxBytes: Type.Integer({ minimum: 0, description: 'that its socket has not taken' }),
  window: waiting('what it was sent and has not confirmed'),
  owingSeconds: nullable(seconds('for how long it has owed an answer to a ping')),
  confirmSeconds: nullable(seconds('what it takes to confirm what it was sent: a mean of the last times')),
  unanswered: Type.Integer({ minimum: 0, description: 'requests that it has not answered yet' }),
  answers: nullable(LatencyView),
})
export type InstanceView = Static<typeof InstanceView>

export const QuarantinedView = Type.Object({
  since: time(),
  kind: Type.String({ description: 'iq, message or presence' }),
  type: nullable(Type.String()),
  bytes: count(),
})
export type QuarantinedView = Static<typeof QuarantinedView>

const held = () => waiting('what waits at this node for an instance to take it')
const last = () =>
  nullable(Type.String({ description: 'its holder or, of a free one, the last that it had; null: not known' }))

const domainFields = {
  name: Type.String(),
  balancing: nullable(
    Type.Object({
      type: Type.String({ description: 'the criterion' }),
      component_number: nullable(Type.Integer()),
      hash: nullable(
        Type.String({
          description: 'how a key becomes a number: murmur3 or erlang_phash2; null at random, without keys',
        }),
      ),
    }),
  ),
  canary: nullable(Type.Object({ instance: Type.String(), percent: Type.Number() })),
  balanceFactor: nullable(Type.Integer({ description: 'percent of a fair share' })),
  hotKeys: Type.Integer({ minimum: 0, description: 'how many keys the configuration calls heavy' }),
  slowStartSeconds: Type.Number(),
  whenUnassigned: Type.Union([Type.Literal('bounce'), Type.Literal('hold'), Type.Literal('spill')]),
  delivery: Type.String({ description: 'at_least_once, at_most_once or journal' }),
  instances: Type.Record(Type.String(), count(), { description: 'how many of this node are in each state' }),
  buckets: Type.Array(
    Type.Object({
      bucket: count(),
      holder: nullable(Type.String()),
      last: last(),
      heir: nullable(
        Type.String({ description: 'the spare that it goes to when its holder leaves; null: there is none' }),
      ),
      held: held(),
    }),
  ),
  spares: names('instances of all nodes that have no bucket, where there are buckets'),
  held: waiting('all that has been received and has not ended yet, wherever it waits'),
  hold: Type.Object(
    {
      stanzas: count(),
      bytes: count(),
      oldest: nullable(time()),
      limitBytes: count(),
      limitSeconds: Type.Number({ minimum: 0 }),
    },
    { description: 'of that, what waits for an instance to come' },
  ),
  window: waiting('of that, what instances of this node were sent and have not confirmed'),
  link: nullable(
    Type.Object({
      state: Type.String({ description: 'idle, dialing, online, waiting or stopped; of this node' }),
      service: Type.String(),
      since: time(),
      links: Type.Union([Type.Literal('one'), Type.Literal('each')]),
      waiting: waiting('what waits for the server'),
      reason: nullable(
        Type.String({ description: 'why it is not up, or was lost last; null: it is up, or was not tried' }),
      ),
    }),
  ),
  quarantined: Type.Integer({ minimum: 0, description: 'stanzas in quarantine' }),
  rates: nullable(RatesView),
  answers: nullable(LatencyView),
  counters: CountersView,
}

export const DomainView = Type.Object(domainFields)
export type DomainView = Static<typeof DomainView>

/** One domain with all that there is about it. */
export const DomainDetailView = Type.Object({
  ...domainFields,
  members: Type.Array(InstanceView, { description: 'its instances, of all nodes' }),
  quarantine: Type.Array(QuarantinedView, { description: 'the last 100 at most, the oldest first' }),
})
export type DomainDetailView = Static<typeof DomainDetailView>

export const NodeView = Type.Object({
  name: Type.String(),
  incarnation: Type.String({ description: 'random for each start' }),
  version: Type.String(),
  senior: Type.Boolean({ description: 'it does what one node must' }),
  state: Type.Union([Type.Literal('starting'), Type.Literal('ready'), Type.Literal('draining')]),
  since: time(),
  instances: count(),
  self: Type.Boolean({ description: 'the node that answers' }),
  load: nullable(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'the share of the last seconds that it was busy; null: not known',
    }),
  ),
  memory: nullable(Type.Integer({ minimum: 0, description: 'resident, in bytes; null: not known' })),
})
export type NodeView = Static<typeof NodeView>

/** One domain of many, in short. */
export const SummaryView = Type.Object({
  name: Type.String(),
  type: nullable(Type.String({ description: 'the criterion; null: no `domain_balancing`, so at random' })),
  whenUnassigned: domainFields.whenUnassigned,
  instances: domainFields.instances,
  instancesElsewhere: Type.Integer({ minimum: 0, description: 'how many other nodes have' }),
  buckets: count(),
  bucketsUnassigned: count(),
  unassigned: Type.Array(Type.Object({ bucket: count(), last: last(), held: held() }), {
    description: 'of these buckets the first 16',
  }),
  spares: Type.Integer({
    minimum: 0,
    description: 'instances of all nodes that have no bucket, where there are buckets',
  }),
  missing: names('of the `instances` in the configuration those that are connected to no node; the first 16'),
  held: domainFields.held,
  hold: Type.Object(
    { stanzas: count(), bytes: count(), limitSeconds: Type.Number({ minimum: 0 }) },
    { description: 'of that, what waits for an instance to come' },
  ),
  link: nullable(Type.String({ description: 'its state on this node' })),
  received: Type.Integer({ minimum: 0, description: 'stanzas since the node started' }),
  quarantined: count(),
  slowest: nullable(
    Type.Object({
      instance: Type.String(),
      seconds: seconds('that it takes to answer or to confirm'),
      others: nullable(seconds('that the one in the middle of the others takes; null: there are none')),
    }),
  ),
})
export type SummaryView = Static<typeof SummaryView>

export const OverviewView = Type.Object({
  time: time(),
  cluster: nullable(
    Type.Object({
      up: Type.Boolean({ description: 'Redis can be reached' }),
      held: Type.Boolean({ description: 'the lease of this node is valid' }),
    }),
  ),
  domains: Type.Array(SummaryView),
})
export type OverviewView = Static<typeof OverviewView>

/** The event `stats` of /v1/events: every second, while anybody listens. Counts are since the node started. */
export const StatsView = Type.Object({
  time: time(),
  node: Type.String({ description: 'whose counts these are; another node is asked itself' }),
  load: Type.Number({ minimum: 0, maximum: 1, description: 'the share of the last seconds that it was busy' }),
  memory: nullable(count()),
  routing: nullable(LatencyView),
  delay: nullable(
    Type.Object(
      { p50: seconds('half of the time'), p99: seconds('99 % of the time'), max: seconds('at worst') },
      { description: 'how late the node got to what was due, in the last 5 s; null in its first' },
    ),
  ),
  domains: Type.Record(
    Type.String(),
    Type.Object({
      received: count(),
      delivered: count(),
      forwarded: count(),
      bounced: count(),
      dropped: count(),
      held: waiting('as in the domain'),
      hold: waiting('as in the domain'),
      window: waiting('as in the domain'),
      unassigned: Type.Integer({ minimum: 0, description: 'buckets without a holder' }),
      link: nullable(Type.String({ description: 'its state' })),
      answers: nullable(LatencyView),
      instances: Type.Record(
        Type.String(),
        Type.Object({
          state: Type.String(),
          delivered: count(),
          outboxBytes: count(),
          window: waiting('as in the instance'),
          unanswered: count(),
          answers: nullable(LatencyView),
        }),
        { description: 'those of this node' },
      ),
    }),
  ),
  omitted: Type.Integer({ minimum: 0, description: 'domains and instances that are left out: an event is small' }),
})
export type StatsView = Static<typeof StatsView>

export const ExplainView = Type.Object({
  criterion: Type.String(),
  key: nullable(Type.String()),
  bucket: nullable(count()),
  outcome: Type.String({ description: 'deliver, forward, hold, bounce or drop' }),
  instance: nullable(Type.String()),
  node: nullable(Type.String()),
  because: Type.String({ description: 'why, for people' }),
  digest: Type.String({ description: 'of what decides it in the configuration of the node' }),
})
export type ExplainView = Static<typeof ExplainView>

export const QuarantineView = Type.Object({
  since: time(),
  kind: Type.String({ description: 'iq, message or presence' }),
  type: nullable(Type.String()),
  from: nullable(Type.String()),
  to: nullable(Type.String()),
  id: nullable(Type.String()),
  bytes: count(),
  stanza: Type.String({ description: 'the stanza as it was to be delivered' }),
})
export type QuarantineView = Static<typeof QuarantineView>

/** A parameter that cannot be answered, e.g. an address that is none; `problem` is for people. */
export type Refusal = { readonly problem: string }

/** What the admin port asks of the node. Names of domains come as they stand in the path: normalising them is the view's. */
export interface AdminView {
  readonly version: string
  ready(): { readonly ready: boolean; readonly reason?: string }
  /** What is not known of another node, as it has not answered, is null. */
  nodes(): Promise<readonly NodeView[]> | readonly NodeView[]
  domains(): readonly DomainView[]
  domain(name: string): DomainDetailView | undefined
  /** All domains in short. */
  overview(): OverviewView
  /** The instances of a domain on every node; undefined when it is not served. */
  instances(name: string): readonly InstanceView[] | undefined
  /** The stanzas of a domain that closed every instance they were given to; undefined when it is not served. */
  quarantine(name: string): readonly QuarantineView[] | undefined
  /** Where a stanza between these two would go now, without counting or sending anything. */
  explain(name: string, from: string, to: string): ExplainView | Refusal | undefined
  /** What has been counted, small enough for an event. */
  stats(): StatsView
  /** Prometheus' text format 0.0.4. */
  metrics(): Promise<string>
}
