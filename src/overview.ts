import type { SummaryView } from './admin/view.ts'
import type { Count } from './census.ts'
import type { Moment } from './domain-view.ts'
import type { Instance } from './instance.ts'

/** With more instances than this at the node, nobody asks which of them is slow: to look at each takes time from the stanzas. */
const MOST_COMPARED = 2000

/** All domains in short, for who looks at a thousand of them every few seconds. */
export function overviewOf(counts: readonly Count[], moment: Moment): SummaryView[] {
  const all = counts.reduce((sum, { instances }) => sum + instances.length, 0)
  return counts.map((count) => summaryOf(count, all <= MOST_COMPARED ? moment : undefined))
}

function summaryOf(count: Count, moment: Moment | undefined): SummaryView {
  const { domain, instances, states, waiting, waitingBytes, link } = count
  const { config, counters, holders } = domain
  let elsewhere = 0
  for (const { node } of domain.members.values()) if (node !== undefined) elsewhere++
  return {
    name: domain.name,
    whenUnassigned: config.when_unassigned,
    instances: states,
    instancesElsewhere: elsewhere,
    buckets: holders.length,
    bucketsUnassigned: holders.filter((holder) => holder === undefined).length,
    held: { stanzas: waiting, bytes: waitingBytes },
    link: config.upstream === undefined ? null : (link?.state ?? 'idle'),
    received: counters.receivedTotal,
    quarantined: domain.quarantine.entries.length,
    slowest: moment === undefined ? null : slowestOf(instances, moment),
  }
}

function slowestOf(instances: readonly Instance[], moment: Moment): SummaryView['slowest'] {
  const known = instances.flatMap((instance) => {
    const seconds = secondsOf(instance, moment)
    return seconds === undefined ? [] : [{ instance: instance.name, seconds }]
  })
  const [first, ...others] = known.sort((one, other) => other.seconds - one.seconds)
  if (first === undefined) return null
  return { ...first, others: others[Math.floor(others.length / 2)]?.seconds ?? null }
}

/** What an instance takes to answer or to confirm, whichever is longer; undefined when it has done neither. */
function secondsOf(instance: Instance, { recent, clock }: Moment): number | undefined {
  const { owingSince } = instance.stream.outbox
  const known = [
    recent.quantiles(instance.answerSeconds)?.p95,
    instance.confirmsIn === undefined ? undefined : instance.confirmsIn / 1000,
    owingSince === undefined ? undefined : Math.max(0, (clock.now - owingSince) / 1000),
  ].filter((seconds) => seconds !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
