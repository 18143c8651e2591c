import type { SummaryView } from './admin/view.ts'
import type { Count } from './census.ts'
import { isSpare, type Moment } from './domain-view.ts'
import type { Instance } from './instance.ts'

/** With more instances than this at the node, nobody asks which of them is slow: to look at each takes time from the stanzas. */
const MOST_COMPARED = 2000
/** So many dead buckets, and missing instances, are named per domain. */
const MOST_NAMED = 16

/** All domains in short, for who looks at a thousand of them every few seconds. */
export function overviewOf(counts: readonly Count[], moment: Moment): SummaryView[] {
  const all = counts.reduce((sum, { instances }) => sum + instances.length, 0)
  return counts.map((count) => summaryOf(count, all <= MOST_COMPARED ? moment : undefined))
}

function summaryOf(count: Count, moment: Moment | undefined): SummaryView {
  const { domain, instances, states, waiting, waitingBytes, link } = count
  const { config, counters, holders, hold } = domain
  const members = [...domain.members.values()]
  let elsewhere = 0
  for (const { node } of members) if (node !== undefined) elsewhere++
  return {
    name: domain.name,
    type: config.balancing?.type ?? null,
    whenUnassigned: config.when_unassigned,
    instances: states,
    instancesElsewhere: elsewhere,
    buckets: holders.length,
    bucketsUnassigned: holders.filter((holder) => holder === undefined).length,
    unassigned: unassignedOf(domain),
    spares: members.filter((instance) => isSpare(count, instance)).length,
    missing: missingOf(count),
    held: { stanzas: waiting, bytes: waitingBytes },
    hold: { stanzas: hold.stanzas, bytes: hold.bytes, limitSeconds: config.hold.seconds },
    link: config.upstream === undefined ? null : (link?.state ?? 'idle'),
    received: counters.receivedTotal,
    quarantined: domain.quarantine.entries.length,
    slowest: moment === undefined ? null : slowestOf(instances, moment),
  }
}

/** The first buckets without a holder, whose they were, and what waits for each. */
function unassignedOf({ holders, buckets, hold }: Count['domain']): SummaryView['unassigned'] {
  const free: SummaryView['unassigned'] = []
  for (const [bucket, holder] of holders.entries()) {
    if (holder !== undefined) continue
    if (free.length === MOST_NAMED) break
    free.push({ bucket, last: buckets?.last[bucket] ?? null, held: hold.at(bucket) })
  }
  return free
}

/** The first of the instances in the configuration that are nowhere. */
function missingOf({ domain, instances }: Count): string[] {
  const missing: string[] = []
  // One that is being drained has left the routing table, and is here.
  const leaving = new Set(instances.map(({ name }) => name))
  for (const name of domain.config.instances?.keys() ?? []) {
    if (missing.length === MOST_NAMED) break
    if (!domain.members.has(name) && !leaving.has(name)) missing.push(name)
  }
  return missing
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
