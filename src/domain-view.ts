import { heirs } from '../balancing/buckets.ts'
import { countersView } from './admin/counters-view.ts'
import type { DomainView, InstanceView, QuarantinedView } from './admin/view.ts'
import { isCanary } from './assignment.ts'
import type { Count } from './census.ts'
import type { Clock } from './clock.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { escapeForLog } from './log.ts'
import { weightNow } from './odds.ts'
import type { Quarantined } from './quarantine.ts'
import type { Recent } from './recent.ts'

/** What a moment is told by. */
export interface Moment {
  readonly recent: Recent
  readonly clock: Clock
}

/** A domain as the admin port shows it. */
export function domainView(count: Count, { recent, clock }: Moment): DomainView {
  const { domain, instances, states, waiting, waitingBytes } = count
  const { config, policy, hold } = domain
  const delivered = instances.reduce((sum, { stream }) => sum + stream.outbox.delivered, 0)
  return {
    name: domain.name,
    balancing: config.balancing
      ? {
          type: config.balancing.type,
          component_number: config.balancing.component_number ?? null,
          hash: 'keying' in policy ? policy.keying.hash : null,
        }
      : null,
    canary: config.canary ?? null,
    balanceFactor: config.balance_factor ?? null,
    hotKeys: config.hot_keys?.size ?? 0,
    slowStartSeconds: config.slow_start_seconds ?? 0,
    whenUnassigned: config.when_unassigned,
    delivery: config.delivery,
    instances: states,
    buckets: bucketsOf(count),
    spares: [...domain.members.values()].filter((instance) => isSpare(count, instance)).map(({ name }) => name),
    held: { stanzas: waiting, bytes: waitingBytes },
    hold: {
      stanzas: hold.stanzas,
      bytes: hold.bytes,
      oldest: hold.oldest === undefined ? null : new Date(Date.now() - (clock.now - hold.oldest)).toISOString(),
      limitBytes: config.hold.bytes,
      limitSeconds: config.hold.seconds,
    },
    window: windowOf(instances),
    link: linkView(count),
    quarantined: domain.quarantine.entries.length,
    rates: recent.rates(count),
    answers: recent.quantiles(domain.counters.answerSeconds),
    counters: countersView(domain.counters, delivered),
  }
}

function bucketsOf({ domain: { holders, buckets, hold } }: Count): DomainView['buckets'] {
  const next = buckets === undefined ? [] : heirs(buckets)
  return holders.map((holder, bucket) => ({
    bucket,
    holder: holder?.name ?? null,
    last: buckets?.last[bucket] ?? null,
    heir: next[bucket] ?? null,
    held: hold.at(bucket),
  }))
}

/** Of another node's instance nobody says so: it has no bucket where there are buckets, and is not the canary. */
export function isSpare({ domain }: Count, { name, state, bucket, node }: Instance): boolean {
  if (node === undefined) return state === 'spare'
  return domain.buckets !== undefined && bucket === undefined && !isCanary(domain.config, name)
}

export function windowOf(instances: readonly Instance[]): { readonly stanzas: number; readonly bytes: number } {
  let stanzas = 0
  let bytes = 0
  for (const { stream } of instances) {
    stanzas += stream.outbox.window.stanzas
    bytes += stream.outbox.window.bytes
  }
  return { stanzas, bytes }
}

function linkView({ domain: { config }, link, linkWaiting }: Count): DomainView['link'] {
  const { upstream } = config
  if (upstream === undefined) return null
  return {
    state: link?.state ?? 'idle',
    service: upstream.service,
    since: new Date(link?.since ?? Date.now()).toISOString(),
    links: upstream.links,
    waiting: linkWaiting,
    reason: link?.reason === undefined ? null : escapeForLog(link.reason),
  }
}

/** An instance as the admin port shows it; `node` is the one that answers. */
export function instanceView(
  domain: DomainRoutes,
  instance: Instance,
  node: string,
  { recent, clock }: Moment,
): InstanceView {
  const { name, state, bucket, stream, since, requests } = instance
  const { outbox } = stream
  const { owingSince } = outbox
  return {
    name,
    state,
    node: instance.node ?? node,
    bucket: bucket ?? null,
    spare: state === 'spare',
    weight: weightNow(instance, domain),
    remote: stream.remote,
    connectedSince: new Date(since).toISOString(),
    delivered: outbox.delivered,
    deliveredPerSecond: recent.deliveredPerSecond(instance),
    outboxBytes: outbox.bytes,
    window: { stanzas: outbox.window.stanzas, bytes: outbox.window.bytes },
    owingSeconds: owingSince === undefined ? null : Math.max(0, (clock.now - owingSince) / 1000),
    confirmSeconds: instance.confirmsIn === undefined ? null : instance.confirmsIn / 1000,
    unanswered: requests.size,
    answers: recent.quantiles(instance.answerSeconds),
  }
}

/** What a stanza in quarantine is, without what users wrote. */
export function quarantinedView({ since, bytes, head }: Quarantined): QuarantinedView {
  return { since: new Date(since).toISOString(), kind: head.name, type: head.type ?? null, bytes: bytes.length }
}
