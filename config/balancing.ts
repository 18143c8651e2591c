import type { Balancing, Instance } from './config.ts'
import type { Context } from './context.ts'
import { normaliseDomain } from './names.ts'
import type { Path } from './problems.ts'
import type { RawConfig, RawDomain } from './schema.ts'

/** ejabberd's two spellings of the number of buckets, and the names of the keys that they stand under. */
const current = 'domain_balancing'
const older = 'domain_balancing_component_number'

export interface BalancedDomain {
  readonly balancing: Balancing
  /** What the number of buckets follows from. */
  readonly paths: readonly Path[]
}

/** How each domain chooses an instance, by normalised name: both of ejabberd's spellings, which must not contradict. */
export function readBalancing(
  raw: RawConfig,
  known: ReadonlySet<string>,
  context: Context,
): ReadonlyMap<string, BalancedDomain> {
  const result = new Map<string, BalancedDomain>()
  for (const [name, key, entry] of entriesOf(current, raw[current], raw, known, context)) {
    result.set(name, { balancing: entry, paths: [[current, key, 'component_number']] })
  }
  for (const [name, key, count] of entriesOf(older, raw[older], raw, known, context)) {
    const path = [older, key]
    const entry = result.get(name)
    const written = entry?.balancing.component_number
    if (written !== undefined && written !== count) {
      const because = [path, ...(entry?.paths ?? [])]
      context.report(path, `is ${count}, but ${current} says ${written}: give one number`, 'value', because)
    }
    // ejabberd's default: a domain of which only the number is said is balanced at random.
    const balancing = { type: 'random' as const, ...entry?.balancing, component_number: count }
    result.set(name, { balancing, paths: [...(entry?.paths ?? []), path] })
  }
  return result
}

/** The entries under a key as [normalised name, name as written, value]; reports the ones that name no domain. */
function entriesOf<T>(
  section: string,
  written: Readonly<Record<string, T>>,
  raw: RawConfig,
  known: ReadonlySet<string>,
  context: Context,
): readonly (readonly [string, string, T])[] {
  const spelled = new Map<string, string>()
  const own = normaliseDomain(raw.address)
  return Object.entries(written).flatMap(([key, value]) => {
    const name = normaliseDomain(key) ?? key
    const at = [section, key]
    const first = spelled.get(name)
    if (first !== undefined) {
      context.report(at, `is the same domain as ${first}`, 'key')
      return []
    }
    spelled.set(name, key)
    if (name === own) context.report(at, 'is our own address, which has no instances', 'key', [at, ['address']])
    else if (!known.has(name)) context.report(at, 'is not one of the configured domains', 'key', [at, ['domains']])
    return [[name, key, value] as const]
  })
}

/** Buckets that instances name must exist, each for one instance. */
export function checkBuckets(
  at: Path,
  instances: ReadonlyMap<string, Instance>,
  balanced: BalancedDomain | undefined,
  name: string,
  context: Context,
): void {
  const count = balanced?.balancing.component_number
  const because: readonly Path[] = balanced?.paths ?? []
  const owners = new Map<number, string>()
  for (const [instance, { bucket }] of instances) {
    if (bucket === undefined) continue
    const path = [...at, instance, 'bucket']
    const owner = owners.get(bucket)
    owners.set(bucket, owner ?? instance)
    if (count === undefined) {
      context.report(path, `needs a component_number for ${name} in ${current}`, 'key', [path, ...because])
    } else if (bucket >= count) {
      context.report(path, `is ${bucket}, but ${name} has ${count} buckets, 0 to ${count - 1}`, 'value', [
        path,
        ...because,
      ])
    } else if (owner !== undefined) {
      context.report(path, `is ${bucket}, which is the bucket of ${owner}`)
    }
  }
}

/** ejabberd's buckets are there only where the domain has keys, and a fixed number of buckets. */
export function checkHash(at: Path, raw: RawDomain, balanced: BalancedDomain | undefined, context: Context): void {
  if (raw.hash === 'murmur3') return
  const path = [...at, 'hash']
  const because = [path, [current], ...(balanced?.paths ?? [])]
  const name = at.at(-1)
  const { type = 'random', component_number: count } = balanced?.balancing ?? {}
  if (type === 'random') {
    const message = `is ${raw.hash}, but no address is hashed: ${current} gives ${name} no type, or random`
    context.report(path, message, 'value', because)
  } else if (count === undefined) {
    context.report(path, `is ${raw.hash}, which needs a component_number for ${name} in ${current}`, 'value', because)
  }
}
