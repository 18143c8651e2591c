import type { Addressed } from '../balancing/traffic.ts'
import { addressesOf } from './key.ts'
import type { Head } from './xmpp/head.ts'

/** Stanzas that are kept at most: a share that they show is right to within 0.7 percentage points, 95 times in 100. */
export const MOST_KEPT = 20_000
/** Characters of addresses that are kept at most; with long ones fewer stanzas are. */
export const MOST_CHARACTERS = 4 * 1024 ** 2

/** What was seen in a time. */
export interface Seen {
  /** Stanzas that were balanced. */
  readonly stanzas: number
  /** How many of those are in `items`. */
  readonly kept: number
  /** Each pair of addresses as it came; `weight` is how many of all stanzas it stands for. */
  readonly items: readonly Required<Addressed>[]
}

interface Kept {
  readonly from: string
  readonly to: string
}

/**
 * The addresses of a domain's stanzas, for a while: of all of them, up to a number; of more, as many drawn at random, each
 * stanza being as likely as another (Vitter's algorithm R, 1985). So every share is a fair guess, whatever the criterion.
 */
export class Sample {
  readonly #random: () => number
  readonly #kept: Kept[] = []
  #limit: number
  #characters = 0
  #stanzas = 0

  /** @param random in [0, 1) */
  constructor(random: () => number, limit = MOST_KEPT) {
    this.#random = random
    this.#limit = limit
  }

  note(head: Head): void {
    const seen = ++this.#stanzas
    const place = seen <= this.#limit ? this.#kept.length : Math.floor(this.#random() * seen)
    if (place >= this.#limit) return
    const addresses = addressesOf(head)
    const old = this.#kept[place]
    this.#kept[place] = addresses
    this.#characters += lengthOf(addresses) - (old === undefined ? 0 : lengthOf(old))
    if (this.#characters > MOST_CHARACTERS) this.#halve()
  }

  /** What has been seen so far. */
  seen(): Seen {
    const kept = this.#kept.length
    const counts = new Map<string, { from: string; to: string; weight: number }>()
    const each = kept === 0 ? 0 : this.#stanzas / kept
    for (const { from, to } of this.#kept) {
      const key = pairOf(from, to)
      const counted = counts.get(key)
      if (counted === undefined) counts.set(key, { from, to, weight: each })
      else counted.weight += each
    }
    return { stanzas: this.#stanzas, kept, items: [...counts.values()] }
  }

  /** Half of what is kept goes, whichever half: the rest is as fair as all of it. */
  #halve(): void {
    this.#limit = Math.max(1, this.#kept.length >> 1)
    for (let place = 0; place < this.#limit; place++) {
      const other = place + Math.floor(this.#random() * (this.#kept.length - place))
      const [one, two] = [this.#kept[place], this.#kept[other]]
      if (one !== undefined && two !== undefined) [this.#kept[place], this.#kept[other]] = [two, one]
    }
    this.#kept.length = this.#limit
    this.#characters = this.#kept.reduce((sum, addresses) => sum + lengthOf(addresses), 0)
  }
}

/** A name for two addresses. */
export function pairOf(from: string, to: string): string {
  return `${from.length} ${from}${to}`
}

function lengthOf({ from, to }: Kept): number {
  return from.length + to.length
}

/** Those who look at a domain's stanzas at the same time. */
export class Samples {
  readonly #all = new Set<Sample>()

  get size(): number {
    return this.#all.size
  }
  add(sample: Sample): void {
    this.#all.add(sample)
  }
  delete(sample: Sample): void {
    this.#all.delete(sample)
  }
  note(head: Head): void {
    for (const sample of this.#all) sample.note(head)
  }
}
