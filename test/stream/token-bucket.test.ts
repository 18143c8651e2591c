import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenBucket } from '../../src/stream/token-bucket.ts'

test('a bucket is full at first, fills at its rate, and never above its burst', () => {
  let now = 1e9
  const bucket = new TokenBucket(() => now)
  const rate = { rate: 10, burst: 3 }
  const taken = (): number => {
    let count = 0
    while (bucket.tryTake(rate)) count++
    return count
  }
  assert.equal(taken(), 3)
  now += 99
  assert.equal(taken(), 0)
  now += 1
  assert.equal(taken(), 1)
  now += 60_000
  assert.equal(taken(), 3)
})

test('what is taken beyond the burst has to be waited for, at the rate that is in force', () => {
  let now = 0
  const bucket = new TokenBucket(() => now)
  const rate = { rate: 1000, burst: 500 }
  assert.equal(bucket.take(500, rate), 0)
  assert.equal(bucket.take(250, rate), 250)
  now += 250
  assert.equal(bucket.take(0, rate), 0)
  assert.equal(bucket.take(100, { rate: 100, burst: 500 }), 1000)
})
