import type { Incarnation } from './cluster-store.ts'
import type { ConnectedState, NodeState } from './node-state.ts'
import type { Recorded, RecordedDomain } from './recorded.ts'

/** Something that should be the same and is not: `text` for people, the rest for programs. */
export interface Difference {
  readonly kind: DifferenceKind
  readonly text: string
  /** The names of the nodes that it is about; incarnations of those that have no name. */
  readonly nodes: readonly string[]
  readonly domain?: string
  readonly instance?: string
  readonly bucket?: number
}

export type DifferenceKind =
  | 'field-unreadable'
  | 'node-unknown'
  | 'node-unreadable'
  | 'node-name'
  | 'node-fenced'
  | 'epoch'
  | 'config'
  | 'estate'
  | 'instance-missing'
  | 'instance-gone'
  | 'instance-elsewhere'
  | 'instance-orphan'
  | 'instance-known'
  | 'route'
  | 'bucket'
  | 'bucket-holder'
  | 'link'
  | 'link-known'
  | 'more'

/** No more are listed: what has gone that wrong is not mended line by line. */
const most = 1000

/** States in which an instance need not be in the table: not yet, or not any more. */
const passing: ReadonlySet<string> = new Set(['joining', 'draining'])

/** What differs between the table and what each node has and believes; nothing, in health. */
export function compare(table: Recorded, states: readonly NodeState[]): readonly Difference[] {
  const found = [...nodes(table, states), ...estates(table), ...configs(states)]
  for (const domain of domainsOf(table, states)) {
    const facts: Facts = { table, states, domain, record: table.domains.get(domain) ?? nothing }
    found.push(...connected(facts), ...entered(facts), ...routes(facts), ...buckets(facts), ...links(facts))
  }
  if (found.length <= most) return found
  const rest = found.length - most
  return [...found.slice(0, most), { kind: 'more', text: `and ${rest} more differences`, nodes: [] }]
}

interface Facts {
  readonly table: Recorded
  readonly states: readonly NodeState[]
  readonly domain: string
  readonly record: RecordedDomain
}

const nothing: RecordedDomain = { instances: new Map(), holders: undefined, linkHolder: undefined }

function domainsOf(table: Recorded, states: readonly NodeState[]): ReadonlySet<string> {
  return new Set([...table.domains.keys(), ...states.flatMap(({ domains }) => Object.keys(domains))])
}

/** A member's name, or what there is of one that is none. */
const nameOf = ({ members }: Recorded, node: Incarnation): string => members.get(node) ?? `incarnation ${node}`

/** Only a snapshot of the same epoch can be compared; that one is behind is a difference by itself. */
const isCurrent = (table: Recorded, state: NodeState): boolean => state.epoch === table.epoch

function* nodes(table: Recorded, states: readonly NodeState[]): Generator<Difference> {
  for (const field of table.unreadable) {
    yield { kind: 'field-unreadable', text: `the field ${field} in Redis cannot be read`, nodes: [] }
  }
  for (const [name, incarnation] of table.names) {
    if (table.members.get(incarnation) === name) continue
    yield { kind: 'node-name', text: `the name ${name} is of ${nameOf(table, incarnation)}`, nodes: [name] }
  }
  for (const [incarnation, name] of table.members) {
    if (table.names.has(name)) continue
    yield { kind: 'node-name', text: `the name of node ${name} (${incarnation}) is not taken in Redis`, nodes: [name] }
  }
  for (const state of states) {
    const { name, incarnation, epoch, isHeld, reach } = state
    const about = { nodes: [name] }
    if (table.members.get(incarnation) !== name) {
      yield { kind: 'node-unknown', text: `node ${name} (${incarnation}) answers and is no member`, ...about }
    }
    if (!isHeld || reach !== 'up') {
      const lease = isHeld ? 'its lease is valid' : 'its lease is not valid'
      yield { kind: 'node-fenced', text: `node ${name}: ${lease}, and Redis is ${reach} to it`, ...about }
    }
    if (!isCurrent(table, state)) {
      yield { kind: 'epoch', text: `node ${name} is at epoch ${epoch}, Redis at ${table.epoch}`, ...about }
    }
  }
}

