import { noTerms } from '../balancing/terms.ts'
import type { Count } from './census.ts'
import type { DomainMetrics } from './metrics.ts'
import { weightNow } from './odds.ts'

/** A count as the metrics want it. */
export function domainMetrics({ domain, instances, states, link, waiting }: Count): DomainMetrics {
  return {
    name: domain.name,
    counters: domain.counters,
    held: waiting,
    holdBytes: domain.hold.bytes,
    holdLimit: domain.hold.limit,
    holdUnsaved: domain.hold.keeper === undefined ? null : domain.hold.unsaved,
    // Nobody connects for our own address: that it has no instance is no news.
    states: domain.config.secrets === undefined && domain.config.instances === undefined ? {} : states,
    bucketsUnassigned: domain.holders.filter((holder) => holder === undefined).length,
    linkUp: domain.config.upstream === undefined ? null : link?.state === 'online',
    linkWanted: link !== undefined && link.state !== 'idle',
    windows: instances.map(({ name, stream: { outbox } }) => ({ name, bytes: outbox.window.bytes })),
    iqPending: instances.reduce((sum, { requests }) => sum + requests.size, 0),
    instances: instances.map((instance) => ({
      name: instance.name,
      delivered: instance.stream.outbox.delivered,
      outboxBytes: instance.stream.outbox.bytes,
      weight: domain.terms === noTerms ? null : weightNow(instance, domain),
    })),
  }
}
