import type { Change, Delta, Fields, Incarnation } from './cluster-store.ts'
import { type DomainChange, DomainTable } from './domain-table.ts'
import { LayeredMap } from './layered-map.ts'
import {
  type EstateRecord,
  type NodeRecord,
  readBuckets,
  readEstate,
  readInstance,
  readNode,
  SEEDED_FIELD,
  splitField,
  splitInstance,
} from './records.ts'

interface Parts {
  readonly epoch: number
  readonly texts: LayeredMap<string, string>
  readonly nodes: ReadonlyMap<Incarnation, NodeRecord>
  readonly names: ReadonlyMap<string, Incarnation>
  readonly estates: ReadonlyMap<Incarnation, EstateRecord>
  readonly domains: ReadonlyMap<string, DomainTable>
  readonly unreadable: ReadonlySet<string>
}

/** What the cluster knows at one epoch. Never changed: `with` gives another table, and parses no more than what has changed. */
export class Table {
  readonly epoch: number
  /** Those that are members. */
  readonly nodes: ReadonlyMap<Incarnation, NodeRecord>
  /** Which member has which name. */
  readonly names: ReadonlyMap<string, Incarnation>
  /** The inboxes of dead nodes. */
  readonly estates: ReadonlyMap<Incarnation, EstateRecord>
  readonly domains: ReadonlyMap<string, DomainTable>
  /** Fields whose values cannot be read; they count as if they were not there. */
  readonly unreadable: ReadonlySet<string>
  readonly #texts: LayeredMap<string, string>

  private constructor({ epoch, texts, nodes, names, estates, domains, unreadable }: Parts) {
    this.epoch = epoch
    this.#texts = texts
    this.nodes = nodes
    this.names = names
    this.estates = estates
    this.domains = domains
    this.unreadable = unreadable
  }

  static readonly empty = new Table({
    epoch: 0,
    texts: new LayeredMap(),
    nodes: new Map(),
    names: new Map(),
    estates: new Map(),
    domains: new Map(),
    unreadable: new Set(),
  })

  /** A table that begins with all these fields. */
  static of(epoch: number, fields: Fields): Table {
    return Table.empty.with(fields, epoch)
  }

  domain(name: string): DomainTable | undefined {
    return this.domains.get(name)
  }

  /** The member that does what one of them must do: the one that joined first. */
  get senior(): Incarnation | undefined {
    return this.seniorOf(new Set())
  }

  /** The senior, were it not for these. */
  seniorOf(without: ReadonlySet<Incarnation>): Incarnation | undefined {
    let senior: Incarnation | undefined
    let joined = Number.POSITIVE_INFINITY
    for (const [incarnation, node] of this.nodes) {
      if (without.has(incarnation) || node.joined > joined) continue
      if (node.joined === joined && senior !== undefined && senior < incarnation) continue
      senior = incarnation
      joined = node.joined
    }
    return senior
  }