/** What a dead node left behind must be somebody's who lives. */
function* estates(table: Recorded): Generator<Difference> {
  for (const [dead, heir] of table.estates) {
    if (heir !== null && table.members.has(heir)) continue
    const who = heir === null ? 'nobody' : `${nameOf(table, heir)}, which is no member`
    yield { kind: 'estate', text: `the inbox of the dead incarnation ${dead} is settled by ${who}`, nodes: [] }
  }
}

/** Nodes must agree in what decides where a key goes. */
function* configs(states: readonly NodeState[]): Generator<Difference> {
  const byDomain = new Map<string, Map<string, string[]>>()
  for (const { name, domains } of states) {
    for (const [domain, { digest }] of Object.entries(domains)) {
      const digests = byDomain.get(domain) ?? new Map<string, string[]>()
      byDomain.set(domain, digests.set(digest, [...(digests.get(digest) ?? []), name]))
    }
  }
  for (const [domain, digests] of byDomain) {
    const groups = [...digests.values()].map((names) => names.join(', '))
    const serving = [...digests.values()].flat()
    if (digests.size > 1) {
      const text = `${domain}: the configurations differ between ${groups.join(' and ')}`
      yield { kind: 'config', text, nodes: serving, domain }
    }
    const without = states.map(({ name }) => name).filter((name) => !serving.includes(name))
    if (without.length > 0) {
      yield { kind: 'config', text: `${domain}: is not served by ${without.join(', ')}`, nodes: without, domain }
    }
  }
}

/** What is connected must be in the table, at its node. */
function* connected({ table, states, domain, record }: Facts): Generator<Difference> {
  for (const { name, incarnation, domains } of states) {
    for (const [instance, has] of Object.entries(domains[domain]?.instances ?? {})) {
      const entry = record.instances.get(instance)
      const about = { nodes: [name], domain, instance }
      const what = `${domain}: ${instance} is connected to ${name}`
      if (entry === undefined) {
        if (!passing.has(has.state)) yield { kind: 'instance-missing', text: `${what} and not in Redis`, ...about }
      } else if (entry.node !== incarnation) {
        if (passing.has(has.state)) continue
        const text = `${what}, in Redis to ${nameOf(table, entry.node)}`
        yield { kind: 'instance-elsewhere', text, ...about }
      } else {
        yield* place(has, entry.route, record, what, about)
      }
    }
  }
}

/** An instance that is where the table says: its route and its bucket must be as there, too. */
function* place(
  has: ConnectedState,
  route: string,
  { holders }: RecordedDomain,
  what: string,
  about: { readonly nodes: readonly string[]; readonly domain: string; readonly instance: string },
): Generator<Difference> {
  if (has.route !== route) {
    yield { kind: 'route', text: `${what} with the route ${has.route}, in Redis with ${route}`, ...about }
  }
  const bucket = holders?.indexOf(about.instance) ?? -1
  if (has.bucket !== (bucket < 0 ? null : bucket) && !passing.has(has.state)) {
    const text = `${what} ${withBucket(has.bucket)}, in Redis ${withBucket(bucket < 0 ? null : bucket)}`
    yield { kind: 'bucket', text, ...about, ...(has.bucket === null ? {} : { bucket: has.bucket }) }
  }
}

const withBucket = (bucket: number | null): string => (bucket === null ? 'without a bucket' : `with bucket ${bucket}`)

/** What is in the table must be connected, and each node must have it so. */
function* entered({ table, states, domain, record }: Facts): Generator<Difference> {
  const byIncarnation = new Map(states.map((state) => [state.incarnation, state]))
  for (const [instance, { node }] of record.instances) {
    const state = byIncarnation.get(node)
    const about = { nodes: [nameOf(table, node)], domain, instance }
    const what = `${domain}: ${instance} is in Redis connected to ${nameOf(table, node)}`
    if (!table.members.has(node)) yield { kind: 'instance-orphan', text: `${what}, which is no member`, ...about }
    else if (state !== undefined && state.domains[domain]?.instances[instance] === undefined) {
      yield { kind: 'instance-gone', text: `${what}, which does not have it`, ...about }
    }
  }
  for (const state of states) {
    const known = state.domains[domain]?.nodes
    if (known === undefined || !isCurrent(table, state)) continue
    for (const instance of new Set([...record.instances.keys(), ...Object.keys(known)])) {
      const inRedis = record.instances.get(instance)?.node
      if (known[instance] === inRedis) continue
      const [here, there] = [known[instance], inRedis].map((node) =>
        node === undefined ? 'nowhere' : nameOf(table, node),
      )
      const text = `${domain}: ${instance} is at ${here} as ${state.name} knows it, in Redis at ${there}`
      yield { kind: 'instance-known', text, nodes: [state.name], domain, instance }
    }
  }
}

