import type { Incarnation } from './cluster/cluster-store.ts'
import type { Draft } from './cluster/draft.ts'
import { claimLink, releaseLink } from './cluster/instance-wishes.ts'
import type { Table } from './cluster/table.ts'
import type { LinkHolder, LinkLeases } from './link-leases.ts'
import { LinkTenure } from './link-tenure.ts'
import { type Log, logEvent } from './log.ts'
import type { RemoteStream } from './remote-stream.ts'

export interface ClusterLinksParts {
  readonly me: Incarnation
  readonly log: Log
  /** The URL of a domain's server. */
  readonly serverOf: (domain: string) => string | undefined
  readonly table: () => Table
  /** Whether this node may act: a link is nobody's who may have been given up. */
  readonly isHeld: () => boolean
  /** Whether others may act for this node by now. */
  readonly isForfeit: () => boolean
  readonly propose: (wish: (draft: Draft) => void) => Promise<void>
  /** The way to a domain's server by the link of that node. */
  readonly streamTo: (domain: string, node: Incarnation) => RemoteStream
  /** Whether what dead nodes had read is still being handed out here. */
  readonly isInheriting: () => boolean
  readonly now: () => number
}

/** For so many milliseconds at most a link waits for what those had read who had it before; then what it brings does. */
const INHERITING_MILLISECONDS = 1500
const OPEN = Number.NEGATIVE_INFINITY

/** For so many milliseconds a node leaves a link to others that it could not open itself. */
const YIELD_MILLISECONDS = 5000

/** Which node has the one link of a domain (`links: one`): a lease of the cluster's, as long as its node lives. */
export class ClusterLinks implements LinkLeases {
  readonly tenure: LinkTenure
  readonly #parts: ClusterLinksParts
  readonly #claiming = new Set<string>()
  /** The ways to links of other nodes, by domain and node. */
  readonly #ways = new Map<string, RemoteStream>()
  readonly #yieldedAt = new Map<string, number>()
  /** When a link became this node's; `OPEN` once it may be opened. */
  readonly #gotAt = new Map<string, number>()
  #isEnding = false

  constructor(parts: ClusterLinksParts) {
    this.#parts = parts
    this.tenure = new LinkTenure(parts.isForfeit)
  }

  want(domain: string): LinkHolder {
    const { me, table, isHeld, propose } = this.#parts
    if (this.#isEnding) return undefined
    const holder = table().domain(domain)?.link
    if (holder === me) return isHeld() && this.#isDue(domain) ? 'here' : undefined
    this.#gotAt.delete(domain)
    if (holder !== undefined && table().nodes.has(holder)) return this.#wayTo(domain, holder)
    if (this.#claiming.has(domain) || this.#hasYielded(domain) || this.#isEnding || !isHeld()) return undefined
    this.#claiming.add(domain)
    propose((draft) => claimLink(draft, domain, me)).finally(() => this.#claiming.delete(domain))
    return undefined
  }

  isClaiming(domain: string): boolean {
    return !this.#isEnding && this.#claiming.has(domain)
  }

  /** The domains whose link this node has. */
  held(): readonly string[] {
    const table = this.#parts.table()
    return [...table.domains.values()].filter(({ link }) => link === this.#parts.me).map(({ name }) => name)
  }

  /** The links of nodes that are dead are their heir's; where it `serves` no such domain, another may have them. */
  accept(serves: (domain: string) => boolean): void {
    for (const domain of this.held()) if (!serves(domain)) this.release(domain)
  }

  /** A link cannot be opened from here: another node may try. */
  yield(domain: string): void {
    const { me, table, propose, log, now } = this.#parts
    if (table().domain(domain)?.link !== me || table().nodes.size < 2) return
    this.#yieldedAt.set(domain, now())
    logEvent(log, 'link-yielded', { domain })
    propose((draft) => releaseLink(draft, domain, me))
  }

  /** The link has been closed, in order. */
  release(domain: string): void {
    this.#parts.propose((draft) => releaseLink(draft, domain, this.#parts.me))
  }

  /** No link is claimed any more, and those that there are will be closed. */
  end(): void {
    this.#isEnding = true
  }

  /** This life is over: what was sent is the other nodes' to see to, and nothing more is confirmed. */
  dismiss(): void {
    this.#isEnding = true
    for (const stream of this.#ways.values()) {
      stream.outbox.stopConfirming()
      stream.die()
    }
    this.#ways.clear()
  }

  /** The way that a confirmation of that node is about. */
  way(domain: string, node: Incarnation): RemoteStream | undefined {
    return this.#ways.get(`${domain} ${node}`)
  }
  get ways(): readonly RemoteStream[] {
    return [...this.#ways.values()]
  }

  /** A node is gone. */
  forget(node: Incarnation): void {
    for (const [key, stream] of this.#ways) {
      if (!key.endsWith(` ${node}`)) continue
      stream.die()
      this.#ways.delete(key)
    }
  }

  /** What comes by a link is newer than what dead nodes had read: that has gone on before it is opened. */
  #isDue(domain: string): boolean {
    const { isInheriting, now, log, serverOf } = this.#parts
    const known = this.#gotAt.get(domain)
    if (known === undefined) logEvent(log, 'link-claimed', { domain, server: serverOf(domain) })
    const since = known ?? now()
    const isDue = since === OPEN || !isInheriting() || now() - since >= INHERITING_MILLISECONDS
    this.#gotAt.set(domain, isDue ? OPEN : since)
    return isDue
  }

  #hasYielded(domain: string): boolean {
    const at = this.#yieldedAt.get(domain)
    return at !== undefined && this.#parts.now() - at < YIELD_MILLISECONDS
  }

  #wayTo(domain: string, node: Incarnation): RemoteStream {
    const key = `${domain} ${node}`
    const known = this.#ways.get(key)
    if (known?.isOpen) return known
    const stream = this.#parts.streamTo(domain, node)
    this.#ways.set(key, stream)
    return stream
  }
}