  /** The epoch at which it was put back into a store that had forgotten it; 0 when that has never been. */
  get seeded(): number {
    return Number(this.#texts.get(SEEDED_FIELD) ?? 0) || 0
  }

  text(field: string): string | undefined {
    return this.#texts.get(field)
  }

  /** All there is, as the store has it. */
  get fields(): Fields {
    return new Map(this.#texts)
  }

  /** The table after a change that the store tells. */
  after({ epoch, delta, isWhole }: Change): Table {
    return isWhole ? Table.empty.with(delta, epoch) : this.with(delta, epoch)
  }

  with(delta: Delta, epoch: number): Table {
    const update = new Update(this.#texts, this.nodes, this.names, this.estates, this.unreadable)
    for (const [field, text] of delta) update.take(field, text)
    const domains = update.domains.size === 0 ? this.domains : new Map(this.domains)
    const { texts, nodes, names, estates, unreadable } = update
    for (const [name, change] of update.domains) {
      const domain = (this.domains.get(name) ?? DomainTable.empty(name)).with(change)
      const changed = domains as Map<string, DomainTable>
      if (domain.isEmpty) changed.delete(name)
      else changed.set(name, domain)
    }
    return new Table({ epoch, texts, nodes, names, estates, domains, unreadable })
  }
}

/** Sorts a delta by what it is about. A map is copied when something in it changes. */
class Update {
  readonly domains = new Map<string, DomainChange>()
  readonly #before: LayeredMap<string, string>
  readonly #changes = new Map<string, string | undefined>()
  readonly #nodes: Lazy<NodeRecord>
  readonly #names: Lazy<Incarnation>
  readonly #estates: Lazy<EstateRecord>
  unreadable: ReadonlySet<string>

  constructor(
    before: LayeredMap<string, string>,
    nodes: ReadonlyMap<Incarnation, NodeRecord>,
    names: ReadonlyMap<string, Incarnation>,
    estates: ReadonlyMap<Incarnation, EstateRecord>,
    unreadable: ReadonlySet<string>,
  ) {
    this.#before = before
    this.#nodes = new Lazy(nodes)
    this.#names = new Lazy(names)
    this.#estates = new Lazy(estates)
    this.unreadable = unreadable
  }

  get texts(): LayeredMap<string, string> {
    return this.#before.with(this.#changes)
  }
  get nodes(): ReadonlyMap<Incarnation, NodeRecord> {
    return this.#nodes.map
  }
  get names(): ReadonlyMap<string, Incarnation> {
    return this.#names.map
  }
  get estates(): ReadonlyMap<Incarnation, EstateRecord> {
    return this.#estates.map
  }

  take(field: string, text: string | null): void {
    if ((this.#before.get(field) ?? null) === text) return
    this.#changes.set(field, text ?? undefined)
    const isRead = this.#read(field, text)
    if (isRead !== this.unreadable.has(field)) return
    const unreadable = new Set(this.unreadable)
    if (isRead) unreadable.delete(field)
    else unreadable.add(field)
    this.unreadable = unreadable
  }

  /** False for what cannot be read. Fields of a kind that it does not know are kept, and mean nothing to it. */
  #read(field: string, text: string | null): boolean {
    const { kind, subject } = splitField(field)
    switch (kind) {
      case 'node':
        return this.#nodes.set(subject, text, readNode)
      case 'name':
        return this.#names.set(subject, text, (incarnation) => incarnation)
      case 'estate':
        return this.#estates.set(subject, text, readEstate)
      case 'instance':
        return this.#readInstance(subject, text)
      case 'buckets': {
        const buckets = text === null ? null : readBuckets(text)
        this.#domain(subject).buckets = buckets ?? null
        return buckets !== undefined
      }
      case 'link':
        this.#domain(subject).link = text
        return true
      default:
        return true
    }
  }

  #readInstance(subject: string, text: string | null): boolean {
    const place = splitInstance(subject)
    if (place === undefined) return text === null
    const record = text === null ? undefined : readInstance(text)
    this.#domain(place.domain).instances.set(place.name, record)
    return text === null || record !== undefined
  }

  #domain(name: string): DomainChange {
    const change = this.domains.get(name) ?? { instances: new Map() }
    this.domains.set(name, change)
    return change
  }
}

class Lazy<Value> {
  map: ReadonlyMap<string, Value>
  #copy: Map<string, Value> | undefined

  constructor(map: ReadonlyMap<string, Value>) {
    this.map = map
  }

  /** False when `read` cannot read it: then it is removed. */
  set(key: string, text: string | null, read: (text: string) => Value | undefined): boolean {
    this.#copy ??= new Map(this.map)
    this.map = this.#copy
    const value = text === null ? undefined : read(text)
    if (value === undefined) this.#copy.delete(key)
    else this.#copy.set(key, value)
    return text === null || value !== undefined
  }
}