/** A route says which instance asked: two of the same would get each other's replies. */
function* routes({ table, domain, record }: Facts): Generator<Difference> {
  const taken = new Map<string, string>()
  for (const [instance, { route, node }] of record.instances) {
    const first = taken.get(route)
    taken.set(route, first ?? instance)
    if (first === undefined) continue
    const text = `${domain}: ${first} and ${instance} have the same route ${route}`
    yield { kind: 'route', text, nodes: [nameOf(table, node)], domain, instance }
  }
}

function* buckets({ table, states, domain, record }: Facts): Generator<Difference> {
  const holders = record.holders ?? []
  for (const [bucket, holder] of holders.entries()) {
    if (holder === null || record.instances.has(holder)) continue
    const text = `${domain}: bucket ${bucket} is in Redis of ${holder}, which is not connected`
    yield { kind: 'bucket-holder', text, nodes: [], domain, instance: holder, bucket }
  }
  for (const state of states) {
    const known = state.domains[domain]?.holders
    if (known === undefined || !isCurrent(table, state)) continue
    for (let bucket = 0; bucket < Math.max(known.length, holders.length); bucket++) {
      const here = known[bucket] ?? null
      const there = holders[bucket] ?? null
      if (here === there) continue
      const text = `${domain}: bucket ${bucket} is of ${here ?? 'nobody'} as ${state.name} knows it, in Redis of ${there ?? 'nobody'}`
      yield { kind: 'bucket', text, nodes: [state.name], domain, bucket }
    }
  }
}

/** One node must have the one link, and it must be the one that the table names. */
function* links({ table, states, domain, record }: Facts): Generator<Difference> {
  const { linkHolder } = record
  const single = states.filter((state) => state.domains[domain]?.links === 'one')
  if (single.length === 0) return
  const having = single.filter((state) => state.domains[domain]?.hasLink === true)
  const names = having.map(({ name }) => name)
  if (having.length > 1) {
    yield { kind: 'link', text: `${domain}: the one link is held by ${names.join(' and ')}`, nodes: names, domain }
  }
  for (const state of having) {
    if (state.incarnation === linkHolder) continue
    const text = `${domain}: the link is held by ${state.name}, in Redis by ${linkHolder === undefined ? 'nobody' : nameOf(table, linkHolder)}`
    yield { kind: 'link', text, nodes: [state.name], domain }
  }
  if (linkHolder === undefined) {
    if (record.instances.size > 0 && having.length === 0) {
      yield { kind: 'link', text: `${domain}: has instances, and nobody holds its link`, nodes: [], domain }
    }
  } else if (!table.members.has(linkHolder)) {
    const text = `${domain}: the link is in Redis held by ${nameOf(table, linkHolder)}, which is no member`
    yield { kind: 'link', text, nodes: [], domain }
  } else if (
    single.some(({ incarnation }) => incarnation === linkHolder) &&
    !having.some(({ incarnation }) => incarnation === linkHolder)
  ) {
    const holder = nameOf(table, linkHolder)
    yield {
      kind: 'link',
      text: `${domain}: the link is in Redis held by ${holder}, which does not dial it`,
      nodes: [holder],
      domain,
    }
  }
  for (const state of single) {
    const known = state.domains[domain]?.linkHolder ?? undefined
    if (known === linkHolder || !isCurrent(table, state)) continue
    const [here, there] = [known, linkHolder].map((node) => (node === undefined ? 'nobody' : nameOf(table, node)))
    const text = `${domain}: the link is held by ${here} as ${state.name} knows it, in Redis by ${there}`
    yield { kind: 'link-known', text, nodes: [state.name], domain }
  }
}
