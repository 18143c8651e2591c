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
    holdUnsaved: domain.hold.keeper === undefined ? null : domain.hold.unsaved,
    states,
    bucketsUnassigned: domain.holders.filter((holder) => holder === undefined).length,
    linkUp: domain.config.upstream === undefined ? null : link?.state === 'online',
    iqPending: instances.reduce((sum, { requests }) => sum + requests.size, 0),
    instances: instances.map((instance) => ({
      name: instance.name,
      delivered: instance.stream.outbox.delivered,
      outboxBytes: instance.stream.outbox.bytes,
      weight: domain.terms === noTerms ? null : weightNow(instance, domain),
    })),
  }
}
