import { hashText, murmur3 } from '../balancing/hash.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { decodeAttribute, normalise } from './xmpp/jid.ts'

/** So many milliseconds an instance is missed. */
const MISSED_MILLISECONDS = 30_000
/** And so many are, the latest. */
const MOST_MISSED = 10_000

/** The routing table: which domains are served, and which instance a reply's route names. */
export class Routes {
  readonly #domains = new Map<string, DomainRoutes>()
  readonly #byRoute = new Map<string, Instance>()
  /** By route, when an instance was lost sight of with its node. */
  readonly #missed = new Map<string, number>()
  #index = new DomainIndex([])
  /** The one found last. */
  #last: DomainRoutes | undefined

  /** Replaces the served domains. */
  serve(domains: Iterable<DomainRoutes>): void {
    this.#domains.clear()
    for (const domain of domains) this.#domains.set(domain.name, domain)
    this.#index = new DomainIndex([...this.#domains.values()])
    this.#last = undefined
  }

  get domains(): ReadonlyMap<string, DomainRoutes> {
    return this.#domains
  }

  /** The served domain that is named in `buffer[start, end)`, part of an attribute's raw bytes; undefined when it is not served. */
  find(buffer: Buffer, start: number, end: number): DomainRoutes | undefined {
    // What comes on one stream is mostly for one domain.
    if (this.#last?.isNamed(buffer, start, end)) return this.#last
    const found = this.#index.find(buffer, start, end)
    if (found === undefined) return this.#findNormalised(buffer, start, end)
    this.#last = found
    return found
  }

  /** Of another spelling: capitals, a dot at the end, another form of Unicode. */
  #findNormalised(buffer: Buffer, start: number, end: number): DomainRoutes | undefined {
    if (isLowerAscii(buffer, start, end)) return undefined
    const jid = normalise(decodeAttribute(buffer.toString('utf8', start, end)))
    return jid === undefined ? undefined : this.#domains.get(jid.domain)
  }

  register(instance: Instance): void {
    this.#byRoute.set(instance.route, instance)
    this.#missed.delete(instance.route)
  }

  unregister(instance: Instance): void {
    if (this.#byRoute.get(instance.route) === instance) this.#byRoute.delete(instance.route)
  }

  /** As `unregister`; but only its node is out of sight: it may have been frozen, and come back with all its instances. */
  miss(instance: Instance, now: number): void {
    this.unregister(instance)
    this.#missed.delete(instance.route)
    this.#missed.set(instance.route, now)
    for (const [route, since] of this.#missed) {
      if (this.#missed.size <= MOST_MISSED && now - since < MISSED_MILLISECONDS) break
      this.#missed.delete(route)
    }
  }
  isMissed(route: string, now: number): boolean {
    const since = this.#missed.get(route)
    return since !== undefined && now - since < MISSED_MILLISECONDS
  }

  /** The instance that a token's route names. */
  instanceAt(route: string): Instance | undefined {
    return this.#byRoute.get(route)
  }
}

function isLowerAscii(buffer: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = buffer[i] as number
    if (byte >= 0x80 || (byte >= 0x41 && byte <= 0x5a)) return false
  }
  return end > start && buffer[end - 1] !== 0x2e
}

/** Domains by the bytes of their names: a hash table with open addressing, so that a look-up makes no string. */
class DomainIndex {
  readonly #mask: number
  readonly #domains: (DomainRoutes | undefined)[]

  constructor(domains: readonly DomainRoutes[]) {
    let size = 4
    while (size < domains.length * 2) size *= 2
    this.#mask = size - 1
    this.#domains = new Array<DomainRoutes | undefined>(size).fill(undefined)
    for (const domain of domains) {
      let place = hashText(domain.name) & this.#mask
      while (this.#domains[place] !== undefined) place = (place + 1) & this.#mask
      this.#domains[place] = domain
    }
  }

  find(buffer: Buffer, start: number, end: number): DomainRoutes | undefined {
    for (let place = murmur3(buffer, start, end) & this.#mask; ; place = (place + 1) & this.#mask) {
      const domain = this.#domains[place]
      if (domain === undefined || domain.isNamed(buffer, start, end)) return domain
    }
  }
}
