import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClusterOutcome, clusterFaults, clusterSummary } from '../../src/commands/demo-cluster-summary.ts'
import { Stopwatch } from '../../src/commands/demo-takeover.ts'

/** Green's node died at 1000, and was back; all ten stanzas ended. */
function outcome(changes: Partial<ClusterOutcome> = {}): ClusterOutcome {
  const stopwatch = new Stopwatch('yard-2', ['green'], 1000)
  stopwatch.mark('reconnected', 1100)
  stopwatch.mark('buried', 6200)
  stopwatch.mark('served', 6300)
  stopwatch.restart(7000)
  stopwatch.mark('restarted', 7500)
  const counts = { sent: 10, answered: 9, bounced: 1, waiting: 0, inFlight: 0, repeated: 0, overtaken: 0 }
  const byInstance = new Map(Object.entries({ red: 5, green: 4 }))
  const bounces = new Map([['wait/remote-server-timeout', 1]])
  return { tally: { ...counts, byInstance, bounces }, again: 2, takeovers: [stopwatch.result], mishaps: [], ...changes }
}

test('a takeover is told with its times, and what was sent again with the reason', () => {
  const text = clusterSummary(outcome())
  assert.deepEqual(clusterFaults(outcome()), [])
  assert.match(text, /^When yard-2 was killed, it took\n {4}0\.1 s .*\n {4}5\.2 s .*\n {4}5\.3 s .*\n {4}0\.5 s /m)
  assert.match(text, /^ {2}10 {2}sent by the users\n {3}9 {2}answered: red 5, green 4\n {3}1 {2}bounced: 1 wait/m)
  assert.match(text, /^ {2}2 were sent again by users whose node had died/m)
  assert.match(text, /^Nothing was lost/m)
})

test('only the first time that a step is done counts', () => {
  const stopwatch = new Stopwatch('yard-2', [], 0)
  assert.equal(stopwatch.mark('buried', 10), true)
  assert.equal(stopwatch.mark('buried', 20), false)
  assert.equal(stopwatch.result.buried, 10)
})

test('what is unanswered in the end, overtaken, not taken over, or a mishap is a fault', () => {
  const { tally } = outcome()
  const takeovers = [new Stopwatch('yard-3', [], 0).result]
  const faulty = outcome({
    tally: { ...tally, waiting: 1, overtaken: 2 },
    takeovers,
    mishaps: ['yard-1 ended by itself (70)'],
  })
  assert.deepEqual(clusterFaults(faulty), [
    '1 are lost: neither answered nor bounced',
    '2 messages came back behind a later one of the same user',
    'the work of yard-3 was not taken over in time',
    'yard-1 ended by itself (70)',
  ])
  assert.match(clusterSummary(faulty), /please report it:\n {2}1 are lost/)
})

test('a node that had no instance, and was not started again because of a signal, is not told of as one that had', () => {
  const stopwatch = new Stopwatch('yard-2', [], 0)
  for (const step of ['reconnected', 'buried', 'served'] as const) stopwatch.mark(step, 100)
  const ended = outcome({ takeovers: [stopwatch.result] })
  assert.deepEqual(clusterFaults(ended), [])
  assert.doesNotMatch(clusterSummary(ended), /served again|started anew/)
})
