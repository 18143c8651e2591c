import type { Setting } from '../../balancing/chooser.ts'
import { policyFor } from '../../balancing/policy.ts'
import { compare, simulate } from '../../balancing/simulate.ts'
import { noTerms, termsFor } from '../../balancing/terms.ts'
import type { Traffic } from '../../balancing/traffic.ts'
import type { Config, Domain } from '../../config/config.ts'
import type { LoadOptions } from '../../config/load.ts'
import { normaliseDomain } from '../../config/names.ts'
import { type ExitCode, exitCodes, SwitchyardError } from '../errors.ts'
import { keyText } from '../key.ts'
import { type Skipped, trafficOf } from '../traffic.ts'
import { configured } from './configured.ts'
import { type Given, wholeNumber } from './given.ts'
import { type Simulated, simulationText } from './simulation-text.ts'
import { replayed } from './standard-input.ts'

/** What the command needs from the process. */
export interface SimulateIo extends Omit<LoadOptions, 'file'> {
  stdout(text: string): void
  stderr(text: string): void
  /** Standard input to its end. */
  stdin(): Iterable<Uint8Array>
  /** Whether somebody types it. */
  readonly isTyped: boolean
}

const DEFAULT_INSTANCES = 3
const MOST_INSTANCES = 10_000
/** Complaints that are printed; the rest is counted. */
const COMPLAINTS_SHOWN = 10

/** `switchyard simulate`: shares out what standard input holds. Exit code 1 when part of it could not be read. */
export function simulateInput(path: string, given: Given, io: SimulateIo): ExitCode {
  const count = wholeNumber(given, 'instances', 1, MOST_INSTANCES)
  const config = configured(path, io)
  const domain = domainOf(config, given.options.get('domain'))
  const other = given.options.get('to')
  const after = other === undefined ? undefined : { file: other, setting: settingTo(other, domain.name, count, io) }
  const setting = settingFor(domain, count, config.node)
  const skipped: Skipped = { elsewhere: 0, replies: 0, malformed: 0, lone: 0 }
  const complain = complainer(io)
  if (io.isTyped) io.stderr('switchyard: reading addresses or stanzas from standard input; Ctrl-D ends it\n')
  const chunks = after === undefined ? io.stdin() : replayed(io.stdin())
  const options = { domain: domain.name, limits: config.limits, complain }
  const result = simulate(setting, trafficOf(chunks, options, skipped), { normalise: keyText })
  const again = { ...options, complain: () => {} }
  const move = after === undefined ? null : moveTo(after, setting, trafficOf(chunks, again, { ...skipped }))
  const simulated: Simulated = {
    ...{ domain: domain.name, policy: setting.policy, terms: setting.terms ?? noTerms, skipped, result, move },
    instances: setting.instances.map(({ name }) => name),
    instancesAssumed: count === undefined && domain.instances === undefined,
  }
  io.stdout(
    given.options.has('json')
      ? `${JSON.stringify({ ...simulated, policy: policyView(setting.policy), terms: termsView(setting.terms) })}\n`
      : simulationText(simulated),
  )
  if (skipped.malformed > COMPLAINTS_SHOWN) io.stderr(`switchyard: ${skipped.malformed} such places in all\n`)
  return skipped.malformed > 0 ? exitCodes.badInput : exitCodes.done
}

/** A policy as the configuration words it. */
function policyView(policy: Setting['policy']) {
  return {
    kind: policy.kind,
    type: 'keying' in policy ? policy.keying.usual.criterion : 'random',
    hash: 'keying' in policy ? policy.keying.hash : null,
    component_number: ('count' in policy && policy.count) || null,
  }
}

/** The terms as the configuration words them; null where it has none. */
function termsView(terms: Setting['terms'] = noTerms) {
  if (terms === noTerms) return null
  const { weights, canary, bound, slowStartSeconds } = terms
  return {
    weights: Object.fromEntries(weights),
    canary: canary === undefined ? null : { instance: canary.instance, percent: canary.percent },
    balance_factor: bound?.factor ?? null,
    hot_keys: Object.fromEntries((bound?.hot ?? []).map(({ key, percent }) => [key, percent])),
    slow_start_seconds: slowStartSeconds,
  }
}

function moveTo(
  after: { readonly file: string; readonly setting: Setting },
  before: Setting,
  traffic: Iterable<Traffic>,
): Simulated['move'] {
  const { file, setting } = after
  const instances = setting.instances.map(({ name }) => name)
  return { file, instances, ...compare(before, setting, traffic, keyText) }
}

function settingTo(path: string, name: string, count: number | undefined, io: SimulateIo): Setting {
  const config = configured(path, io)
  const domain = config.domains.get(name)
  if (domain === undefined) throw new SwitchyardError('input-refused', `${path} does not serve ${name}`)
  return settingFor(domain, count, config.node)
}

function domainOf(config: Config, asked: string | undefined): Domain {
  const served = [...config.domains.values()].filter(({ name }) => name !== config.address)
  const names = served.map(({ name }) => name).join(', ')
  const only = served.length === 1 ? served[0] : undefined
  if (asked === undefined && only === undefined) {
    throw new SwitchyardError('usage', `the configuration serves several domains; say --domain, one of: ${names}`)
  }
  const name = asked === undefined ? undefined : normaliseDomain(asked)
  const domain = asked === undefined ? only : served.find((candidate) => candidate.name === name)
  if (domain !== undefined) return domain
  throw new SwitchyardError('input-refused', `--domain: ${JSON.stringify(asked)} is not served; served are: ${names}`)
}

/** The domain with its named instances, or the first `count` of them; or with unnamed ones, all at this node. */
function settingFor(domain: Domain, count: number | undefined, node: string): Setting {
  const policy = policyFor(domain.balancing, domain.bare_domain, domain.hash)
  const terms = termsFor(domain)
  const named = domain.instances && [...domain.instances]
  if (named === undefined) {
    const instances = Array.from({ length: count ?? usual(policy) }, (_, index) => ({ name: `${node}/${index + 1}` }))
    return { policy, instances, terms }
  }
  if (count !== undefined && count > named.length) {
    throw new SwitchyardError('input-refused', `--instances: ${domain.name} has ${named.length} named instances`)
  }
  const instances = named
    .slice(0, count)
    .map(([name, { bucket }]) => (bucket === undefined ? { name } : { name, bucket }))
  return { policy, instances, terms }
}

function usual(policy: Setting['policy']): number {
  return 'count' in policy && policy.count !== undefined ? policy.count : DEFAULT_INSTANCES
}

function complainer(io: SimulateIo): (line: number, what: string) => void {
  let count = 0
  return (line, what) => {
    if (++count > COMPLAINTS_SHOWN) return
    io.stderr(`switchyard: standard input${line === 0 ? '' : `, line ${line}`}: ${what}\n`)
  }
}
