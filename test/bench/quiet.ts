import { setTimeout as sleep } from 'node:timers/promises'
import { measure } from './meter.ts'

const LOOK_MS = 500
/** CPU of others, as a share of one core, below which the machine counts as quiet. */
const QUIET_SHARE = 0.1

/**
 * Resolves when the machine has been quiet for a moment; false when it was not within so many seconds.
 *
 * @param awake a process whose CPU is no noise (0: none)
 */
export async function quiet(patience: number, awake = 0): Promise<boolean> {
  for (let waited = 0; waited < patience * 1000; waited += LOOK_MS) {
    const end = measure([], awake)
    await sleep(LOOK_MS)
    const { seconds, foreign } = end()
    if (foreign <= seconds * QUIET_SHARE) return true
  }
  return patience === 0
}
