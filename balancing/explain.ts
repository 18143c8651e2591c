import { type Choice, chooserFor, type Setting, type Tools } from './chooser.ts'
import type { Criterion } from './criterion.ts'
import { randomly, weightsAmong } from './odds.ts'
import { noTerms, type Terms, weightOf } from './terms.ts'

/** A choice, and how it came about in sentences for `switchyard explain`. */
export interface Explanation extends Choice {
  readonly why: readonly string[]
}

/** What a stanza from `from` to `to` would meet; undefined when the address that its key is to come from is no JID. */
export function explainPick(
  setting: Setting,
  from: string,
  to: string,
  normalise: Tools['normalise'],
): Explanation | undefined {
  const choice = chooserFor(setting, normalise)({ from, to })
  return choice === undefined
    ? undefined
    : {
        ...choice,
        why: [...keyWords(setting, choice), ...canaryWords(setting, choice), ...placeWords(setting, choice)],
      }
}

function keyWords({ policy }: Setting, { criterion, key, hash }: Choice): readonly string[] {
  if (policy.kind === 'local_random' || policy.kind === 'random' || key === undefined) return []
  const asked = policy.keying.usual.criterion
  const instead = asked === criterion ? [] : [`its \`to\` has no localpart, so ${criterion} stands in for ${asked}`]
  return [
    ...instead,
    `${criterion} makes ${addresses[criterion]} the key: ${key}`,
    `its ${policy.keying.hash} hash is ${hash}`,
  ]
}

const addresses: { readonly [criterion in Criterion]: string } = {
  random: 'nothing',
  source: 'the full JID in `from`',
  destination: 'the full JID in `to`',
  bare_source: 'the bare JID in `from`',
  bare_destination: 'the bare JID in `to`',
}

function canaryWords(setting: Setting, { point }: Choice): readonly string[] {
  const canary = setting.terms?.canary
  if (canary === undefined) return []
  const { instance, percent } = canary
  const words = `canary ${instance}, ${percent} %`
  if (point === undefined) return [`${words}: it is not there, so all is as without it`]
  const isAlone = setting.instances.length === 1
  const keyed = setting.policy.kind === 'random' || setting.policy.kind === 'local_random' ? 'bare_source' : 'the key'
  const falls = `${words}: ${keyed} falls at ${point.toFixed(2)} %`
  if (point < percent) return [`${falls}, so it is the canary's`]
  return [isAlone ? `${falls}, but nobody else is there` : `${falls}, so it is not the canary's`]
}

function placeWords(setting: Setting, choice: Choice): readonly string[] {
  const { policy, table } = setting
  const { hash, bucket, instance, point } = choice
  if (point !== undefined && point < (setting.terms?.canary?.percent ?? 0)) return []
  switch (policy.kind) {
    case 'local_random':
      return [
        'the domain has no domain_balancing: a random instance of this node gets it, else one elsewhere',
        ...oddsWords(setting),
      ]
    case 'random':
      return [
        policy.count === undefined ? 'random: any live instance may get it' : 'random: any live holder may get it',
        ...oddsWords(setting),
      ]
    case 'buckets':
      return [
        `${hash} modulo ${table?.holders.length ?? policy.count} buckets is bucket ${bucket}`,
        instance === undefined ? 'the bucket has no holder: when_unassigned decides' : `${instance} holds the bucket`,
      ]
    case 'rendezvous':
      return rankingWords(setting, choice)
  }
}

function rankingWords(setting: Setting, { slot, instance, unbounded }: Choice): readonly string[] {
  const { terms = noTerms } = setting
  const found = [`the hash's upper half is slot ${slot}`]
  if (instance === undefined) return [...found, 'there are no instances: when_unassigned decides']
  const first = unbounded ?? instance
  const rivals = randomly(
    setting.instances.map(({ name }) => name),
    terms,
  )
  const all = weightsAmong(rivals, terms).reduce((sum, weight) => sum + weight, 0)
  const weighted = terms.weights.size === 0 ? '' : `, by weight ${weightOf(terms, first)} of ${all}`
  found.push(`${first} has the slot's highest score of ${rivals.length}${weighted}`)
  if (terms.bound === undefined) return found
  const { factor } = terms.bound
  if (first === instance) return [...found, `balance_factor ${factor} %: ${first} has room for it`]
  return [...found, `balance_factor ${factor} %: ${first} is full, so ${instance} is next of those with room`]
}

/** Who may get a random stanza, and how often, where that is not alike for all. */
function oddsWords({ instances, terms = noTerms }: Setting): readonly string[] {
  const able = randomly(
    instances.map(({ name }) => name),
    terms,
  )
  const slow = terms.slowStartSeconds === 0 ? [] : [slowStartWords(terms)]
  if (terms.weights.size === 0) return slow
  const weights = weightsAmong(able, terms)
  return [`weights: ${able.map((name, index) => `${name} ${weights[index]}`).join(', ')}`, ...slow]
}

function slowStartWords({ slowStartSeconds }: Terms): string {
  return `one that has just joined gets more and more within ${slowStartSeconds} s`
}
