import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadExpress, scannersBy } from '../src/scanning.ts'

const limits = { stanza_bytes: 10_000, depth: 10, elements: 20, attributes: 8, namespaces: 6 }

test('without WebAssembly there is no express scanner, and it is said why', () => {
  const { WebAssembly: own } = globalThis as { WebAssembly?: unknown }
  const told: string[] = []
  try {
    Reflect.deleteProperty(globalThis, 'WebAssembly')
    assert.equal(
      loadExpress(10_000, (why) => told.push(why)),
      undefined,
    )
    assert.equal(
      scannersBy(
        () => limits,
        (why) => told.push(why),
      )().express,
      undefined,
    )
  } finally {
    Object.assign(globalThis, { WebAssembly: own })
  }
  assert.equal(told.length, 2)
  assert.match(told.join(), /WebAssembly is not defined/)
})

test('streams that begin after a reload have the new limits, and the same express scanner', () => {
  let now = limits
  const scanners = scannersBy(() => now, assert.fail)
  const before = scanners()
  assert.equal(scanners(), before)
  now = { ...limits, depth: 5 }
  assert.equal(scanners().limits.depth, 5)
  assert.equal(before.limits.depth, 10)
  assert.ok(scanners().express !== undefined && scanners().express === before.express)
})
