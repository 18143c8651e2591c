import type { DomainView } from '../../src/admin/view.ts'
import type { SoakNode } from './node.ts'

/** One domain of one node, at one moment: where the stanzas that it received are. */
export interface Account {
  readonly domain: string
  readonly received: number
  readonly delivered: number
  readonly forwarded: number
  readonly bounced: number
  readonly dropped: number
  readonly held: number
}

/** One look at one node. */
export interface Sample {
  readonly node: string
  /** Seconds since the traffic began. */
  readonly at: number
  /** Bytes. */
  readonly resident: number
  readonly heapUsed: number
  readonly external: number
  readonly descriptors: number
  /** Event-loop delay since the last look, in milliseconds. */
  readonly delayP99: number
  readonly delayMost: number
  readonly accounts: readonly Account[]
}

export async function sampleOf(node: SoakNode, at: number): Promise<Sample> {
  const usage = node.usage()
  const metrics = await node.metrics()
  const value = (name: string) => metrics.get(name) ?? Number.NaN
  return {
    ...{ node: node.name, at, ...usage },
    heapUsed: value('nodejs_heap_size_used_bytes'),
    external: value('nodejs_external_memory_bytes'),
    delayP99: value('nodejs_eventloop_lag_p99_seconds') * 1000,
    delayMost: value('nodejs_eventloop_lag_max_seconds') * 1000,
    // Not from the metrics: those are read one after the other, and stanzas move meanwhile.
    accounts: (await node.domains()).map(accountOf),
  }
}

export function accountOf({ name, counters, held }: DomainView): Account {
  return {
    domain: name,
    received: sum(Object.values(counters.received)),
    delivered: sum(Object.values(counters.delivered)),
    forwarded: counters.forwarded,
    bounced: sum(counters.bounced.map(({ count }) => count)),
    dropped: sum(counters.dropped.map(({ count }) => count)),
    held: held.stanzas,
  }
}

/** The same from /metrics, which are of one moment only while nothing moves. */
export function accountsIn(metrics: ReadonlyMap<string, number>): readonly Account[] {
  const domains = new Map<string, Record<string, number>>()
  for (const [name, value] of metrics) {
    const found = /^switchyard_stanzas_(\w+?)(?:_total)?\{domain="([^"]+)"/.exec(name)
    if (found === null) continue
    const [, what = '', domain = ''] = found
    const counts = domains.get(domain) ?? {}
    domains.set(domain, counts)
    counts[what] = (counts[what] ?? 0) + value
  }
  return [...domains].map(([domain, counts]) => {
    const { received = 0, delivered = 0, forwarded = 0, bounced = 0, dropped = 0, held = 0 } = counts
    return { domain, received, delivered, forwarded, bounced, dropped, held }
  })
}

/** How many stanzas have been received and are nowhere, or are somewhere and were not received. */
export function gapOf({ received, delivered, forwarded, bounced, dropped, held }: Account): number {
  return received - (delivered + forwarded + bounced + dropped + held)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
