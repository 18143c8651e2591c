import assert from 'node:assert/strict'
import { test } from 'node:test'

const { Curves, History } = await import(new URL('../../src/admin/page/history.js', import.meta.url).href)
const { ago, bytes, duration, ranges, rate } = await import(
  new URL('../../src/admin/page/format.js', import.meta.url).href
)

const sample = (time: number, received: number, instances: object[] = []) => ({
  ...{ time, received, delivered: received, failed: 0, waiting: 1, instances },
})

test('rates are the difference of two samples over the time between; the first tells none', () => {
  const curves = new Curves()
  curves.add(sample(10, 100))
  curves.add(sample(12, 300))
  assert.deepEqual(
    [curves.times, curves.received],
    [
      [10, 12],
      [null, 100],
    ],
  )
  assert.equal(curves.now.received, 100)
})

test('a node that counts anew, and an instance that has come back, leave a gap and no fall', () => {
  const curves = new Curves()
  curves.add(sample(0, 100, [{ name: 'red', since: 'a', delivered: 50, seconds: 1 }]))
  curves.add(sample(1, 10, [{ name: 'red', since: 'b', delivered: 5, seconds: null }]))
  assert.deepEqual(curves.received, [null, null])
  assert.deepEqual(curves.instances.get('red').rates, [null, null])
  curves.add(sample(2, 20, [{ name: 'red', since: 'b', delivered: 25, seconds: null }]))
  assert.deepEqual(curves.instances.get('red').rates, [null, null, 20])
})

test('while another domain is looked at nothing is drawn: there is a gap', () => {
  const curves = new Curves()
  const red = (delivered: number) => [{ name: 'red', since: 'a', delivered, seconds: 1 }]
  for (const time of [0, 2]) curves.add(sample(time, time * 10, red(time)))
  curves.pause()
  for (const time of [40, 42]) curves.add(sample(time, time * 10, red(time)))
  assert.deepEqual(curves.times, [0, 2, 21, 40, 42])
  assert.deepEqual(curves.received, [null, 10, null, null, 10])
  assert.deepEqual(curves.waiting, [1, 1, null, 1, 1])
  const { rates, seconds } = curves.instances.get('red')
  assert.deepEqual(
    [rates, seconds],
    [
      [null, 1, null, null, 1],
      [1, 1, null, 1, 1],
    ],
  )
})

test('what is kept is bounded: samples, instances, domains; and columns stay of equal length', () => {
  const curves = new Curves()
  for (let time = 0; time < 400; time++) {
    curves.add(sample(time, time, [{ name: `i${time}`, since: 's', delivered: 0, seconds: 0.1 }]))
  }
  assert.equal(curves.times.length, 300)
  assert.ok(curves.instances.size <= 64)
  for (const { rates, seconds } of curves.instances.values())
    assert.deepEqual([rates.length, seconds.length], [300, 300])
  const history = new History()
  const first = history.of('d0')
  for (let at = 0; at < 9; at++) history.of(`d${at}`)
  assert.notEqual(history.of('d0'), first)
})

test('two looks at the same moment are one', () => {
  const curves = new Curves()
  curves.add(sample(1, 1))
  curves.add(sample(1.1, 5))
  assert.deepEqual(curves.times, [1])
})

test('numbers, sizes, times and runs of numbers are said as people say them', () => {
  assert.equal(ranges([1, 2, 3, 7, 9, 10]), '1–3, 7, 9, 10')
  assert.equal(ranges([]), '')
  assert.deepEqual([0, 1023, 1024, 16_777_216, null].map(bytes), ['0 B', '1,023 B', '1 KiB', '16 MiB', '–'])
  assert.deepEqual([0, 0.0004, 0.25, 1.25, 120, null].map(duration), [
    '< 1 ms',
    '< 1 ms',
    '250 ms',
    '1.3 s',
    '120 s',
    '–',
  ])
  assert.deepEqual([0, 0.5, 10.4, 12_345, undefined].map(rate), ['0', '0.5', '10', '12,345', '–'])
  assert.equal(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T02:03:00Z')), '2 h 3 min')
})
