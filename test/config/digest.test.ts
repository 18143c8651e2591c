import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configDigest } from '../../config/digest.ts'
import { load } from './loading.ts'

/** The digest of a.example, of which this is what stands at the domain and beside it. */
function digestOf(domain: string, rest = ''): string {
  const { config, problems } = load(`listen: [{port: 1}]\ndomains: {a.example: {${domain}}}\n${rest}`)
  const found = config?.domains.get('a.example')
  assert.ok(found !== undefined, JSON.stringify(problems))
  return configDigest(found)
}

const balanced = (text: string) => `domain_balancing: {a.example: ${text}}\n`

test('whatever decides where a key goes changes the digest', () => {
  const instances = 'instances: {red: {secret: x, bucket: 0}, blue: {secret: y, bucket: 1}}'
  const swapped = 'instances: {red: {secret: x, bucket: 1}, blue: {secret: y, bucket: 0}}'
  const three = balanced('{type: source, component_number: 3}')
  const digests = [
    digestOf('secret: x'),
    digestOf('secret: x', balanced('{type: source}')),
    digestOf('secret: x', balanced('{type: destination}')),
    digestOf('secret: x', three),
    digestOf('secret: x', balanced('{type: source, component_number: 4}')),
    digestOf('secret: x, bare_domain: source'),
    digestOf('secret: x, when_unassigned: spill'),
    digestOf('secret: x, hash: erlang_phash2', three),
    digestOf(instances, three),
    digestOf(swapped, three),
    ...['weight: 2', 'weight: 3'].map((weight) =>
      digestOf(`instances: {red: {secret: x, ${weight}}, blue: {secret: y}}`),
    ),
    ...['red, percent: 5', 'blue, percent: 5', 'red, percent: 6'].map((canary) =>
      digestOf(`instances: {red: {secret: x}, blue: {secret: y}}, canary: {instance: ${canary}}`),
    ),
    ...['125', '126', '126, hot_keys: {a@b: 2}', '126, hot_keys: {a@b: 3}'].map((factor) =>
      digestOf(`secret: x, balance_factor: ${factor}`, balanced('{type: source}')),
    ),
  ]
  assert.equal(new Set(digests).size, digests.length)
  for (const digest of digests) assert.match(digest, /^[0-9a-f]{16}$/)
})

test('secrets, the order of instances and what a node does for itself do not change it', () => {
  assert.equal(
    digestOf('secret: x'),
    digestOf('secrets: [y, z], iq_seconds: 5, slow_start_seconds: 9, hold: {seconds: 1}'),
  )
  assert.equal(
    digestOf('instances: {red: {secret: x}, blue: {secret: y}}'),
    digestOf('instances: {blue: {secret: z}, red: {secret: w}}'),
  )
})

test('the digest of what a release before hash knew has not changed', () => {
  assert.equal(
    digestOf('secret: x, hash: murmur3', balanced('{type: source, component_number: 3}')),
    '98f46ff22c497da5',
  )
})

test('a domain that sets no instances apart has the digest that it had before one could', () => {
  assert.equal(digestOf('instances: {red: {secret: x}}', balanced('{type: source}')), 'e3032ef05989d60d')
})
