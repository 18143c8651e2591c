import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from '../../src/commands/demo-ledger.ts'

/** A ledger whose users 1 and 2 have been served by red and green. */
function served() {
  const ledger = new Ledger()
  ledger.answered(ledger.sent(1, 'message'), 'red')
  ledger.answered(ledger.sent(2, 'message'), 'green')
  return ledger
}

test('everything that was sent is answered, bounced or waits', () => {
  const ledger = served()
  ledger.bounced(ledger.sent(1, 'request'), 'wait/remote-server-timeout')
  ledger.sent(2, 'message')
  const { sent, answered, bounced, waiting, bounces, byInstance } = ledger.tally
  assert.deepEqual({ sent, answered, bounced, waiting }, { sent: 4, answered: 2, bounced: 1, waiting: 1 })
  assert.deepEqual([...bounces], [['wait/remote-server-timeout', 1]])
  assert.equal(byInstance.get('red'), 1)
})

test('what the users of a dead instance waited for was in flight, unless it is answered after all', () => {
  const ledger = served()
  const id = ledger.sent(1, 'message')
  ledger.sent(1, 'message')
  ledger.sent(2, 'message')
  ledger.died('red')
  ledger.answered(id, 'red')
  assert.equal(ledger.tally.inFlight, 1)
  assert.equal(ledger.isSettled, false)
})

test('what is sent after the death is not in flight: if it is missing, it is lost', () => {
  const ledger = served()
  ledger.died('red')
  ledger.sent(1, 'message')
  const { waiting, inFlight } = ledger.tally
  assert.deepEqual({ waiting, inFlight }, { waiting: 1, inFlight: 0 })
})

test('a message behind a later one of its user is overtaken; of another user it is not', () => {
  const ledger = new Ledger()
  const [first, other, second] = [ledger.sent(1, 'message'), ledger.sent(2, 'message'), ledger.sent(1, 'message')]
  ledger.answered(second, 'red')
  ledger.answered(other, 'red')
  assert.equal(ledger.tally.overtaken, 0)
  ledger.answered(first, 'red')
  assert.equal(ledger.tally.overtaken, 1)
})

test('a second answer is counted as such', () => {
  const ledger = new Ledger()
  const id = ledger.sent(1, 'message')
  ledger.answered(id, 'red')
  ledger.answered(id, 'green')
  assert.deepEqual([ledger.tally.answered, ledger.tally.repeated], [1, 1])
})

test('a request without an answer is counted apart, dead instance or not', () => {
  const ledger = served()
  ledger.sent(1, 'request')
  ledger.died('red')
  assert.equal(ledger.requestsWaiting, 1)
})
