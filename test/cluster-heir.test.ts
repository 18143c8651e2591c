import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterHeir } from '../src/cluster-heir.ts'
import { InnerNode } from './stub/inner-node.ts'

function bench(balancing: string) {
  const { routes } = new InnerNode(`domains: {a.test: {secret: s}}\n${balancing}`, {
    clock: { now: 0 },
    registry: () => assert.fail('nobody joins'),
    keeper: () => undefined,
  })
  const domain = routes.domains.get('a.test')!
  const estates = { isAwaited: false, follow() {} }
  const told: string[] = []
  const heir = new ClusterHeir({
    ...{ routes, estates },
    shares: {
      inheriting({ name, moving }, isBegun) {
        moving.isInheriting = isBegun
        told.push(`${name} ${isBegun}`)
      },
    },
  })
  return { domain, estates, told, heir }
}

test('keys wait as long as what the dead had read is handed out, and then what waited goes on', () => {
  const { domain, estates, told, heir } = bench('domain_balancing: {a.test: {type: bare_source, component_number: 2}}')
  estates.isAwaited = true
  heir.markTime()
  heir.markTime()
  assert.deepEqual([domain.moving.isInheriting, domain.isMoving(0), told], [true, true, ['a.test true']])
  estates.isAwaited = false
  heir.markTime()
  heir.markTime()
  assert.deepEqual(
    [domain.moving.isInheriting, domain.isMoving(0), told],
    [false, false, ['a.test true', 'a.test false']],
  )
})

test('a life that ends waits for nothing, and where no key has an order nothing ever waits', () => {
  const { domain, estates, told, heir } = bench('domain_balancing: {a.test: {type: bare_source}}')
  estates.isAwaited = true
  heir.markTime()
  heir.markTime(false)
  assert.deepEqual([domain.moving.isInheriting, told], [false, ['a.test true', 'a.test false']])
  const random = bench('')
  random.estates.isAwaited = true
  random.heir.markTime()
  assert.equal(random.domain.moving.isInheriting, false)
})
