import { murmur3 } from '../balancing/hash.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { decodeAttribute, domainEnd, domainStart, normalise } from './xmpp/jid.ts'

/** The routing table: which domains are served, and which instance a reply's route names. */
export class Routes {
  readonly #domains = new Map<string, DomainRoutes>()
  readonly #byRoute = new Map<string, Instance>()
  #index = new DomainIndex([])

  /** Replaces the served domains. */
  serve(domains: Iterable<DomainRoutes>): void {
    this.#domains.clear()
    for (const domain of domains) this.#domains.set(domain.name, domain)
    this.#index = new DomainIndex([...this.#domains.values()])
  }

  get domains(): ReadonlyMap<string, DomainRoutes> {
    return this.#domains
  }

  /** The served domain of the JID in `buffer[start, end)`, an attribute's raw bytes; undefined when it is not served. */
  find(buffer: Buffer, start: number, end: number): DomainRoutes | undefined {
    const from = domainStart(buffer, start, end)
    return this.#index.find(buffer, from, domainEnd(buffer, from, end)) ?? this.#findNormalised(buffer, start, end)
  }

  /** Of another spelling: capitals, a dot at the end, another form of Unicode. */
  #findNormalised(buffer: Buffer, start: number, end: number): DomainRoutes | undefined {
    const from = domainStart(buffer, start, end)
    const to = domainEnd(buffer, from, end)
    if (isLowerAscii(buffer, from, to)) return undefined
    const jid = normalise(decodeAttribute(buffer.toString('utf8', from, to)))
    return jid === undefined ? undefined : this.#domains.get(jid.domain)
  }

  register(instance: Instance): void {
    this.#byRoute.set(instance.route, instance)
  }

  unregister(instance: Instance): void {
    if (this.#byRoute.get(instance.route) === instance) this.#byRoute.delete(instance.route)
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
  readonly #names: (Buffer | undefined)[]
  readonly #domains: (DomainRoutes | undefined)[]

  constructor(domains: readonly DomainRoutes[]) {
    let size = 4
    while (size < domains.length * 2) size *= 2
    this.#mask = size - 1
    this.#names = new Array<Buffer | undefined>(size).fill(undefined)
    this.#domains = new Array<DomainRoutes | undefined>(size).fill(undefined)
    for (const domain of domains) {
      const name = Buffer.from(domain.name)
      let place = murmur3(name, 0, name.length) & this.#mask
      while (this.#names[place] !== undefined) place = (place + 1) & this.#mask
      this.#names[place] = name
      this.#domains[place] = domain
    }
  }

  find(buffer: Buffer, start: number, end: number): DomainRoutes | undefined {
    for (let place = murmur3(buffer, start, end) & this.#mask; ; place = (place + 1) & this.#mask) {
      const name = this.#names[place]
      if (name === undefined) return undefined
      if (equal(name, buffer, start, end)) return this.#domains[place]
    }
  }
}

function equal(name: Buffer, buffer: Buffer, start: number, end: number): boolean {
  if (end - start !== name.length) return false
  for (let i = 0; i < name.length; i++) if (buffer[start + i] !== name[i]) return false
  return true
}
