import type { Setting } from '../../balancing/chooser.ts'
import type { Keying } from '../../balancing/criterion.ts'
import type { Comparison, Simulation } from '../../balancing/simulate.ts'
import type { Terms } from '../../balancing/terms.ts'
import { isHash } from '../../balancing/traffic.ts'
import { escapeForLog } from '../log.ts'
import type { Skipped } from '../traffic.ts'

/** What is printed, as text or as JSON. */
export interface Simulated {
  readonly domain: string
  readonly policy: Setting['policy']
  readonly terms: Terms
  /** Names that were connected in the simulation. */
  readonly instances: readonly string[]
  /** They were given neither by the configuration nor by `--instances`. */
  readonly instancesAssumed: boolean
  readonly skipped: Readonly<Skipped>
  readonly result: Simulation
  /** With `--to`. */
  readonly move: (Comparison & { readonly file: string; readonly instances: readonly string[] }) | null
}

const SHARES_SHOWN = 40
const KEYS_SHOWN = 10

/** What `switchyard simulate` prints for people. Ends with a newline. */
export function simulationText(simulated: Simulated): string {
  if (simulated.result.weight === 0) return `${heading(simulated).join('\n')}\n`
  const lines = [...heading(simulated), '', ...shares(simulated), '', ...judgement(simulated)]
  const heaviest = hottest(simulated)
  if (heaviest.length > 0) lines.push('', 'heaviest keys', ...heaviest)
  if (simulated.move !== null) lines.push('', ...moved(simulated, simulated.move))
  return `${lines.join('\n')}\n`
}

function heading({
  domain,
  policy,
  terms,
  instances,
  instancesAssumed,
  skipped,
  result,
}: Simulated): readonly string[] {
  const assumed = instancesAssumed ? ' (assumed: see --instances)' : ''
  const left = [
    counted(skipped.elsewhere, 'to other domains'),
    counted(skipped.replies, 'iq results and errors, which are not balanced'),
    counted(skipped.malformed, 'not readable'),
  ].filter((part) => part !== '')
  return [
    `${domain}: ${[policyText(policy), ...termsText(terms)].join(', ')}; ${instances.length} ${instances.length === 1 ? 'instance' : 'instances'}${assumed}`,
    `${result.weight === 0 ? 'no stanza was seen' : `${whole(result.weight)} ${result.weight === 1 ? 'stanza' : 'stanzas'}`}${left.length === 0 ? '' : `; left out: ${left.join(', ')}`}`,
  ]
}

const counted = (count: number, what: string): string => (count === 0 ? '' : `${count} ${what}`)

function policyText(policy: Setting['policy']): string {
  switch (policy.kind) {
    case 'local_random':
      return 'no domain_balancing, so random'
    case 'random':
      return policy.count === undefined ? 'random' : `random over ${policy.count} buckets`
    case 'rendezvous':
      return `${policy.keying.usual.criterion} over all instances`
    case 'buckets':
      return `${policy.keying.usual.criterion} over ${policy.count} buckets${byHash(policy.keying)}`
  }
}

/** The usual one goes without saying. */
const byHash = ({ asErlang, hash }: Keying): string => (asErlang ? ` by ${hash}` : '')

function termsText({ weights, canary, bound, slowStartSeconds }: Terms): readonly string[] {
  return [
    ...(weights.size === 0 ? [] : [`weights ${[...weights].map(([name, weight]) => `${name} ${weight}`).join(' ')}`]),
    ...(canary === undefined ? [] : [`canary ${canary.instance} ${canary.percent} %`]),
    ...(bound === undefined ? [] : [`at most ${bound.factor} % of a fair share`]),
    ...(slowStartSeconds === 0 ? [] : ['slow start left out']),
  ]
}

function shares({ result, policy }: Simulated): readonly string[] {
  const hasBuckets = policy.kind === 'buckets'
  const rows = result.shares.slice(0, SHARES_SHOWN).map(({ bucket, instance, weight, share }) => {
    const place = [instance ?? 'nobody', whole(weight), percent(share)]
    return hasBuckets ? [bucket === undefined ? 'canary' : String(bucket), ...place] : place
  })
  const header = [...(hasBuckets ? ['bucket'] : []), 'instance', 'stanzas', 'share']
  const more = result.shares.length - rows.length
  return [...table([header, ...rows], hasBuckets ? 2 : 1), ...(more > 0 ? [`and ${more} more: see --json`] : [])]
}

