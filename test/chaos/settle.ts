import { setTimeout as delay } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'

/** After the traffic, everything must have come to its end within so long: a hung instance is closed within 15 s. */
const SETTLE_MS = 45_000
/** Nothing is told for so long: nothing is on its way any more. */
const QUIET_MICROSECONDS = 1_500_000

/** Until everything has come to an end and no more is told, or for as long as it may take. */
export async function settle(ledger: Ledger): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (performance.now() < deadline) {
    if (ledger.outstanding === 0 && ledger.quiet > QUIET_MICROSECONDS) return
    await delay(100)
  }
}
