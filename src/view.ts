import { randomBytes } from 'node:crypto'
import { type Explanation, explainPick } from '../balancing/explain.ts'
import type { Config } from '../config/config.ts'
import { configDigest } from '../config/digest.ts'
import { normaliseDomain } from '../config/names.ts'
import type {
  AdminView,
  DomainDetailView,
  DomainView,
  ExplainView,
  InstanceView,
  NodeView,
  OverviewView,
  QuarantineView,
  Refusal,
  StatsView,
} from './admin/view.ts'
import type { Count } from './census.ts'
import type { Clock } from './clock.ts'
import type { ClusterMember } from './cluster-member.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { domainView, instanceView, quarantinedView } from './domain-view.ts'
import { keyText } from './key.ts'
import type { Delay } from './loop-delay.ts'
import type { NodeUsage } from './node-usage.ts'
import { overviewOf } from './overview.ts'
import type { Recent } from './recent.ts'
import { settingOf } from './setting.ts'
import { statsOf } from './stats.ts'
import { decodeAttribute, normalise } from './xmpp/jid.ts'

export interface ViewParts {
  readonly version: string
  readonly config: () => Config
  readonly state: () => 'starting' | 'ready' | 'draining' | 'stopped'
  readonly census: () => readonly Count[]
  /** Whether no new connection is taken. */
  readonly isOverloaded: () => boolean
  readonly metrics: () => Promise<string>
  readonly recent: Recent
  /** Of the event loop; undefined in the first seconds. */
  readonly delay: () => Delay | undefined
  readonly clock: Clock
  /** Resident memory in bytes; null where it is not known. */
  readonly memory: () => number | null
  /** What the nodes of the cluster say of themselves, by name. */
  readonly usages: () => Promise<ReadonlyMap<string, NodeUsage>>
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
    if (state === 'ready' && this.#parts.isOverloaded()) return { ready: false, reason: 'overload' }
    return state === 'ready' ? { ready: true } : { ready: false, reason: state }
  }

  get version(): string {
    return this.#parts.version
  }

  stats(): StatsView {
    const { census, config, recent, memory, delay } = this.#parts
    const { load, routing } = recent
    const own = { load, memory: memory(), routing, delay: delay() ?? null }
    return {
      time: new Date().toISOString(),
      node: config().node,
      ...own,
      ...statsOf(census().filter(isServed), recent),
    }
  }

  metrics(): Promise<string> {
    return this.#parts.metrics()
  }

  async nodes(): Promise<readonly NodeView[]> {
    const instances = this.#parts.census().reduce((sum, count) => sum + count.instances.length, 0)
    const { version } = this.#parts
    const name = this.#parts.config().node
    const self = { name, version, since: this.#since, self: true, instances, ...this.usage() }
    const member = this.#parts.member()
    if (member === undefined) return [{ ...self, incarnation: this.#incarnation, senior: true }]
    const usages = await this.#parts.usages()
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
        instances: own,
        senior,
        ...(usages.get(node.name) ?? { state: 'ready', load: null, memory: null }),
      }
    })
  }

  /** What this node takes of its machine. */
  usage(): NodeUsage {
    const state = this.#parts.state()
    return {
      state: state === 'stopped' ? 'draining' : state,
      load: this.#parts.recent.load,
      memory: this.#parts.memory(),
    }
  }

  domains(): readonly DomainView[] {
    return this.#parts
      .census()
      .filter(isServed)
      .map((count) => domainView(count, this.#parts))
  }

  overview(): OverviewView {
    const member = this.#parts.member()
    // One that is to be in a cluster and is in none delivers what it can.
    const none = this.#parts.config().cluster === undefined ? null : { up: false, held: true }
    return {
      time: new Date().toISOString(),
      cluster: member === undefined ? none : { up: member.isUp, held: member.membership.isHeld },
      domains: overviewOf(this.#parts.census().filter(isServed), this.#parts),
    }
  }

  domain(name: string): DomainDetailView | undefined {
    const count = this.#find(name)
    if (count === undefined) return undefined
    const quarantine = count.domain.quarantine.entries.map(quarantinedView)
    return { ...domainView(count, this.#parts), members: [...this.#members(count)], quarantine }
  }

  instances(name: string): readonly InstanceView[] | undefined {
    const count = this.#find(name)
    return count && this.#members(count)
  }

  quarantine(name: string): readonly QuarantineView[] | undefined {
    return this.#find(name)?.domain.quarantine.entries.map((entry) => ({
      ...quarantinedView(entry),
      from: decoded(entry.head.from),
      to: decoded(entry.head.to),
      id: decoded(entry.head.id),
      stanza: entry.bytes.toString('utf8'),
    }))
  }

  explain(name: string, from: string, to: string): ExplainView | Refusal | undefined {
    const count = this.#find(name)
    if (count === undefined) return undefined
    for (const [parameter, jid] of Object.entries({ from, to })) {
      if (normalise(jid) === undefined) return { problem: `${parameter}: '${jid}' is no JID` }
    }
    const explanation = explainPick(settingOf(count.domain), from, to, keyText)
    if (explanation === undefined) return { problem: `from '${from}' to '${to}': no key` }
    return explainView(count.domain, explanation, this.#parts.config().node)
  }

  #members({ domain, instances }: Count): readonly InstanceView[] {
    const elsewhere = [...domain.members.values()].filter((instance) => instance.node !== undefined)
    const node = this.#parts.config().node
    return [...instances, ...elsewhere].map((instance) => instanceView(domain, instance, node, this.#parts))
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

function decoded(raw: string | undefined): string | null {
  return raw === undefined ? null : decodeAttribute(raw)
}

function explainView(domain: DomainRoutes, explanation: Explanation, node: string): ExplainView {
  const { criterion, key, bucket, why } = explanation
  const { when_unassigned: unassigned } = domain.config
  const isRandom = domain.policy.kind === 'random' || domain.policy.kind === 'local_random'
  const spilled = explanation.instance === undefined ? spilledTo(domain, explanation) : undefined
  const instance = explanation.instance ?? spilled
  const taken = instance !== undefined || (isRandom && domain.members.size > 0)
  const fate = spilled === undefined ? (taken ? [] : [fateOf(domain.config)]) : [`spill: it goes to ${spilled}`]
  return {
    criterion,
    key: key ?? null,
    bucket: bucket ?? null,
    outcome: taken ? 'deliver' : unassigned === 'bounce' ? 'bounce' : 'hold',
    instance: instance ?? null,
    node: taken ? (domain.members.get(instance ?? '')?.node ?? node) : null,
    because: [...why, ...fate].join('; '),
    digest: configDigest(domain.config),
  }
}

/** Who gets what is for a bucket without a holder, where such stanzas spill and somebody is there. */
function spilledTo({ config, mapping }: DomainRoutes, { bucket, hash }: Explanation): string | undefined {
  if (config.when_unassigned !== 'spill' || bucket === undefined || hash === undefined) return undefined
  const { ranked, ranking } = mapping?.snapshot ?? {}
  return ranking && ranked?.[ranking.pick(hash)]?.name
}

/** What becomes of a stanza that nobody is there for. */
function fateOf({ when_unassigned: what, hold }: DomainRoutes['config']): string {
  return what === 'bounce'
    ? 'bounce: it is bounced at once'
    : `${what}: it is held up to ${hold.seconds} s, then bounced`
}
