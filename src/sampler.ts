import { type Addressed, hashedOf, type Traffic } from '../balancing/traffic.ts'
import { normaliseDomain } from '../config/names.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Routes } from './routes.ts'
import { Sample, Samples } from './sampling.ts'
import { normalText } from './xmpp/jid.ts'

/** What one node has seen of a domain's stanzas. */
export interface SamplePart {
  readonly stanzas: number
  readonly kept: number
  readonly items: readonly (Traffic & { readonly weight: number })[]
}

export interface SampleOptions {
  /** Seconds. */
  readonly seconds: number
  /** Without addresses. */
  readonly hashed: boolean
}

export interface SamplerParts {
  readonly routes: Routes
  readonly random: () => number
  /** Resolves after that time, or as soon as the signal is given. */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** Samples of one domain at once. */
const MOST_AT_ONCE = 4
/** Pairs of addresses that are worked on in one turn of the event loop. */
const AT_ONCE = 200

/** Looks at the stanzas of this node's domains for a while, when somebody asks. */
export class Sampler {
  readonly #parts: SamplerParts
  readonly #byDomain = new WeakMap<DomainRoutes, Samples>()

  constructor(parts: SamplerParts) {
    this.#parts = parts
  }

  /** Resolves when the time is over, or the signal is given; rejects when the domain is not served, or looked at enough. */
  async take(name: string, { seconds, hashed }: SampleOptions, signal?: AbortSignal): Promise<SamplePart> {
    const { routes, random, pause } = this.#parts
    const domain = routes.domains.get(normaliseDomain(name) ?? '')
    if (domain === undefined) throw new Error(`${name} is not served here`)
    const samples = this.#byDomain.get(domain) ?? new Samples()
    this.#byDomain.set(domain, samples)
    if (samples.size >= MOST_AT_ONCE) throw new Error(`${samples.size} samples of ${name} are being taken already`)
    const sample = new Sample(random)
    samples.add(sample)
    domain.watcher = samples
    try {
      await pause(seconds * 1000, signal)
    } finally {
      samples.delete(sample)
      if (samples.size === 0) domain.watcher = undefined
    }
    const { stanzas, kept, items } = sample.seen()
    const normal: SamplePart['items'][number][] = []
    for (const [index, item] of items.entries()) {
      const from = normalText(item.from)
      const to = normalText(item.to)
      if (from !== undefined && to !== undefined) normal.push(itemOf({ from, to, weight: item.weight }, hashed))
      // Twenty thousand addresses are a quarter of a second: stanzas do not wait for so long.
      if (index % AT_ONCE === AT_ONCE - 1) await pause(0)
    }
    return { stanzas, kept, items: normal }
  }
}

/** @param addresses in normal form */
function itemOf(addresses: Required<Addressed>, hashed: boolean): SamplePart['items'][number] {
  return hashed ? { ...hashedOf(addresses), weight: addresses.weight } : addresses
}
