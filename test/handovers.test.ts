import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainRoutes } from '../src/domain-routes.ts'
import { Instance } from '../src/instance.ts'
import { Reframer } from '../src/stream/reframe.ts'
import type { Stream } from '../src/stream/stream.ts'
import { configOf } from './e2e/node.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const owner = { opened() {}, fromInstance() {}, footer() {}, left() {} }
const users = Array.from({ length: 400 }, (_, i) => `u${i}@x.test`)
const names = ['blue', 'green', 'red', 'next']

/** @param weight blue's */
function config(balancing: string, terms: string, weight?: number) {
  const instances = names.map((name) => {
    return `${name}: {secret: ${name}${name === 'blue' && weight !== undefined ? `, weight: ${weight}` : ''}}`
  })
  return configOf(`
listen: [{port: 0}]
domains: {a.test: {instances: {${instances.join(', ')}}, ${terms}}}
domain_balancing: {a.test: {${balancing}}}
`).domains.get('a.test')!
}

/** Whom each user's stanzas go to at once. */
function picked(domain: DomainRoutes): ReadonlyMap<string, Instance | undefined> {
  const found = new Map<string, Instance | undefined>()
  for (const user of users) {
    const stanza = Buffer.from(`<message from='${user}' to='room@a.test'/>`)
    new Reframer(limits).stanzas(stanza, (head) => found.set(user, domain.pick(head)))
  }
  return found
}

const canary = (percent: number) => `canary: {instance: next, percent: ${percent}}`
const [buckets, ranked] = ['type: bare_source, component_number: 3', 'type: bare_source']
type Side = Parameters<typeof config>
const changes: readonly { readonly what: string; readonly before: Side; readonly after: Side }[] = [
  { what: "the canary's part, with buckets", before: [buckets, canary(10)], after: [buckets, canary(40)] },
  { what: "the canary's part, without buckets", before: [ranked, canary(40)], after: [ranked, canary(10)] },
  { what: 'the canary, which there was not', before: [buckets, ''], after: [buckets, canary(30)] },
  { what: 'a weight', before: [ranked, '', 1], after: [ranked, '', 4] },
  {
    what: 'balance_factor',
    before: [ranked, 'balance_factor: 125, hot_keys: {u1@x.test: 40}'],
    after: [ranked, 'balance_factor: 200, hot_keys: {u1@x.test: 40, u2@x.test: 30}'],
  },
  { what: 'the number of buckets and the canary', before: [buckets, canary(10)], after: [`${buckets}1`, canary(30)] },
]

for (const { what, before, after } of changes) {
  test(`when ${what} changes, only keys of another instance than before wait, each for the one that had it`, () => {
    const domain = new DomainRoutes(config(...before), () => 0)
    for (const name of names) {
      domain.join(new Instance(owner, domain, {} as Stream, { name, route: name }, 0))
    }
    const was = picked(domain)
    const mapping = domain.mapping!
    assert.equal(domain.configure(config(...after)), true)
    const is = picked(domain)
    const moving = users.filter((user) => was.get(user) !== undefined && was.get(user) !== is.get(user))
    assert.ok(moving.length > 0 && moving.length < users.length, `${moving.length} keys move`)

    const handover = domain.handovers.begin(mapping, domain.members.values())!
    for (const gone of [undefined, ...domain.members.values()]) {
      if (gone !== undefined) domain.handovers.passed(handover, gone)
      const now = picked(domain)
      for (const user of users) {
        const waits = moving.includes(user) && handover.laden.has(was.get(user)!)
        assert.equal(now.get(user)?.name, waits ? undefined : is.get(user)?.name, user)
      }
    }
    assert.ok(domain.handovers.isIdle)
  })
}
