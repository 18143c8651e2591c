import { randomBytes } from 'node:crypto'
import { type Explanation, explainPick } from '../balancing/explain.ts'
import type { Config } from '../config/config.ts'
import { normaliseDomain } from '../config/names.ts'
import { countersView } from './admin/counters-view.ts'
import type {
  AdminView,
  DomainView,
  ExplainView,
  InstanceView,
  NodeView,
  QuarantineView,
  Refusal,
} from './admin/view.ts'
import type { Count } from './census.ts'
import type { ClusterMember } from './cluster-member.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { weightNow } from './odds.ts'
import { fullText, normalise } from './xmpp/jid.ts'

export interface ViewParts {
  readonly version: string
  readonly config: () => Config
  readonly state: () => 'starting' | 'ready' | 'draining' | 'stopped'
  readonly census: () => readonly Count[]
  readonly metrics: () => Promise<string>
  /** Undefined for a node without a cluster. */
  readonly member: () => ClusterMember | undefined
}

/** What the admin port shows of this node. It only reads. */
export class View implements AdminView {
  readonly #parts: ViewParts
  readonly #incarnation = randomBytes(8).toString('hex')
  readonly #since = new Date().toISOString()

  constructor(parts: ViewParts) {
    this.#parts = parts
  }

  ready(): { readonly ready: boolean; readonly reason?: string } {
    const state = this.#parts.state()
    return state === 'ready' ? { ready: true } : { ready: false, reason: state }
  }

  metrics(): Promise<string> {
    return this.#parts.metrics()
  }

  nodes(): readonly NodeView[] {
    const state = this.#parts.state()
    const instances = this.#parts.census().reduce((sum, count) => sum + count.instances.length, 0)
    const { version } = this.#parts
    const name = this.#parts.config().node
    const shown = state === 'stopped' ? 'draining' : state
    const self = { name, version, since: this.#since, self: true, state: shown, instances }
    const member = this.#parts.member()
    if (member === undefined) return [{ ...self, incarnation: this.#incarnation, senior: true }]
    const { table } = member.membership
    return [...table.nodes].map(([incarnation, node]) => {
      const senior = incarnation === table.senior
      if (incarnation === member.incarnation) return { ...self, incarnation, senior }
      const since = new Date(node.since).toISOString()
      const own = [...member.registry.remotes.values()].filter((at) => at === incarnation).length
      return {
        name: node.name,
        incarnation,
        version: node.version,
        since,
        self: false,
        state: 'ready',
        instances: own,
        senior,
      }
    })
  }

  domains(): readonly DomainView[] {
    return this.#parts.census().filter(isServed).map(domainView)
  }

  domain(name: string): DomainView | undefined {
    const count = this.#find(name)
    return count && domainView(count)
  }

  instances(name: string): readonly InstanceView[] | undefined {
    const node = this.#parts.config().node
    const count = this.#find(name)
    if (count === undefined) return undefined
    const elsewhere = [...count.domain.members.values()].filter((instance) => instance.node !== undefined)
    return [...count.instances, ...elsewhere].map((instance) => instanceView(count.domain, instance, node))
  }

  quarantine(name: string): readonly QuarantineView[] | undefined {
    return this.#find(name)?.domain.quarantine.entries.map(({ since, bytes }) => ({
      since: new Date(since).toISOString(),
      stanza: bytes.toString('utf8'),
    }))
  }

  explain(name: string, from: string, to: string): ExplainView | Refusal | undefined {
    const count = this.#find(name)
    if (count === undefined) return undefined
    for (const [parameter, jid] of Object.entries({ from, to })) {
      if (normalise(jid) === undefined) return { problem: `${parameter}: '${jid}' is no JID` }
    }
    const explanation = explainPick(settingOf(count.domain), from, to, normalised)
    if (explanation === undefined) return { problem: `from '${from}' to '${to}': no key` }
    return explainView(count.domain, explanation, this.#parts.config().node)
  }

  #find(name: string): Count | undefined {
    const normal = normaliseDomain(name)
    return this.#parts.census().find((count) => isServed(count) && count.domain.name === normal)
  }
}

/** Our own address is in the routing table too; nobody connects for it. */
function isServed({ domain }: Count): boolean {
  return domain.config.secrets !== undefined || domain.config.instances !== undefined
}

function normalised(jid: string): string | undefined {
  const parts = normalise(jid)
  return parts && fullText(parts)
}

function domainView({ domain, instances, states, link, waiting, waitingBytes }: Count): DomainView {
  const { config } = domain
  const delivered = instances.reduce((sum, { stream }) => sum + stream.outbox.delivered, 0)
  return {
    name: domain.name,
    balancing: config.balancing
      ? { type: config.balancing.type, component_number: config.balancing.component_number ?? null }
      : null,
    canary: config.canary ?? null,
    balanceFactor: config.balance_factor ?? null,
    hotKeys: config.hot_keys?.size ?? 0,
    slowStartSeconds: config.slow_start_seconds ?? 0,
    whenUnassigned: config.when_unassigned,
    instances: states,
    buckets: domain.holders.map((holder, bucket) => ({ bucket, holder: holder?.name ?? null })),
    held: { stanzas: waiting, bytes: waitingBytes },
    link: config.upstream
      ? {
          state: link?.state ?? 'idle',
          service: config.upstream.service,
          since: new Date(link?.since ?? Date.now()).toISOString(),
        }
      : null,
    counters: countersView(domain.counters, delivered),
  }
}

function instanceView(domain: DomainRoutes, instance: Instance, node: string): InstanceView {
  const { name, state, bucket, stream, since, requests } = instance
  return {
    name,
    state,
    node: instance.node ?? node,
    bucket: bucket ?? null,
    spare: state === 'spare',
    weight: weightNow(instance, domain),
    remote: stream.remote,
    connectedSince: new Date(since).toISOString(),
    delivered: stream.outbox.delivered,
    outboxBytes: stream.outbox.bytes,
    unanswered: requests.size,
  }
}

/** The domain as it stands: each holder with the very bucket that it has, all members where there are none. */
function settingOf(domain: DomainRoutes): {
  policy: DomainRoutes['policy']
  terms: DomainRoutes['terms']
  instances: { name: string; bucket?: number }[]
} {
  const { policy, terms, members } = domain
  const instances = [...members.values()].map(({ name, bucket }) =>
    bucket === undefined ? { name } : { name, bucket },
  )
  // Holders first: a spare that arrived before them must not look like one.
  return {
    ...{ policy, terms },
    instances: instances.sort((a, b) => Number(a.bucket === undefined) - Number(b.bucket === undefined)),
  }
}

function explainView(domain: DomainRoutes, explanation: Explanation, node: string): ExplainView {
  const { criterion, key, bucket, instance, why } = explanation
  const isRandom = domain.policy.kind === 'random' || domain.policy.kind === 'local_random'
  const taken = instance !== undefined || (isRandom && domain.members.size > 0)
  return {
    criterion,
    key: key ?? null,
    bucket: bucket ?? null,
    outcome: taken ? 'deliver' : domain.config.when_unassigned === 'bounce' ? 'bounce' : 'hold',
    instance: instance ?? null,
    node: taken ? (domain.members.get(instance ?? '')?.node ?? node) : null,
    because: why.join('; '),
  }
}