function judgement({ result, skipped, policy, terms }: Simulated): readonly string[] {
  const mean = terms.weights.size === 0 ? 'the mean one' : 'what its weight makes fair'
  const lines = 'keying' in policy ? [] : ['at random  shares are as they come to on average']
  lines.push(`imbalance  ${result.imbalance.toFixed(2)}  (the greatest share over ${mean}; 1 is even)`)
  if (result.imbalanceUnbounded !== undefined) {
    lines.push(`           ${result.imbalanceUnbounded.toFixed(2)}  without balance_factor`)
  }
  if (result.unassigned > 0)
    lines.push(`nobody     ${whole(result.unassigned)} stanzas meet no instance: when_unassigned decides`)
  const heavy = policy.kind === 'rendezvous' ? unnamedHot(result, terms) : []
  if (heavy.length > 0) {
    lines.push(
      `note       ${heavy.length === 1 ? 'a heavy key is' : 'heavy keys are'} not in hot_keys, which balance_factor goes by:`,
    )
    lines.push(`             hot_keys: {${heavy.join(', ')}}`)
  }
  const criterion = 'keying' in policy ? policy.keying.withoutLocal.criterion : 'random'
  if (skipped.lone > 0 && criterion.endsWith('destination')) {
    lines.push(
      `note       a line with one address is FROM; under ${criterion} the key is TO, so those all have one key`,
    )
  }
  return lines
}

/** Those that alone are a twentieth of all, or more, and that the configuration does not name, as it would. */
function unnamedHot({ hottest: all, weight: sum }: Simulation, { bound }: Terms): readonly string[] {
  const named = new Set((bound?.hot ?? []).map(({ key }) => key))
  const unnamed = all.filter(({ key }) => !named.has(key) && !isHash(key))
  const heavy = unnamed.filter(({ weight, error }) => weight - error >= sum / 20)
  // What is sure, rounded down: together they must not be more than all.
  return heavy.map(({ key, weight, error }) => {
    const tenths = Math.floor(((weight - error) * 1000) / sum)
    return `${JSON.stringify(escapeForLog(key))}: ${(tenths / 10).toFixed(1)}`
  })
}

function hottest({ result }: Simulated): readonly string[] {
  // Of a key that came once, or may have, there is nothing to tell.
  const repeated = result.hottest.filter(({ weight, error }) => weight - error > 1)
  return table(
    repeated.slice(0, KEYS_SHOWN).map(({ key, weight, error, share, instance }) => {
      const count = error > 0 ? `at most ${whole(weight)}` : whole(weight)
      return [`  ${escapeForLog(key)}`, count, percent(share), instance === undefined ? '' : `  ${instance}`]
    }),
    1,
  )
}

function moved({ result }: Simulated, move: NonNullable<Simulated['move']>): readonly string[] {
  const { file, instances, keys, movedKeys, keysComplete, unpredictable, weight } = move
  const of = (part: number, whole: number): string => (whole === 0 ? '' : ` (${percent(part / whole)})`)
  if (unpredictable > 0 && unpredictable === weight)
    return [
      `with ${escapeForLog(file)} and ${instances.length} instances: one of the two is random, which keeps no key with an instance,`,
      '  so what would move cannot be said',
    ]
  const lines = [`with ${escapeForLog(file)} and ${instances.length} instances, another instance would get`]
  lines.push(`  ${whole(move.moved)} of ${whole(weight)} stanzas${of(move.moved, weight)}`)
  const limit = keysComplete ? '' : `, of the first ${keys} different ones: no more are told apart`
  lines.push(`  ${movedKeys} of ${keys} keys${of(movedKeys, keys)}${limit}`)
  if (unpredictable > 0)
    lines.push(
      `  and ${whole(unpredictable)} of ${whole(result.weight)} stanzas go anywhere, as one of the two is random`,
    )
  return lines
}

/** Of a sample that was drawn, a stanza stands for more than one. */
const whole = (weight: number): string => String(Math.round(weight))
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** Columns side by side; from column `right` on, numbers: aligned to the right. */
function table(rows: readonly (readonly string[])[], right: number): readonly string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (column < right ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
