import type { StatsView } from './admin/view.ts'
import type { Count } from './census.ts'
import { windowOf } from './domain-view.ts'
import type { Instance } from './instance.ts'
import { type Recent, totalsOf } from './recent.ts'

/** What one event may hold: with names of usual length it stays below 48 KiB. */
const MOST_DOMAINS = 64
const MOST_INSTANCES = 128
/** Longer names are left out, with what they are of. */
const MOST_NAME = 256

type DomainStats = StatsView['domains'][string]
type InstanceStats = DomainStats['instances'][string]

/** The counts of domains and their instances for the event `stats`; `omitted` is how many of both found no room. */
export function statsOf(counts: readonly Count[], recent: Recent): Pick<StatsView, 'domains' | 'omitted'> {
  const fitting = counts.filter(({ domain }) => domain.name.length <= MOST_NAME).slice(0, MOST_DOMAINS)
  let omitted = counts.length - fitting.length
  let room = MOST_INSTANCES
  const domains = fitting.map((count) => {
    const shown = count.instances.filter(({ name }) => name.length <= MOST_NAME).slice(0, room)
    room -= shown.length
    omitted += count.instances.length - shown.length
    return [count.domain.name, domainStats(count, shown, recent)] as const
  })
  return { domains: Object.fromEntries(domains), omitted }
}

function domainStats(count: Count, shown: readonly Instance[], recent: Recent): DomainStats {
  const { domain, instances, waiting, waitingBytes, link } = count
  const { hold, config, holders, counters } = domain
  return {
    ...totalsOf(count),
    held: { stanzas: waiting, bytes: waitingBytes },
    hold: { stanzas: hold.stanzas, bytes: hold.bytes },
    window: windowOf(instances),
    unassigned: holders.filter((holder) => holder === undefined).length,
    link: config.upstream === undefined ? null : (link?.state ?? 'idle'),
    answers: recent.quantiles(counters.answerSeconds),
    instances: Object.fromEntries(shown.map((instance) => [instance.name, instanceStats(instance, recent)])),
  }
}

function instanceStats(instance: Instance, recent: Recent): InstanceStats {
  const { state, stream, requests } = instance
  const { delivered, bytes, window } = stream.outbox
  return {
    state,
    delivered,
    outboxBytes: bytes,
    window: { stanzas: window.stanzas, bytes: window.bytes },
    unanswered: requests.size,
    answers: recent.quantiles(instance.answerSeconds),
  }
}
