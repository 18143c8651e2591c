import type { Fields, Incarnation } from './cluster-store.ts'
import { isRecord } from './node-state.ts'

/** The table as Redis has it, read for the check by itself: a fault of whoever writes it must not hide here. */
export interface Recorded {
  readonly epoch: number
  /** Names of the members, by incarnation. */
  readonly members: ReadonlyMap<Incarnation, string>
  /** Who has each name. */
  readonly names: ReadonlyMap<string, Incarnation>
  /** Heirs of dead nodes' inboxes, by the dead node's incarnation; null: nobody. */
  readonly estates: ReadonlyMap<Incarnation, Incarnation | null>
  readonly domains: ReadonlyMap<string, RecordedDomain>
  /** Fields that could not be read. */
  readonly unreadable: readonly string[]
}

export interface RecordedDomain {
  readonly instances: ReadonlyMap<string, { readonly node: Incarnation; readonly route: string }>
  /** Who holds each bucket; undefined for a domain without buckets. */
  readonly holders: readonly (string | null)[] | undefined
  readonly linkHolder: Incarnation | undefined
}

interface Draft {
  readonly instances: Map<string, { node: Incarnation; route: string }>
  holders: readonly (string | null)[] | undefined
  linkHolder: Incarnation | undefined
}

/** Reads the fields of the table; fields of kinds that it does not know are another release's. */
export function recorded(epoch: number, fields: Fields): Recorded {
  const members = new Map<Incarnation, string>()
  const names = new Map<string, Incarnation>()
  const estates = new Map<Incarnation, Incarnation | null>()
  const domains = new Map<string, Draft>()
  const unreadable: string[] = []
  const domain = (name: string): Draft => {
    const known = domains.get(name) ?? { instances: new Map(), holders: undefined, linkHolder: undefined }
    domains.set(name, known)
    return known
  }
  for (const [field, text] of fields) {
    const [kind, name] = cut(field)
    const value = parsed(text)
    if (kind === 'name') names.set(name, text)
    else if (kind === 'link') domain(name).linkHolder = text
    else if (kind === 'node' && isRecord(value) && typeof value.name === 'string') members.set(name, value.name)
    else if (kind === 'estate' && isRecord(value)) {
      estates.set(name, typeof value.heir === 'string' ? value.heir : null)
    } else if (kind === 'buckets' && isRecord(value) && Array.isArray(value.holders)) {
      domain(name).holders = value.holders.map((holder) => (typeof holder === 'string' ? holder : null))
    } else if (kind === 'instance' && isRecord(value) && typeof value.node === 'string') {
      const [of, instance] = cut(name)
      domain(of).instances.set(instance, { node: value.node, route: String(value.route) })
    } else if (['node', 'estate', 'buckets', 'instance'].includes(kind)) unreadable.push(field)
  }
  return { epoch, members, names, estates, domains, unreadable }
}

/** What is before the first slash, and what is behind it: only the last part of a field may have slashes. */
function cut(field: string): readonly [string, string] {
  const at = field.indexOf('/')
  return at < 0 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
