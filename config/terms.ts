import { hotUnits } from '../balancing/bounded.ts'
import type { BalancedDomain } from './balancing.ts'
import type { Domain, Instance } from './config.ts'
import type { Context } from './context.ts'
import { frozenMap } from './frozen.ts'
import { normaliseJid } from './names.ts'
import type { Path } from './problems.ts'
import type { RawDomain } from './schema.ts'

type Terms = Pick<Domain, 'canary' | 'slow_start_seconds' | 'balance_factor' | 'hot_keys'>

/** What a domain's terms have to agree with. */
interface About {
  /** The domain's place in the file. */
  readonly at: Path
  readonly raw: RawDomain
  readonly balanced: BalancedDomain | undefined
  readonly context: Context
}

/** A served domain's canary, slow start and bound; reports what contradicts its balancing, its instances, or itself. */
export function readTerms(
  at: Path,
  raw: RawDomain,
  balanced: BalancedDomain | undefined,
  instances: ReadonlyMap<string, Instance> | undefined,
  context: Context,
): Terms {
  const about = { at, raw, balanced, context }
  checkWeights(about, instances)
  checkCanary(about, instances)
  checkSlowStart(about)
  checkBound(about)
  const { canary, slow_start_seconds, balance_factor } = raw
  const hot = readHotKeys(about)
  return {
    ...(canary === undefined ? {} : { canary }),
    ...(slow_start_seconds === undefined ? {} : { slow_start_seconds }),
    ...(balance_factor === undefined ? {} : { balance_factor }),
    ...(hot === undefined ? {} : { hot_keys: hot }),
  }
}

/** Our own address has no instances to set apart. */
export function refuseTerms(at: Path, raw: RawDomain, context: Context): void {
  for (const key of ['canary', 'slow_start_seconds', 'balance_factor', 'hot_keys'] as const) {
    if (raw[key] === undefined) continue
    const path = [...at, key]
    context.report(path, 'stands at our own address, to which no instance connects', 'key', [path, ['address']])
  }
}

const isRandom = ({ balanced }: About): boolean => balanced === undefined || balanced.balancing.type === 'random'
const bucketsOf = ({ balanced }: About): number | undefined => balanced?.balancing.component_number

function checkWeights(about: About, instances: ReadonlyMap<string, Instance> | undefined): void {
  const { at, context, raw } = about
  const weighed = [...(instances ?? [])].filter(([, { weight }]) => weight !== undefined)
  const count = bucketsOf(about)
  for (const [name] of weighed) {
    const path = [...at, 'instances', name, 'weight']
    if (raw.canary?.instance === name) {
      const message = 'stands at the canary, whose share is canary.percent'
      context.report(path, message, 'key', [path, [...at, 'canary', 'instance']])
    } else if (!isRandom(about) && count !== undefined) {
      const message = `changes nothing: whoever holds one of the ${count} buckets gets all of its keys`
      context.report(path, message, 'key', [path, ...(about.balanced?.paths ?? [])])
    }
  }
  const others = [...(instances ?? [])].filter(([name]) => name !== raw.canary?.instance)
  if (others.length > 0 && others.every(([, { weight }]) => weight === 0)) {
    const paths = others.map(([name]) => [...at, 'instances', name, 'weight'])
    context.report(paths[0] ?? at, 'is 0, and so is that of every other: one must be more', 'value', paths)
  }
}

function checkCanary({ at, raw, context }: About, instances: ReadonlyMap<string, Instance> | undefined): void {
  if (raw.canary === undefined) return
  const { instance } = raw.canary
  const path = [...at, 'canary', 'instance']
  const because = [path, [...at, 'instances']]
  if (instances === undefined) context.report(path, 'needs instances, of which it names one', 'value', because)
  else if (!instances.has(instance)) {
    const known = [...instances.keys()].join(', ')
    context.report(path, `is ${instance}, which is none of the instances: ${known}`, 'value', because)
  } else if (instances.size === 1) context.report(path, `is ${instance}, the only instance`, 'value', because)
  else if (instances.get(instance)?.bucket !== undefined) {
    const bucket = [...at, 'instances', instance, 'bucket']
    context.report(bucket, 'stands at the canary, which holds no bucket', 'key', [bucket, path])
  }
  checkThousandths([...at, 'canary', 'percent'], raw.canary.percent, context)
}

function checkSlowStart(about: About): void {
  const { at, raw, balanced, context } = about
  if (raw.slow_start_seconds === undefined || isRandom(about)) return
  const path = [...at, 'slow_start_seconds']
  const message = `needs random stanzas: by ${balanced?.balancing.type} a key would go from one instance to another and back`
  context.report(path, message, 'key', [path, ...(balanced?.paths ?? [])])
}

function checkBound(about: About): void {
  const { at, raw, balanced, context } = about
  const path = [...at, 'balance_factor']
  if (raw.balance_factor === undefined) return
  const count = bucketsOf(about)
  const because = [path, ...(balanced?.paths ?? [])]
  if (isRandom(about)) context.report(path, 'needs a criterion: random stanzas are even as they are', 'key', because)
  else if (count !== undefined) {
    context.report(path, `cannot move keys between ${count} buckets: leave component_number out`, 'key', because)
  }
}

/** By normal form. Reports those that are written twice, cannot be a key, or are more than the whole together. */
function readHotKeys({ at, raw, balanced, context }: About): Terms['hot_keys'] {
  if (raw.hot_keys === undefined) return undefined
  const path = [...at, 'hot_keys']
  if (raw.balance_factor === undefined) {
    context.report(path, 'needs a balance_factor', 'key', [path, [...at, 'balance_factor']])
  }
  const type = balanced?.balancing.type
  const hot = new Map<string, number>()
  for (const [written, percent] of Object.entries(raw.hot_keys)) {
    const key = normaliseJid(written) ?? written
    const place = [...path, written]
    if (hot.has(key)) context.report(place, `is the same key as ${key}, written above`, 'key')
    if (key.includes('/') && type?.startsWith('bare_') === true) {
      context.report(place, `has a resource, and ${type} makes no such key`, 'key', [place, ...(balanced?.paths ?? [])])
    }
    checkThousandths(place, percent, context)
    hot.set(key, percent)
  }
  const sum = [...hot.values()].reduce((units, percent) => units + Math.round((percent * hotUnits) / 100), 0)
  if (sum > hotUnits) {
    context.report(path, `come to ${(sum * 100) / hotUnits} % of the traffic, more than all of it`, 'key')
  }
  return frozenMap(hot)
}

function checkThousandths(path: Path, percent: number, context: Context): void {
  if (Math.abs(percent * 1000 - Math.round(percent * 1000)) > 1e-6) {
    context.report(path, `is ${percent}, finer than thousandths`)
  }
}
