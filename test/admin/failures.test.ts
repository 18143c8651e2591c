import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failures, MOST_FAILURES } from '../../src/admin/failures.ts'

function failing() {
  const clock = { now: 0 }
  const failures = new Failures(() => clock.now)
  const fail = (address: string, times: number): void => {
    for (let time = 0; time < times; time++) failures.failed(address)
  }
  return { clock, failures, fail }
}

test('an address that sent too many wrong tokens waits for the rest of the minute, and no other does', () => {
  const { clock, failures, fail } = failing()
  fail('192.0.2.1', MOST_FAILURES - 1)
  assert.equal(failures.waitOf('192.0.2.1'), 0)
  clock.now = 20_000
  fail('192.0.2.1', 1)
  assert.equal(failures.waitOf('192.0.2.1'), 40)
  assert.equal(failures.waitOf('192.0.2.2'), 0)
  clock.now = 60_000
  assert.equal(failures.waitOf('192.0.2.1'), 0)
  assert.equal(failures.failed('192.0.2.1'), 1)
})

test('all addresses of one IPv6 network are one, and an IPv4 address is the same in either spelling', () => {
  const { failures, fail } = failing()
  fail('2001:db8:0:1::1', MOST_FAILURES / 2)
  fail('2001:db8:0:1:ffff::2', MOST_FAILURES / 2)
  assert.ok(failures.waitOf('2001:db8::1:0:0:0:3') > 0)
  assert.equal(failures.waitOf('2001:db8:0:2::1'), 0)
  fail('::ffff:192.0.2.1', MOST_FAILURES)
  assert.ok(failures.waitOf('192.0.2.1') > 0)
  assert.equal(failures.waitOf('192.0.2.2'), 0)
})

test('of a thousand and one addresses the one that has been known longest is forgotten', () => {
  const { failures, fail } = failing()
  fail('10.0.0.0', MOST_FAILURES)
  for (let n = 1; n <= 1000; n++) fail(`10.1.${n >> 8}.${n & 255}`, 1)
  assert.equal(failures.size, 1000)
  assert.equal(failures.waitOf('10.0.0.0'), 0)
})
