import assert from 'node:assert/strict'
import type { DomainView } from '../../src/admin/view.ts'

/** received = delivered + forwarded + bounced + dropped + held (design 8). */
export function assertBalanced({ name, counters, held }: DomainView): void {
  const { received, delivered, forwarded, bounced, dropped } = counters
  const ended = [...bounced, ...dropped].map(({ count }) => count)
  const out = sum([...Object.values(delivered), forwarded, ...ended, held.stanzas])
  assert.equal(sum(Object.values(received)), out, `${name}: ${JSON.stringify({ counters, held })}`)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
