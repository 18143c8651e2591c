/** What ejabberd's `domain_balancing` calls `type`. `source` is the stanza's `from`, `destination` its `to`. */
export const criteria = ['random', 'source', 'destination', 'bare_source', 'bare_destination'] as const
export type Criterion = (typeof criteria)[number]

/** Which stanzas without a localpart in `to` get another criterion; the config's `bare_domain`. */
export const bareDomains = ['destination', 'source'] as const
export type BareDomain = (typeof bareDomains)[number]

/** How a key becomes a number; the config's `hash`. `erlang_phash2` hashes what ejabberd hashes, as ejabberd does. */
export const hashes = ['murmur3', 'erlang_phash2'] as const
export type HashName = (typeof hashes)[number]

/** Where a key comes from. */
export interface KeyRule {
  readonly criterion: Criterion
  /** false for `random`: no key is read. */
  readonly keyed: boolean
  readonly address: 'from' | 'to'
  /** `address` once more, to be asked per stanza. */
  readonly fromSource: boolean
  /** Only the bare JID of the address is the key. */
  readonly bare: boolean
}

/** How one domain finds its keys, settled when the config is read so that a stanza compares no strings. */
export interface Keying {
  readonly usual: KeyRule
  /** For a stanza whose `to` has no localpart; the same object as `usual` where that makes no difference. */
  readonly withoutLocal: KeyRule
  readonly hash: HashName
  /** Whether `hash` is `erlang_phash2`. */
  readonly asErlang: boolean
}

const rules: { readonly [criterion in Criterion]: KeyRule } = {
  random: rule('random', false, 'to', false),
  source: rule('source', true, 'from', false),
  destination: rule('destination', true, 'to', false),
  bare_source: rule('bare_source', true, 'from', true),
  bare_destination: rule('bare_destination', true, 'to', true),
}

function rule(criterion: Criterion, keyed: boolean, address: 'from' | 'to', bare: boolean): KeyRule {
  return Object.freeze({ criterion, keyed, address, fromSource: address === 'from', bare })
}

/**
 * The criterion in force for a stanza. With `bare_domain: source`, a stanza to the domain itself is keyed by
 * `bare_source` under a destination criterion: by `to`, all of those would meet one instance.
 */
export function criterionFor(criterion: Criterion, bareDomain: BareDomain, toHasLocal: boolean): Criterion {
  const byDestination = criterion === 'destination' || criterion === 'bare_destination'
  return byDestination && bareDomain === 'source' && !toHasLocal ? 'bare_source' : criterion
}

/** `criterionFor` for both answers, to be kept in the domain's policy. */
export function keyingFor(
  criterion: Criterion,
  bareDomain: BareDomain = 'destination',
  hash: HashName = 'murmur3',
): Keying {
  return Object.freeze({
    usual: rules[criterionFor(criterion, bareDomain, true)],
    withoutLocal: rules[criterionFor(criterion, bareDomain, false)],
    hash,
    asErlang: hash === 'erlang_phash2',
  })
}

/** What a canary's keys are where stanzas have none: one user sees one version. */
export const canaryKeying: Keying = keyingFor('bare_source')
