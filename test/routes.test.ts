import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DomainRoutes } from '../src/domain-routes.ts'
import type { Instance } from '../src/instance.ts'
import { Routes } from '../src/routes.ts'
import { bareEnd, domainStart } from '../src/xmpp/jid.ts'
import { configOf } from './e2e/node.ts'

const names = Array.from({ length: 200 }, (_, i) => `d${i}.test`)
const config = configOf(`
listen: [{port: 0}]
domains: {${[...names, 'bücher.test'].map((name) => `${name}: {secret: s}`).join(', ')}}
`)
const routes = new Routes()
routes.serve([...config.domains.values()].map((domain) => new DomainRoutes(domain, () => 0)))

/** The domain of a JID that stands in the midst of other bytes. */
function find(jid: string): string | undefined {
  const buffer = Buffer.from(`d1.test'${jid}'d2.test`)
  const start = domainStart(buffer, 8, buffer.length - 8)
  return routes.find(buffer, start, bareEnd(buffer, start, buffer.length - 8))?.name
}

test('every served domain is found by its JIDs, with or without localpart and resource', () => {
  for (const name of names) {
    for (const jid of [name, `u@${name}`, `u@${name}/r@x/y`, `${name}/d3.test`, `${name}/@d3.test`]) {
      assert.equal(find(jid), name, jid)
    }
  }
})

test('[RFC 7622 §3.2] another spelling of a domain finds it', () => {
  for (const jid of ['D7.TEST', 'u@d7.Test./r', 'd7.test.']) assert.equal(find(jid), 'd7.test', jid)
  assert.equal(find('u@BÜCHER.test'), find('bücher.test'))
  assert.notEqual(find('bücher.test'), undefined)
})

test('what is not served is not found', () => {
  const shaped = [
    '',
    '/',
    '@',
    'd7.test@x',
    'x/d7.test',
    'x/@d7.test',
    'a.d7.test',
    'd7.tes',
    'd7.testx',
    'u@d7.test@d8.test',
  ]
  for (const jid of shaped) assert.equal(find(jid), undefined, jid)
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9.]{0,12}$/),
      (name) => find(name) === (names.includes(name.replace(/\.$/, '')) ? name.replace(/\.$/, '') : undefined),
    ),
  )
})

test('an empty table finds nothing', () => {
  assert.equal(new Routes().find(Buffer.from('a.test'), 0, 6), undefined)
})

test('an instance is missed until it is back, for half a minute, and only so many are', () => {
  const instance = (route: string) => ({ route }) as Instance
  routes.miss(instance('a'), 0)
  assert.deepEqual(
    [routes.isMissed('a', 29_999), routes.isMissed('a', 30_000), routes.isMissed('b', 0)],
    [true, false, false],
  )
  routes.register(instance('a'))
  assert.equal(routes.isMissed('a', 1), false)
  for (let i = 0; i <= 10_000; i++) routes.miss(instance(`r${i}`), 1)
  assert.deepEqual(
    ['r0', 'r1', 'r10000'].map((route) => routes.isMissed(route, 1)),
    [false, true, true],
  )
})
