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

export const DomainView = Type.Object({
  name: Type.String(),
  balancing: nullable(
    Type.Object({
      type: Type.String({ description: 'the criterion' }),
      component_number: nullable(Type.Integer()),
    }),
  ),
  canary: nullable(Type.Object({ instance: Type.String(), percent: Type.Number() })),
  balanceFactor: nullable(Type.Integer({ description: 'percent of a fair share' })),
  hotKeys: Type.Integer({ minimum: 0, description: 'how many keys the configuration calls heavy' }),
  slowStartSeconds: Type.Number(),
  whenUnassigned: Type.Union([Type.Literal('bounce'), Type.Literal('hold'), Type.Literal('spill')]),
  instances: Type.Record(Type.String(), count(), { description: 'how many are in each state' }),
  buckets: Type.Array(Type.Object({ bucket: count(), holder: nullable(Type.String()) })),
  held: Type.Object({ stanzas: count(), bytes: count() }),
  link: nullable(Type.Object({ state: Type.String(), service: Type.String(), since: time() })),
  counters: CountersView,
})
export type DomainView = Static<typeof DomainView>

export const InstanceView = Type.Object({
  name: Type.String(),
  state: Type.String(),
  node: Type.String(),
  bucket: nullable(count()),
  spare: Type.Boolean(),
  weight: nullable(
    Type.Number({ description: 'beside the others, slow start included; null where it decides nothing' }),
  ),
  remote: Type.String({ description: 'address and port' }),
  connectedSince: time(),
  delivered: count(),
  outboxBytes: count(),
  unanswered: Type.Integer({ minimum: 0, description: 'requests that it has not answered yet' }),
})
export type InstanceView = Static<typeof InstanceView>

export const NodeView = Type.Object({
  name: Type.String(),
  incarnation: Type.String({ description: 'random for each start' }),
  version: Type.String(),
  senior: Type.Boolean({ description: 'it does what one node must' }),
  state: Type.Union([Type.Literal('starting'), Type.Literal('ready'), Type.Literal('draining')]),
  since: time(),
  instances: count(),
  self: Type.Boolean({ description: 'the node that answers' }),
})
export type NodeView = Static<typeof NodeView>

export const ExplainView = Type.Object({
  criterion: Type.String(),
  key: nullable(Type.String()),
  bucket: nullable(count()),
  outcome: Type.String({ description: 'deliver, forward, hold, bounce or drop' }),
  instance: nullable(Type.String()),
  node: nullable(Type.String()),
  because: Type.String({ description: 'why, for people' }),
})
export type ExplainView = Static<typeof ExplainView>

export const QuarantineView = Type.Object({
  since: time(),
  stanza: Type.String({ description: 'the stanza as it was to be delivered' }),
})
export type QuarantineView = Static<typeof QuarantineView>

/** A parameter that cannot be answered, e.g. an address that is none; `problem` is for people. */
export type Refusal = { readonly problem: string }

/** What the admin port asks of the node. Names of domains come as they stand in the path: normalising them is the view's. */
export interface AdminView {
  ready(): { readonly ready: boolean; readonly reason?: string }
  nodes(): readonly NodeView[]
  domains(): readonly DomainView[]
  domain(name: string): DomainView | undefined
  /** The instances of a domain on every node; undefined when it is not served. */
  instances(name: string): readonly InstanceView[] | undefined
  /** The stanzas of a domain that closed every instance they were given to; undefined when it is not served. */
  quarantine(name: string): readonly QuarantineView[] | undefined
  /** Where a stanza between these two would go now, without counting or sending anything. */
  explain(name: string, from: string, to: string): ExplainView | Refusal | undefined
  /** Prometheus' text format 0.0.4. */
  metrics(): Promise<string>
}
