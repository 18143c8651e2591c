import type { Incarnation } from './cluster-store.ts'

/** Which form of the table this version knows. Nodes work together when theirs differ by one at most. */
export const TABLE_FORM = 1

/** What one node says about itself. What a later version adds is kept, and not looked at. */
export interface NodeFacts {
  readonly name: string
  readonly version: string
  /** Its `TABLE_FORM`. */
  readonly form: number
  /** When it was started, in milliseconds since 1970. */
  readonly since: number
  /** Per domain the digest of what nodes must agree in. */
  readonly configs: Readonly<Record<string, string>>
  readonly [later: string]: unknown
}

export interface NodeRecord extends NodeFacts {
  /** The epoch at which it joined. */
  readonly joined: number
}

/** An instance of a domain, as all nodes know it. */
export interface InstanceRecord {
  readonly node: Incarnation
  readonly route: string
  /** When it came, in milliseconds since 1970. */
  readonly since: number
  /** Rises from instance to instance of a domain: the order of arrival. */
  readonly order: number
  /** The bucket that its config names. */
  readonly wanted?: number
  /** It inherits no bucket. */
  readonly isSidelined?: boolean
  /** It has its own keys, and never a bucket: it is sidelined for good, for nodes that know of nothing else. */
  readonly isCanary?: boolean
  readonly [later: string]: unknown
}

/** The inbox that a dead node has left. */
export interface EstateRecord {
  readonly name: string
  /** Who deals with it; null when nobody does yet. */
  readonly heir: Incarnation | null
  /** Its heir has handed out what the dead node had read; not all of that need have ended. */
  readonly isRead?: boolean
}

/** Who has and had which bucket; the members are the domain's instances. */
export interface BucketsRecord {
  readonly holders: readonly (string | undefined)[]
  readonly last: readonly (string | undefined)[]
}

/** What the names of the fields begin with. */
export const fieldOf = {
  node: (incarnation: Incarnation) => `node/${incarnation}`,
  name: (name: string) => `name/${name}`,
  estate: (incarnation: Incarnation) => `estate/${incarnation}`,
  instance: (domain: string, name: string) => `instance/${domain}/${name}`,
  buckets: (domain: string) => `buckets/${domain}`,
  link: (domain: string) => `link/${domain}`,
} as const

/** Written into a table that was put back into a store that had forgotten it: the epoch of that. */
export const SEEDED_FIELD = 'seeded'
/** Its value, instead of an epoch, in a table that began with an empty store, until something is made of it. */
export const NEW_STORE = 'new'

/** The parts of a field's name: its kind, and what stands behind the slash. */
export function splitField(field: string): { readonly kind: string; readonly subject: string } {
  const slash = field.indexOf('/')
  if (slash < 0) return { kind: field, subject: '' }
  return { kind: field.slice(0, slash), subject: field.slice(slash + 1) }
}

/** A domain has no slash in its name; an instance may. */
export function splitInstance(subject: string): { readonly domain: string; readonly name: string } | undefined {
  const slash = subject.indexOf('/')
  return slash < 0 ? undefined : { domain: subject.slice(0, slash), name: subject.slice(slash + 1) }
}

/** These give undefined for what cannot be read: nobody must fall over what another has written. */
export function readNode(text: string): NodeRecord | undefined {
  const raw = objectOf(text)
  if (raw === undefined || typeof raw.name !== 'string' || typeof raw.form !== 'number') return undefined
  return {
    ...raw,
    name: raw.name,
    form: raw.form,
    version: typeof raw.version === 'string' ? raw.version : '',
    joined: typeof raw.joined === 'number' ? raw.joined : 0,
    since: typeof raw.since === 'number' ? raw.since : 0,
    configs: isTexts(raw.configs) ? raw.configs : {},
  }
}

export function readInstance(text: string): InstanceRecord | undefined {
  const raw = objectOf(text)
  if (raw === undefined || typeof raw.node !== 'string' || typeof raw.route !== 'string') return undefined
  const { wanted, isSidelined, isCanary, ...rest } = raw
  return {
    ...rest,
    node: raw.node,
    route: raw.route,
    since: typeof raw.since === 'number' ? raw.since : 0,
    order: typeof raw.order === 'number' ? raw.order : 0,
    ...(typeof wanted === 'number' ? { wanted } : {}),
    ...(isSidelined === true ? { isSidelined } : {}),
    ...(isCanary === true ? { isCanary } : {}),
  }
}

export function readEstate(text: string): EstateRecord | undefined {
  const raw = objectOf(text)
  if (raw === undefined || typeof raw.name !== 'string') return undefined
  const record = { name: raw.name, heir: typeof raw.heir === 'string' ? raw.heir : null }
  return raw.isRead === true ? { ...record, isRead: true } : record
}

export function readBuckets(text: string): BucketsRecord | undefined {
  const raw = objectOf(text)
  if (raw === undefined) return undefined
  const { holders, last } = raw
  if (!isNames(holders) || !isNames(last) || holders.length !== last.length) return undefined
  const named = (name: string | null): string | undefined => name ?? undefined
  return { holders: holders.map(named), last: last.map(named) }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isNames(value: unknown): value is readonly (string | null)[] {
  return Array.isArray(value) && value.every((name) => name === null || typeof name === 'string')
}
