import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterStore } from '../../src/cluster/cluster-store.ts'
import { StoreLoans } from '../../src/cluster/store-loans.ts'

function lent() {
  const closed: string[] = []
  const store = { close: () => void closed.push('closed') } as Partial<ClusterStore> as ClusterStore
  return { loans: new StoreLoans(store), store, closed }
}

test('a store that nobody has is closed at once', () => {
  const { loans, closed } = lent()
  loans.lend()?.giveBack()
  assert.deepEqual(closed, [])
  loans.end()
  assert.deepEqual([closed, loans.lend()], [['closed'], undefined])
})

test('a store that is lent is closed when the last one has given it back, however often one does', () => {
  const { loans, store, closed } = lent()
  const [one, other] = [loans.lend(), loans.lend()]
  assert.equal(one?.store, store)
  loans.end()
  one?.giveBack()
  one?.giveBack()
  assert.deepEqual([closed, loans.lend()], [[], undefined])
  other?.giveBack()
  assert.deepEqual(closed, ['closed'])
})
