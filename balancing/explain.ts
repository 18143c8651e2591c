import { type Choice, chooserFor, type Setting, type Tools } from './chooser.ts'
import type { Criterion } from './criterion.ts'

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
    : { ...choice, why: [...keyWords(setting, choice), ...placeWords(setting, choice)] }
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

function placeWords(
  { policy, instances, table }: Setting,
  { hash, bucket, slot, instance }: Choice,
): readonly string[] {
  switch (policy.kind) {
    case 'local_random':
      return ['the domain has no domain_balancing: a random instance of this node gets it, else one elsewhere']
    case 'random':
      return [
        policy.count === undefined ? 'random: any live instance may get it' : 'random: any live holder may get it',
      ]
    case 'buckets':
      return [
        `${hash} modulo ${table?.holders.length ?? policy.count} buckets is bucket ${bucket}`,
        instance === undefined ? 'the bucket is free: when_unassigned decides' : `${instance} holds the bucket`,
      ]
    case 'rendezvous':
      return [
        `the hash's upper half is slot ${slot}`,
        instance === undefined
          ? 'there are no instances: when_unassigned decides'
          : `${instance} has the slot's highest score of ${instances.length}`,
      ]
  }
}
