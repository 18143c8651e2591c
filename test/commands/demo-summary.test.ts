import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tally } from '../../src/commands/demo-ledger.ts'
import { faultsOf, type Outcome, summaryText } from '../../src/commands/demo-summary.ts'

/** Ten were sent: red answered five and lives; green answered three, died, and had two more: one bounced, one missing. */
function outcome(tally: Partial<Tally> = {}, changes: Partial<Outcome> = {}): Outcome {
  return {
    tally: {
      ...{ sent: 10, answered: 8, bounced: 1, waiting: 1, inFlight: 1, repeated: 0, overtaken: 0 },
      byInstance: new Map(Object.entries({ red: 5, green: 3 })),
      bounces: new Map([['wait/remote-server-timeout', 1]]),
      ...tally,
    },
    requestsWaiting: 0,
    mostHeld: 2,
    node: {
      received: { instance: 10, link: 0, node: 0, self: 0, store: 0 },
      delivered: { instances: 5, gone: 5, link: 0, self: 0 },
      forwarded: 0,
      bounced: [],
      dropped: [],
    },
    waitingInNode: 0,
    toSender: 9,
    instances: [{ name: 'red', read: 5, delivered: 5 }],
    ...changes,
  }
}

test('a dead instance explains what was in flight to it', () => {
  assert.deepEqual(faultsOf(outcome()), [])
  const text = summaryText(outcome())
  assert.match(text, /^ {2}10 {2}sent by the users$/m)
  assert.match(text, /^ {3}8 {2}answered: red 5, green 3$/m)
  assert.match(text, /^ {3}1 {2}bounced: 1 wait\/remote-server-timeout$/m)
  assert.match(text, /^ {3}1 {2}in flight when it died/m)
  assert.match(text, /^ {3}0 {2}lost$/m)
  assert.match(text, /agree on every count/)
})

test('what no death explains is lost', () => {
  assert.deepEqual(faultsOf(outcome({ inFlight: 0 })), [
    '1 are lost: neither answered, nor bounced, nor in flight to an instance that died',
  ])
})

test('more cannot have been in flight than the node had given to the dead', () => {
  const node = { ...outcome().node, delivered: { instances: 5, gone: 3, link: 0, self: 2 } }
  assert.deepEqual(faultsOf(outcome({}, { node })), [
    '1 are missing, but the node had given the dead only 0 that they did not answer',
  ])
})

test('each pair of counts that disagrees is a sentence', () => {
  const sentences = [
    faultsOf(outcome({ sent: 11 })),
    faultsOf(outcome({}, { toSender: 8 })),
    faultsOf(outcome({}, { waitingInNode: 1 })),
    faultsOf(outcome({}, { requestsWaiting: 1 })),
    faultsOf(outcome({ overtaken: 1 })),
    faultsOf(outcome({}, { instances: [{ name: 'red', read: 5, delivered: 6 }] })),
  ]
  assert.deepEqual(sentences, [
    ['the node received 10, the sender sent 11'],
    ['the node delivered 8 to the sender, which got 9'],
    ['the node received 10 and accounts for 11'],
    ['1 requests got no answer'],
    ['1 messages came back behind a later one of the same user'],
    ['the node delivered 6 to red, which read 5'],
  ])
  assert.match(summaryText(outcome({ overtaken: 1 })), /please report it:\n {2}1 messages came back/)
})
