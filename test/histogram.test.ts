import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram, iqBounds, quantilesOf, routeBounds } from '../src/histogram.ts'

test('a value on a bound counts there, one above it in the next bucket, and buckets are cumulative', () => {
  const histogram = new Histogram([0.1, 1])
  for (const seconds of [0, 0.1, 0.11, 1, 1.5, 300]) histogram.observe(seconds)
  assert.deepEqual(
    [...histogram.buckets()],
    [
      { le: 0.1, count: 2 },
      { le: 1, count: 4 },
      { le: Number.POSITIVE_INFINITY, count: 6 },
    ],
  )
  assert.equal(histogram.count, 6)
  assert.equal(histogram.sum.toFixed(2), '302.71')
})

test('what is no duration is not observed', () => {
  const histogram = new Histogram([1])
  for (const seconds of [Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) histogram.observe(seconds)
  assert.equal(histogram.count, 0)
  assert.equal(histogram.sum, 0)
})

test('bounds that do not rise, or are not finite, are refused', () => {
  for (const bounds of [[1, 1], [2, 1], [Number.NaN], [1, Number.POSITIVE_INFINITY]]) {
    assert.throws(() => new Histogram(bounds), RangeError)
  }
})

test('routing is measured from 1 µs to 1 s, requests from 1 ms to 300 s', () => {
  assert.deepEqual([routeBounds[0], routeBounds.at(-1)], [1e-6, 1])
  assert.deepEqual([iqBounds[0], iqBounds.at(-1)], [1e-3, 300])
  assert.equal(new Histogram(routeBounds).count + new Histogram(iqBounds).count, 0)
})

test('quantiles are evenly within a bucket, of what came since, and the last bound for what is above all', () => {
  const histogram = new Histogram([1, 2, 4])
  assert.equal(quantilesOf(histogram), undefined)
  for (let n = 0; n < 100; n++) histogram.observe(1.5)
  assert.deepEqual(quantilesOf(histogram), { count: 100, p50: 1.5, p95: 1.95, p99: 1.99 })
  const before = histogram.counts()
  assert.equal(quantilesOf(histogram, before), undefined)
  histogram.observe(100)
  assert.deepEqual(quantilesOf(histogram, before), { count: 1, p50: 4, p95: 4, p99: 4 })
})
